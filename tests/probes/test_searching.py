"""Which of many things move a result: found by few executions, whatever they do together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repro.probes.searching import ahead, search

NAMES = [f"n{number}" for number in range(16)]


def found(moves: Callable[[set[str]], bool], names: list[str] = NAMES) -> tuple[set[str], int]:
    """The guilty, and the number of executions."""
    guilty, settled, count = set(), [], 0

    def differs(group: tuple[str, ...]) -> bool:
        nonlocal count
        count += 1
        assert len(set(group)) == len(group)
        return moves(set(group))

    def take(name: str, is_guilty: bool) -> None:
        settled.append(name)
        if is_guilty:
            guilty.add(name)

    search(names, differs, take)
    assert sorted(settled) == sorted(names), "each is settled once"
    return guilty, count


def test_where_nothing_moves_one_execution_says_so() -> None:
    assert found(lambda group: False) == (set(), 1)


def test_nothing_to_vary_takes_none() -> None:
    assert found(lambda group: True, []) == (set(), 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_one_that_moves_is_found(name: str) -> None:
    guilty, count = found(lambda group: name in group)
    assert guilty == {name} and count <= 9


@pytest.mark.parametrize("names", [{"n0", "n1"}, {"n3", "n12"}, {"n0", "n7", "n15"}, set(NAMES)])
def test_several_are_found(names: set[str]) -> None:
    assert found(lambda group: bool(names & group))[0] == names


def test_of_two_that_move_only_together_one_is_named_and_the_other_kept() -> None:
    guilty, _ = found(lambda group: {"n2", "n13"} <= group)
    assert len(guilty) == 1 and guilty <= {"n2", "n13"}


@pytest.mark.parametrize("guilty", [set(), {"n0"}, {"n7"}, {"n3", "n12"}, {"n15", "n14", "n1"}])
@pytest.mark.parametrize("most", [1, 2, 4])
def test_what_is_foreseen_is_what_is_asked(guilty: set[str], most: int) -> None:
    known: dict[frozenset[str], bool] = {}
    asked: list[tuple[str, ...]] = []

    def differs(group: tuple[str, ...]) -> bool:
        foreseen = ahead(NAMES, known, most)
        assert foreseen[0] == group and len(foreseen) <= most
        assert len({frozenset(item) for item in foreseen}) == len(foreseen)
        asked.append(group)
        known[frozenset(group)] = bool(guilty & set(group))
        return known[frozenset(group)]

    search(NAMES, differs, lambda name, is_guilty: None)
    assert ahead(NAMES, known, most) == []


def test_of_two_the_one_that_follows_is_foreseen_now_and_then() -> None:
    """Else making it ahead would be in vain: about every second time it is the one that is asked for next."""
    hits = 0
    for name in NAMES:
        known: dict[frozenset[str], bool] = {}
        before: list[tuple[str, ...]] = []
        while foreseen := ahead(NAMES, known, 2):
            hits += foreseen[0] in before[1:]
            before = foreseen
            known[frozenset(foreseen[0])] = name in foreseen[0]
    assert hits > len(NAMES)
