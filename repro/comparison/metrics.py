"""Metrics set side by side.

A metric's identity is its source and its name. Pure and symmetric.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from repro.comparison import nature, numbers, series
from repro.comparison.nouns import RECORD_AND_REPLAY, MetricDifference, Sides, Status
from repro.comparison.pairing import pairs
from repro.comparison.sources import unknown_sources
from repro.manifest import Metric, MetricType, Policy, Result, Tolerance


def compare_metrics(
    a: Result, b: Result, policy: Policy, sides: Sides = RECORD_AND_REPLAY
) -> tuple[MetricDifference, ...]:
    """One difference for every metric of either side, by source and name."""
    unknown = unknown_sources(a, b) | unknown_sources(b, a)
    differences = (
        _difference(ours, theirs, occurrence, policy, sides)
        for _, occurrence, ours, theirs in pairs(
            a.metrics, b.metrics, lambda metric: (metric.source, metric.name)
        )
    )
    return tuple(
        replace(item, status=Status.UNKNOWN) if item.source in unknown and item.status.red else item
        for item in differences
    )


def tolerance_for(metric: Metric, policy: Policy) -> Tolerance | None:
    """The last tolerance whose pattern fits the name or ``file:name``: later refine earlier."""
    for tolerance in reversed(policy.tolerances):
        if any(
            fnmatchcase(name, tolerance.pattern)
            for name in (metric.name, f"{metric.source}:{metric.name}")
        ):
            return tolerance
    return None


def _difference(
    a: Metric | None, b: Metric | None, occurrence: int, policy: Policy, sides: Sides
) -> MetricDifference:
    present = a or b
    assert present
    tolerance = tolerance_for(present, policy)
    difference = _compared(a, b, tolerance, sides) if a and b else _alone(a, b, tolerance)
    notes = [difference.note] if difference.note else []
    if occurrence > 1:
        notes.append(f"stands there more than once; this is number {occurrence}")
    status = difference.status
    if tolerance and tolerance.ignore:
        if status.red:
            notes.insert(0, _otherwise(status, sides))
        status = Status.IGNORED
    elif a and b and (why := _by_nature(a, b, difference)):
        status = Status.IGNORED
        notes.insert(0, f"{BY_NATURE}{why}")
    return replace(difference, status=status, note="; ".join(notes))


BY_NATURE = "differs by its nature: "
"""How the note of a metric begins that differs and is not held against the run."""


def _by_nature(a: Metric, b: Metric, difference: MetricDifference) -> str:
    """Why the two may differ, unless the project itself says how far: then that counts."""
    rule = difference.tolerance
    spoken_for = rule is not None and rule.pattern.strip("*") != ""
    whole = difference.steps_a == difference.steps_b and difference.first_step_only_in is None
    if difference.status is not Status.DIFFERENT or a.source.startswith("<") or spoken_for:
        return ""
    return nature.varies(a, b) if whole else ""


def _otherwise(status: Status, sides: Sides) -> str:
    """An ignored metric still tells what it would have been."""
    match status:
        case Status.MISSING:
            return f"only in {sides[0]}"
        case Status.NEW:
            return f"only in {sides[1]}"
        case Status.TYPE:
            return "has another type"
    return "differs"


def _alone(a: Metric | None, b: Metric | None, tolerance: Tolerance | None) -> MetricDifference:
    metric = a or b
    assert metric
    steps = len(metric.values) if metric.type is MetricType.SERIES else None
    return MetricDifference(
        source=metric.source,
        name=metric.name,
        status=Status.MISSING if a else Status.NEW,
        type_a=kind(a) if a else None,
        type_b=kind(b) if b else None,
        a=a.value if a else None,
        b=b.value if b else None,
        tolerance=tolerance,
        steps_a=steps if a else None,
        steps_b=steps if b else None,
    )


def _compared(a: Metric, b: Metric, tolerance: Tolerance | None, sides: Sides) -> MetricDifference:
    bare = MetricDifference(
        source=a.source,
        name=a.name,
        status=Status.TYPE,
        type_a=kind(a),
        type_b=kind(b),
        a=a.value,
        b=b.value,
        tolerance=tolerance,
        steps_a=len(a.values) if a.type is MetricType.SERIES else None,
        steps_b=len(b.values) if b.type is MetricType.SERIES else None,
    )
    if bare.type_a is not bare.type_b:
        return bare
    if bare.type_a is MetricType.SERIES:
        return series.compare(bare, a, b, sides)
    if bare.type_a in (MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY):
        return replace(bare, status=Status.EQUAL)
    equal = numbers.equal(a.value, b.value)
    return replace(
        bare,
        status=Status.EQUAL
        if equal
        else Status.WITHIN
        if numbers.within(a.value, b.value, tolerance)
        else Status.DIFFERENT,
        absolute=numbers.distance(a.value, b.value),
        relative=numbers.relative(a.value, b.value),
        note=_note(a, b),
    )


def _note(a: Metric, b: Metric) -> str:
    nan_a, nan_b = numbers.is_nan(a.value), numbers.is_nan(b.value)
    if nan_a and nan_b:
        return "NaN on both sides"
    if nan_a or nan_b:
        return "NaN on one side"
    far = numbers.relative(a.value, b.value) and numbers.distance(a.value, b.value) is None
    return "farther apart than a float can say" if far else ""


def kind(metric: Metric) -> MetricType:
    """The metric's type; of a single value that of the value itself, whatever the document says."""
    if metric.type in (MetricType.SERIES, MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY):
        return metric.type
    return numbers.kind(metric.value)
