"""Which of many things move a result: all at once, then halves, the harmless kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Differs = Callable[[tuple[str, ...]], bool]
"""Whether the result differs when exactly these are varied."""


def search(names: Sequence[str], differs: Differs, settled: Callable[[str, bool], None]) -> None:
    """Tell ``settled`` of each name whether it moves the result (True) on top of the harmless.

    One execution where nothing does; about two times log2 of the names for each that does.
    """
    kept: list[str] = []

    def settle(group: Sequence[str], known: bool) -> None:
        if not group:
            return
        if not known and not differs((*kept, *group)):
            kept.extend(group)
            for name in group:
                settled(name, False)
        elif len(group) == 1:
            settled(group[0], True)
        else:
            half = len(group) // 2
            before = len(kept)
            settle(group[:half], False)
            # the first half was harmless, so what the whole group does comes from the second
            settle(group[half:], len(kept) - before == half)

    settle(names, False)


def ahead(
    names: Sequence[str], known: Mapping[frozenset[str], bool], most: int
) -> list[tuple[str, ...]]:
    """What a search with these answers asks next, and what it may ask after that, the nearest first."""
    found: list[tuple[str, ...]] = []
    answers = [dict(known)]
    while answers and len(found) < most:
        supposed = answers.pop(0)
        question = _next(names, supposed)
        if question is None:
            continue
        if set(question) not in map(set, found):
            found.append(question)
        answers += [{**supposed, frozenset(question): answer} for answer in (False, True)]
    return found


class _Unknown(Exception):
    def __init__(self, question: tuple[str, ...]) -> None:
        super().__init__()
        self.question = question


def _next(names: Sequence[str], known: Mapping[frozenset[str], bool]) -> tuple[str, ...] | None:
    def differs(group: tuple[str, ...]) -> bool:
        if frozenset(group) not in known:
            raise _Unknown(group)
        return known[frozenset(group)]

    try:
        search(names, differs, lambda name, guilty: None)
    except _Unknown as asked:
        return asked.question
    return None
