"""What all reports have in common: values as text, the order of rows, words for what is not there.

Names and values come from bundles that strangers wrote: ``clean`` every one of them before it
reaches a terminal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TypeVar

from repro import anatomy
from repro.comparison import (
    Comparison,
    MetricDifference,
    OutputDifference,
    Sides,
    Status,
)
from repro.comparison.pairing import count, some
from repro.manifest import MetricType, Scalar, Tolerance
from repro.metric_names import shown

NOTHING = "-"
LINES = 4
"""On what is inside of an output, below the one that says where it first differs."""
SHOWN_EQUAL = 20
"""Equal rows that a report shows before it counts the others."""

_WORST_FIRST = (
    Status.DIFFERENT,
    Status.TYPE,
    Status.MISSING,
    Status.NEW,
    Status.ABSENT,
    Status.WITHIN,
    Status.COSMETIC,
    Status.UNKNOWN,
    Status.IGNORED,
    Status.EQUAL,
)
_EMPTY = {
    MetricType.EMPTY_OBJECT: "{}",
    MetricType.EMPTY_ARRAY: "[]",
    MetricType.NULL: "null",
}


def clean(text: str) -> str:
    """The text with everything escaped that a terminal would act on or not show: control
    characters, direction marks, invisible ones, halves of surrogate pairs."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def value_text(value: Scalar) -> str:
    """The value at full precision, as JSON writes it, but NaN and the infinities by their names."""
    match value:
        case str():
            return clean(json.dumps(value, ensure_ascii=False))
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool():
            return json.dumps(value)
    return number_text(value)


def number_text(number: float | None) -> str:
    """The shortest text that reads back as the same number; empty for None."""
    if number is None:
        return ""
    try:
        return repr(number)
    except ValueError:  # an integer of more digits than Python writes out
        return hex(int(number))


def distance_text(number: float | None) -> str:
    """A difference: like ``number_text``, but none at all is plainly 0."""
    return "0" if number == 0 else number_text(number)


def metric_values(metric: MetricDifference) -> tuple[str, str]:
    """What stands in the two columns of values."""
    return (
        _one_value(metric, metric.type_a, metric.a, metric.steps_a, lacking="b"),
        _one_value(metric, metric.type_b, metric.b, metric.steps_b, lacking="a"),
    )


def _one_value(
    metric: MetricDifference,
    kind: MetricType | None,
    value: Scalar,
    steps: int | None,
    lacking: str,
) -> str:
    if kind is None:
        return NOTHING
    if kind is MetricType.SERIES:
        if not metric.differing_steps + metric.within_steps:
            return count(steps or 0, "step")
        return NOTHING if metric.first_step_only_in == lacking else value_text(value)
    return _EMPTY.get(kind) or value_text(value)


def metric_details(metric: MetricDifference) -> list[str]:
    """What there is to say about a metric beside its numbers."""
    details = []
    if metric.status is Status.TYPE and metric.type_a and metric.type_b:
        details.append(f"type: {metric.type_a.value} -> {metric.type_b.value}")
    if metric.differing_steps or metric.within_steps:
        details.append(_about_steps(metric))
    if metric.note:
        details.append(metric.note)
    return details


def _about_steps(metric: MetricDifference) -> str:
    whole = max(metric.steps_a or 0, metric.steps_b or 0)
    parts = []
    if metric.differing_steps:
        verb = "differs" if metric.differing_steps == 1 else "differ"
        # where neither side has the other's steps, more differ than any side has
        some = metric.differing_steps <= whole
        of = f"{metric.differing_steps} of {count(whole, 'step')}"
        parts.append(f"{of if some else count(metric.differing_steps, 'step')} {verb}")
    if metric.within_steps:
        parts.append(f"{metric.within_steps} of {count(whole, 'step')} within tolerance")
    parts.append(f"first at step {value_text(metric.first_step)}")
    if metric.largest_absolute is not None:
        parts.append(f"largest absolute difference {distance_text(metric.largest_absolute)}")
    return ", ".join(parts)


def output_details(output: OutputDifference, sides: Sides) -> list[str]:
    """Where the two first differ, and a few lines on the rest of what was opened."""
    lines = anatomy.summary(output.content, sides)[1:] if output.content else ()
    return [line for line in (output.detail, *lines[:LINES]) if line]


def tolerance_text(tolerance: Tolerance | None) -> str:
    if tolerance is None:
        return "exact"
    if tolerance.ignore:
        return "ignored"
    parts = [
        f"{word} {number_text(bound)}"
        for word, bound in (("abs", tolerance.absolute), ("rel", tolerance.relative))
        if bound
    ]
    return ", ".join(parts) or "exact"


def metric_names(metrics: Sequence[MetricDifference]) -> list[str]:
    """The names, with their source where more than one has them."""
    return [clean(name) for name in shown((item.source, item.name) for item in metrics)]


Row = TypeVar("Row", MetricDifference, OutputDifference)


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """The rows by how bad they are, the larger relative difference first."""
    return sorted(rows, key=lambda row: (_WORST_FIRST.index(row.status), *_size(row)))


def _size(row: MetricDifference | OutputDifference) -> tuple[float, str, str]:
    if isinstance(row, OutputDifference):
        return 0.0, row.path, ""
    far = math.inf if row.relative is None else row.relative
    return 0.0 if row.status is Status.EQUAL else -far, row.source, row.name


def reasons(comparison: Comparison) -> list[str]:
    """Why the verdict is what it is, and what must be said in the same breath."""
    found = [clean(reason) for reason in comparison.reasons]
    if comparison.verdict.passed:
        found = [", ".join(found)]
    if comparison.same_definition is False:
        names = (f"{item.ingredient} {item.name}".rstrip() for item in comparison.ingredients)
        differ = f"what went in differs: {clean(some(names, 4))}"
        found.append(f"but {differ}" if comparison.verdict.passed else differ)
    return found
