"""Two series set side by side, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from repro.comparison import numbers
from repro.comparison.nouns import MetricDifference, Sides, Status
from repro.comparison.pairing import count
from repro.manifest import Metric, MetricType, Scalar

_Key = tuple[MetricType, Any]
_Step = tuple[Scalar, "tuple[Scalar] | None", "tuple[Scalar] | None"]
"""Label, and each side's value in a tuple of one; None where the side does not have the step."""

_NOTHING = (None, None)


def compare(bare: MetricDifference, a: Metric, b: Metric, sides: Sides) -> MetricDifference:
    """``bare`` with the series compared.

    By step label where the labels are unique on both sides, else by position; then the labels have
    to agree as well. The same steps in another order are not equal, but WITHIN: every value is
    there and the same, only they were not written in the same order.
    """
    if _malformed(a) or _malformed(b):
        return _compare_malformed(bare, a, b)
    by_label = _unique(a) and _unique(b)
    steps = list(_by_label(a, b) if by_label else _by_position(a, b))
    return _summed_up(bare, steps, by_label and _reordered(a, b), sides)


def _compare_malformed(bare: MetricDifference, a: Metric, b: Metric) -> MetricDifference:
    """Steps and values do not belong together: equal only to the very same."""
    same = all(
        len(ours) == len(theirs) and all(map(numbers.equal, ours, theirs))
        for ours, theirs in ((a.steps, b.steps), (a.values, b.values))
    )
    return replace(
        bare,
        status=Status.EQUAL if same else Status.DIFFERENT,
        steps_compared=min(len(a.values), len(b.values)),
        note="malformed: not as many values as steps",
    )


def _malformed(metric: Metric) -> bool:
    return len(metric.steps) != len(metric.values)


def _key(label: Scalar) -> _Key:
    """A label as something to look up: True is not 1, and NaN is itself."""
    return numbers.kind(label), "nan" if numbers.is_nan(label) else label


def _unique(metric: Metric) -> bool:
    return len({_key(step) for step in metric.steps}) == len(metric.steps)


def _reordered(a: Metric, b: Metric) -> bool:
    """Whether the steps that both have stand in another order."""
    ours, theirs = [_key(step) for step in a.steps], [_key(step) for step in b.steps]
    if ours == theirs:
        return False
    common = set(ours) & set(theirs)
    return [key for key in ours if key in common] != [key for key in theirs if key in common]


def _by_label(a: Metric, b: Metric) -> Iterator[_Step]:
    """Every step of either side, in an order that does not depend on which side is which."""
    ours = {_key(step): (step, value) for step, value in zip(a.steps, a.values)}
    theirs = {_key(step): (step, value) for step, value in zip(b.steps, b.values)}
    for key in _merged(list(ours), list(theirs)):
        left, right = ours.get(key), theirs.get(key)
        label = left[0] if left else right[0] if right else None
        yield label, (left[1],) if left else None, (right[1],) if right else None


def _merged(ours: list[_Key], theirs: list[_Key]) -> list[_Key]:
    """The order of the side that has all steps of the other, else by size."""
    for one, other in ((ours, theirs), (theirs, ours)):
        wanted = set(one)
        if one == [key for key in other if key in wanted]:
            return other
    return sorted({*ours, *theirs}, key=_rank)


def _rank(key: _Key) -> tuple[str, Any]:
    kind, label = key
    if kind is MetricType.NULL:
        return kind.value, 0
    if label == "nan" and kind is MetricType.NUMBER:
        return "number, NaN", 0
    return kind.value, label


def _by_position(a: Metric, b: Metric) -> Iterator[_Step]:
    ours, theirs = list(zip(a.steps, a.values)), list(zip(b.steps, b.values))
    for left, right in zip_longest(ours, theirs):
        if left and right and numbers.equal(left[0], right[0]):
            yield left[0], (left[1],), (right[1],)
            continue
        alone: list[_Step] = []
        if left:
            alone.append((left[0], (left[1],), None))
        if right:
            alone.append((right[0], None, (right[1],)))
        yield from sorted(alone, key=lambda step: _rank(_key(step[0])))


def _summed_up(
    bare: MetricDifference, steps: list[_Step], reordered: bool, sides: Sides
) -> MetricDifference:
    differing: list[_Step] = []
    within: list[_Step] = []
    for step in steps:
        _, left, right = step
        if left is None or right is None:
            differing.append(step)
        elif not numbers.equal(left[0], right[0]):
            near = numbers.within(left[0], right[0], bare.tolerance)
            (within if near else differing).append(step)
    label, left, right = (differing or within or [(None, None, None)])[0]
    a, b = left[0] if left else None, right[0] if right else None
    unequal = [(x[0], y[0]) if x and y else (None, None) for _, x, y in differing + within]
    far = [numbers.distance(*values) for values in unequal]
    ratios = [numbers.relative(*values) for values in unequal]
    return replace(
        bare,
        status=Status.DIFFERENT
        if differing
        else Status.WITHIN
        if within or reordered
        else Status.EQUAL,
        a=a,
        b=b,
        absolute=numbers.distance(a, b),
        relative=numbers.relative(a, b),
        steps_compared=sum(
            1 for _, ours, theirs in steps if ours and theirs and (ours[0], theirs[0]) != _NOTHING
        ),
        differing_steps=len(differing),
        within_steps=len(within),
        first_step=label,
        first_step_only_in="a" if left and not right else "b" if right and not left else None,
        largest_absolute=max((value for value in far if value is not None), default=None),
        largest_relative=None
        if None in ratios
        else max(map(float, filter(None, ratios)), default=None),
        note="; ".join(_notes(differing, steps, reordered, sides)),
    )


def _notes(
    differing: list[_Step], steps: list[_Step], reordered: bool, sides: Sides
) -> Iterator[str]:
    for only, side in (
        (sum(1 for _, ours, theirs in differing if ours and not theirs), sides[0]),
        (sum(1 for _, ours, theirs in differing if theirs and not ours), sides[1]),
    ):
        if only:
            yield f"{count(only, 'step')} only in {side}"
    both = [(ours[0], theirs[0]) for _, ours, theirs in steps if ours and theirs]
    if any(numbers.kind(ours) is not numbers.kind(theirs) for ours, theirs in both):
        yield "a step has another type of value"
    if nans := sum(1 for ours, theirs in both if numbers.is_nan(ours) and numbers.is_nan(theirs)):
        yield f"NaN on both sides at {count(nans, 'step')}"
    if differing and _rearranged(differing):
        yield "the same values in another order, as where several processes print and one is faster"
    if reordered:
        yield "its steps were written in another order"


def _rearranged(differing: list[_Step]) -> bool:
    """Whether all that differs is where each value stands."""
    pairs = [(ours[0], theirs[0]) for _, ours, theirs in differing if ours and theirs]
    sides = [Counter(map(_key, side)) for side in zip(*pairs)]
    return len(pairs) == len(differing) and sides[0] == sides[1]
