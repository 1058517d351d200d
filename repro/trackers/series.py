"""Points that a tracker logged one by one, put together as metrics."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from repro.capturing.flattening import escaped, type_of
from repro.manifest import Metric, MetricType, Scalar

Point = tuple[Scalar, Scalar]
"""Step and value."""


def metrics_of(
    points: Mapping[str, Sequence[Point]], source: str, prefix: str = ""
) -> tuple[Metric, ...]:
    """One metric per name, in the order given: a series by step, all values of a step kept; what was
    logged once is a single value, whatever its step."""
    return tuple(
        _metric(source, prefix + name, values) for name, values in points.items() if values
    )


def _metric(source: str, name: str, points: Sequence[Point]) -> Metric:
    if len(points) == 1:
        value = points[0][1]
        return Metric(source, name, type_of(value), value)
    steps, values = zip(*points)
    return Metric(source, name, MetricType.SERIES, steps=steps, values=values)


def gathered(rows: Iterable[tuple[str, Scalar, Scalar]], most: int) -> dict[str, list[Point]]:
    """(key, step, value) by key, in the order given. Raises ValueError beyond ``most`` of them."""
    points: dict[str, list[Point]] = {}
    for count, (key, step, value) in enumerate(rows, 1):
        if count > most:
            raise ValueError(f"it holds more than {most} values")
        points.setdefault(key, []).append((step, value))
    return points


_MADE_UP = re.compile(r"[a-z]+-[a-z]+-\d+|[0-9a-f]{12,}|.*\d{6}.*|.*\d\d[-_:.]\d\d[-_:.]\d\d.*")
"""Names that differ from run to run: those that trackers make up, ids, and those with a time in them."""


def prefixes(names: Sequence[str]) -> list[str]:
    """What the metrics of each run are called before their own name, the runs in order of their start.

    Nothing for a single run. Of several its name where it was given and is the only one, else ``run N``.
    """
    if len(names) == 1:
        return [""]
    count = Counter(names)
    labels = [
        name if name and count[name] == 1 and not _MADE_UP.fullmatch(name) else f"run {number}"
        for number, name in enumerate(names, 1)
    ]
    if len(set(labels)) < len(labels):  # somebody called a run `run 2`
        labels = [f"run {number}" for number in range(1, len(names) + 1)]
    return [f"{escaped(label)}." for label in labels]
