"""Lines of one shape are read once: a log repeats few kinds of lines many thousand times.

The shape is the line with every digit a zero. A reading is kept for it only if other digits in the
same places give the same reading with other values; names that hold digits are read anew each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from repro.log_metrics import numbers, pairs
from repro.log_metrics.items import Counter, Found, Item, SetAside

_ZEROS = str.maketrans("123456789", "000000000")
_OTHERS = str.maketrans("0123456789", "1234567892")
_FRACTION = re.compile(r"\.0+")
_DIGITS = re.compile(r"(\d+)")
_LONG = "00000000"
"""So many digits in a row may be a date: these are looked at one by one."""
_MOST = 20000
"""Shapes that are kept."""


@dataclass(frozen=True)
class _Place:
    """A number by the digits it is made of: runs ``first`` to ``last`` of the line's digits."""

    before: str
    first: int
    last: int

    def text(self, parts: list[str]) -> str:
        return self.before + "".join(parts[2 * self.first + 1 : 2 * self.last + 2])


@dataclass(frozen=True)
class Plan:
    """How a line of a shape is read: what it said, and where the values come from."""

    found: Found
    items: tuple[_Place | None, ...]
    counters: tuple[_Place | None, ...]


def shape(text: str) -> str:
    """The line with every digit a zero, and fractions of one length."""
    return _FRACTION.sub(".0", text.translate(_ZEROS))


def read(text: str, plans: dict[str, Plan | None]) -> Found:
    """The line's numbers, by the plan of its shape where there is one. Adds to the plans."""
    key = shape(text)
    plan = plans.get(key)
    if plan:
        return _filled(plan, text)
    placed = pairs.placed(text)
    if key not in plans and len(plans) < _MOST:
        plans[key] = None if _LONG in key else _plan(text, placed)
    return placed.found


def _filled(plan: Plan, text: str) -> Found:
    parts = _DIGITS.split(text)
    if not plan.items and not plan.counters:
        return plan.found
    counters = tuple(
        replace(counter, value=numbers.parse(place.text(parts))) if place else counter
        for counter, place in zip(plan.found.counters, plan.counters)
    )
    items = tuple(
        Item(
            item.name,
            numbers.parse(place.text(parts)) if place else item.value,
            counters,
            weak=item.weak,
        )
        for item, place in zip(plan.found.items, plan.items)
    )
    return Found(items, plan.found.asides, counters)


def _plan(text: str, placed: pairs.Placed) -> Plan | None:
    """A plan, proven on the same line with other digits."""
    found = placed.found
    if len(placed.items) != len(found.items) or len(placed.counters) != len(found.counters):
        return None
    try:
        plan = Plan(
            found,
            tuple(_place(text, place) for place in placed.items),
            tuple(_place(text, place) for place in placed.counters),
        )
        other = text.translate(_OTHERS)
        return plan if _same(_filled(plan, other), pairs.read(other)) else None
    except ValueError:
        return None


def _place(text: str, place: tuple[int, str] | None) -> _Place | None:
    if place is None or not any(map(str.isdigit, place[1])):
        return None
    start, number = place
    digits = next(at for at, mark in enumerate(number) if mark.isdigit())
    runs = [match.start() for match in _DIGITS.finditer(text)]
    first = runs.index(start + digits)
    return _Place(number[:digits], first, first + len(_DIGITS.findall(number)) - 1)


def _same(ours: Found, theirs: Found) -> bool:
    """Whether both say the same; of what is set aside the examples may differ."""
    return (
        list(map(_essence, ours.items)) == list(map(_essence, theirs.items))
        and ours.counters == theirs.counters
        and list(map(_essence, ours.asides)) == list(map(_essence, theirs.asides))
    )


def _essence(noun: Item | SetAside | Counter) -> str:
    return repr(replace(noun, example="") if isinstance(noun, SetAside) else noun)
