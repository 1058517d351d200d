"""Single values and series, from all that was found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from repro.log_metrics import numbers
from repro.log_metrics.items import Counter, Item
from repro.manifest import Metric, MetricType, Scalar

Placed = tuple[Item, tuple[Counter, ...]]
"""An item, and the counters of earlier lines that hold for its own as well."""
Counted = tuple[Counter, "int | None"]
"""A counter, and the rank of the process that printed it."""


def metrics(placed: list[Placed], counters: list[Counted], source: str) -> tuple[Metric, ...]:
    """One metric for every name, sorted by name. A counter that labels nothing is one of its own."""
    out: dict[str, Metric] = {}
    used: set[int] = set()
    for name, group in _groups(placed).items():
        group = _in_turn(group, [item.rank for item, _ in group])
        steps, names = _steps(group)
        out[name] = _metric(source, name, steps, [item.value for item, _ in group])
        for item, inherited in group:
            way = {counter.name: counter for counter in (*inherited, *item.counters)}
            used.update(id(way[name]) for name in names if name in way)
    left: dict[str, list[Scalar]] = {}
    for counter, _ in _in_turn(counters, [rank for _, rank in counters]):
        if counter.told and id(counter) not in used:
            name = counter.name if counter.name not in out else f"{counter.name} (counter)"
            left.setdefault(name, []).append(counter.value)
    out.update(
        {
            name: _metric(source, name, list(range(len(values))), values)
            for name, values in left.items()
        }
    )
    return tuple(out[name] for name in sorted(out))


def _groups(placed: list[Placed]) -> dict[str, list[Placed]]:
    """By name; by heading as well, where the same name stands under several."""
    headings: dict[str, set[str]] = {}
    for item, _ in placed:
        headings.setdefault(item.name, set()).add(item.heading)
    groups: dict[str, list[Placed]] = {}
    for item, inherited in placed:
        name = item.name
        if len(headings[name]) > 1 and item.heading:
            name = f"{item.heading}: {name}"
        groups.setdefault(name, []).append((item, inherited))
    return {
        name: group for name, group in groups.items() if not all(item.weak for item, _ in group)
    }


def _in_turn(found: list[Any], ranks: list[int | None]) -> list[Any]:
    """The first of each process, then the second of each: which of several prints first is a race."""
    if len(set(ranks)) < 2:
        return found
    before: dict[int | None, int] = {}
    turns = []
    for at, rank in enumerate(ranks):
        before[rank] = before.get(rank, -1) + 1
        turns.append((before[rank], -1 if rank is None else rank, at))
    return [found[at] for *_, at in sorted(turns)]


def _metric(source: str, name: str, steps: list[Scalar], values: list[Scalar]) -> Metric:
    if len(values) > 1:
        return Metric(source, name, MetricType.SERIES, steps=tuple(steps), values=tuple(values))
    kind = MetricType.TEXT if isinstance(values[0], str) else MetricType.NUMBER
    return Metric(source, name, kind, value=values[0])


def _steps(group: list[Placed]) -> tuple[list[Scalar], frozenset[str]]:
    """Labels that tell the values apart, and the counters they are made of; else positions."""
    if len(group) > 1:
        for inherit in (False, True):
            ways = [_counters(item, inherited if inherit else ()) for item, inherited in group]
            common = [name for name in ways[0] if all(name in way for way in ways)]
            for names in _choices(common):
                labels = [_label(names, way) for way in ways]
                if len(set(labels)) == len(labels) and not any(map(_is_nan, labels)):
                    return labels, frozenset(names)
    return list(range(len(group))), frozenset()


def _choices(names: list[str]) -> Iterator[tuple[str, ...]]:
    """One counter, or several that only together tell every value apart."""
    names = names[:6]
    for size in range(1, len(names) + 1):
        yield from combinations(names, size)


def _counters(item: Item, inherited: tuple[Counter, ...]) -> dict[str, Scalar]:
    way: dict[str, Scalar] = {
        counter.name: counter.value for counter in (*inherited, *item.counters)
    }
    return way if item.rank is None else way | {"rank": item.rank}


def _label(names: tuple[str, ...], way: dict[str, Scalar]) -> Scalar:
    if len(names) == 1:
        return way[names[0]]
    return ", ".join(f"{name} {way[name]}" for name in names)


def _is_nan(label: Scalar) -> bool:
    return isinstance(label, float) and not numbers.finite(label)
