"""A training in two parts beside the same training at once: the second part has to stand for the rest.

What only the first part wrote (its half of a series in a file that the second began anew, its last line) is
not compared; that every step of the second half is there is demanded.
"""

from __future__ import annotations

from dataclasses import replace

from repro.comparison.comparing import compare_results
from repro.comparison.nouns import Comparison, Read, Sides
from repro.comparison.outputs import nothing_to_read
from repro.manifest import Metric, MetricType, Policy, Result


def compare_parts(
    whole: Result, parts: Result, policy: Policy, sides: Sides, read: Read = nothing_to_read
) -> Comparison:
    """``whole`` trained at once, ``parts`` was continued in the middle; the log of ``parts`` is that of both
    parts, one after the other."""
    ours = {(item.source, item.name): item for item in whole.metrics}
    theirs = {(item.source, item.name): item for item in parts.metrics}
    a, b = [], []
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one and other:
            one, other = _aligned(one, other)
        a += [one] if one else []
        b += [other] if other else []
    return compare_results(
        replace(whole, metrics=tuple(a)), replace(parts, metrics=tuple(b)), policy, read, sides
    )


def _aligned(whole: Metric, parts: Metric) -> tuple[Metric, Metric]:
    if parts.type is not MetricType.SERIES or parts.steps == whole.steps:
        return whole, parts
    if whole.type is not MetricType.SERIES:
        # said once at the end of each part: the last one counts
        return whole, _alone(parts)
    half = whole.steps[(len(whole.steps) + 1) // 2 :]
    begun_anew = set(parts.steps) <= set(whole.steps) and set(half) <= set(parts.steps)
    if not (half and begun_anew and len(set(parts.steps)) == len(parts.steps)):
        return whole, parts
    kept = [at for at, step in enumerate(whole.steps) if step in set(parts.steps)]
    return (
        replace(
            whole,
            steps=tuple(whole.steps[at] for at in kept),
            values=tuple(whole.values[at] for at in kept),
        ),
        parts,
    )


def _alone(series: Metric) -> Metric:
    value = series.values[-1] if series.values else None
    kind = MetricType.NULL
    if isinstance(value, bool):
        kind = MetricType.BOOLEAN
    elif isinstance(value, int | float):
        kind = MetricType.NUMBER
    elif isinstance(value, str):
        kind = MetricType.TEXT
    return replace(series, type=kind, value=value, steps=(), values=())
