"""What to do next, in one sentence: the likeliest cause, or the missing declaration."""

from __future__ import annotations

from repro.comparison.circumstances import CLOCK
from repro.comparison.nouns import Comparison, MetricDifference, Status, Verdict

_NOT_NUMBERS = (Status.MISSING, Status.NEW, Status.TYPE)
_ROUNDING = 1e-6
"""A relative difference up to this looks like another order of the same arithmetic."""


def next_step(comparison: Comparison) -> str:
    """One sentence, empty where nothing is left to do."""
    match comparison.verdict:
        case Verdict.IDENTICAL | Verdict.UNREPLAYABLE:
            return ""
        case Verdict.FAILED:
            return _when_failed(comparison)
        case Verdict.EQUIVALENT:
            return _when_equivalent(comparison)
    return _lacking(comparison) or _cause(comparison)


def _when_failed(comparison: Comparison) -> str:
    if comparison.reasons[0].startswith(comparison.sides[0]):
        return f"{comparison.sides[0]} itself failed: record a run that finishes"
    return f"read the end of the log of {comparison.sides[1]}"


def _when_equivalent(comparison: Comparison) -> str:
    if any(output.status is Status.DIFFERENT for output in comparison.outputs):
        return (
            "if the outputs should be bit for bit the same: look for timestamps, absolute paths "
            "or unseeded randomness in what they store"
        )
    return ""


def _lacking(comparison: Comparison) -> str:
    """The remedy where something was not written, or there was nothing to compare."""
    if comparison.reasons and comparison.reasons[0].startswith("nothing was compared"):
        return (
            "name the files that hold the metrics, or the outputs, in repro.yaml "
            "(metrics: and outputs:), then record the run again"
        )
    for source in comparison.sources:
        if source.status.red:
            return source.remedy
    for output in comparison.outputs:
        if output.status is Status.ABSENT:
            remedy = "or take it out of the outputs in repro.yaml"
            return f"make the training write {output.path}, {remedy}"
    return ""


def _cause(comparison: Comparison) -> str:
    if comparison.ingredients:
        first = comparison.ingredients[0]
        name = f" ({first.name})" if first.name else ""
        return f"what went in differs: look first at {first.ingredient}{name}"
    known = [
        item
        for item in comparison.circumstances
        if item.a is not None and item.b is not None and item.name != CLOCK
    ]
    lost = [item for item in comparison.metrics if item.status in _NOT_NUMBERS]
    differing = [item for item in comparison.metrics if item.status is Status.DIFFERENT]
    hint = _tolerance_hint(differing) or _log_hint([*lost, *differing])
    if lost and not differing:
        return f"look at what writes {lost[0].name} into {lost[0].source}{hint}"
    if known:
        step = f"around the run {known[0].name} differs ({known[0].a} -> {known[0].b}): rule it out"
        return f"{step} first{hint}"
    return (
        "nothing that was recorded around the run differs, so the training itself is not "
        f"deterministic: set every seed, and ask the framework for deterministic algorithms{hint}"
    )


def _log_hint(metrics: list[MetricDifference]) -> str:
    """Where all that differs was printed: it may be none of the training's results."""
    if not metrics or any(not metric.source.startswith("<") for metric in metrics):
        return ""
    name = metrics[0].name
    return (
        f"; it was read out of the log: if {name!r} is no result of the training, name it in repro.yaml: "
        f"log: {{ignore: [{name!r}]}}"
    )


def _tolerance_hint(differing: list[MetricDifference]) -> str:
    """Only when every difference looks like rounding: a tolerance must not hide a real one."""
    ratios = [
        metric.relative if metric.steps_a is None else metric.largest_relative
        for metric in differing
    ]
    if not ratios or any(ratio is None or ratio > _ROUNDING for ratio in ratios):
        return ""
    largest = max(ratio for ratio in ratios if ratio is not None)
    return (
        f"; differences this small (at most {largest:.1e}, relative) look like rounding: if they "
        "do not matter, give these metrics a tolerance in repro.yaml"
    )
