"""Setting two collections side by side without losing anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Key = tuple[str, ...]


def pairs(
    a: Iterable[Item], b: Iterable[Item], key: Callable[[Item], Key]
) -> Iterator[tuple[Key, int, Item | None, Item | None]]:
    """``(key, occurrence, item of a, item of b)`` in the order of the keys.

    A key that stands twice on one side is not overwritten: its second item is paired with the other
    side's second, ``occurrence`` 2, and with None when there is none.
    """
    left, right = _grouped(a, key), _grouped(b, key)
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        for index in range(max(len(ours), len(theirs))):
            yield (
                name,
                index + 1,
                ours[index] if index < len(ours) else None,
                theirs[index] if index < len(theirs) else None,
            )


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def some(names: Iterable[str], limit: int = 3) -> str:
    """The names for a sentence: ``loss, auc, f1 and 4 more``."""
    listed = list(names)
    text = ", ".join(listed[:limit])
    return f"{text} and {len(listed) - limit} more" if len(listed) > limit else text


def count(number: int, noun: str) -> str:
    """``1 metric``, ``2 metrics``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
