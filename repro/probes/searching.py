"""Which of many things move a result: all at once, then halves, the harmless kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
