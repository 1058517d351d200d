"""What is worth knowing beside the verdict: nothing here makes it red, nothing here is hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repro.comparison.nouns import (
    MetricDifference,
    OutputDifference,
    Sides,
    SourceDifference,
    Status,
)
from repro.comparison.pairing import count, some
from repro.manifest import Result


def collect(
    a: Result,
    b: Result,
    metrics: Iterable[MetricDifference],
    sources: Iterable[SourceDifference],
    outputs: Iterable[OutputDifference],
    sides: Sides,
) -> Iterator[str]:
    """The notes of a comparison of two results, the weightiest first."""
    listed = list(metrics)
    yield from _unobserved(a, b, sides)
    yield from _about_metrics(listed)
    yield from (
        f"{source.path}: {source.message}"
        for source in sources
        if source.status in (Status.IGNORED, Status.UNKNOWN) and source.message
    )
    yield from _about_outputs(list(outputs))
    yield from _about_files(a, b, sides)
    if a.host.isolation == b.host.isolation == "none":
        yield "not isolated: both ran on their machine as it was, with its own system libraries"


def _about_outputs(outputs: list[OutputDifference]) -> Iterator[str]:
    if unknown := [output.path for output in outputs if output.status is Status.UNKNOWN]:
        listed = f"{count(len(unknown), 'output')} not compared: {some(unknown)}"
        yield f"{listed}; to have them compared, declare them and record again"
    if ignored := [output.path for output in outputs if output.status is Status.IGNORED]:
        yield f"{count(len(ignored), 'output')} not compared, as the policy says: {some(ignored)}"


def _unobserved(a: Result, b: Result, sides: Sides) -> Iterator[str]:
    for result, side in ((a, sides[0]), (b, sides[1])):
        if not result.observed:
            yield (
                f"{side} was not observed: it was read from disk afterwards, so nothing proves "
                "that this definition made it"
            )


def _about_metrics(metrics: list[MetricDifference]) -> Iterator[str]:
    if nan := [metric.name for metric in metrics if "NaN on both sides" in metric.note]:
        yield f"NaN counts as equal to NaN: {some(nan)}"
    if reordered := [metric.name for metric in metrics if "another order" in metric.note]:
        yield f"steps were written in another order: {some(reordered)}"
    if empty := [metric.name for metric in metrics if metric.type_a and not metric.has_values]:
        yield f"{count(len(empty), 'metric')} without a value, not counted: {some(empty)}"
    ignored = [metric for metric in metrics if metric.status is Status.IGNORED]
    if ignored:
        names = some(metric.name for metric in ignored)
        yield f"{count(len(ignored), 'metric')} not compared, as the policy says: {names}"
    for metric in ignored:
        if metric.type_a is None or metric.type_b is None:
            yield f"{metric.source}:{metric.name} is ignored, and {metric.note}"


def _about_files(a: Result, b: Result, sides: Sides) -> Iterator[str]:
    for result, other, side in ((a, b, sides[0]), (b, a, sides[1])):
        if result.modified_inputs:
            paths = some(sorted(result.modified_inputs))
            yield f"{side} rewrote its own inputs: {paths}"
        if only := sorted(set(result.deleted) - set(other.deleted)):
            yield f"only {side} deleted {count(len(only), 'file')}: {some(only)}"
