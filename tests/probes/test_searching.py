"""Which of many things move a result: found by few executions, whatever they do together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repro.probes.searching import search

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
