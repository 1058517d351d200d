"""What is worth knowing beside the verdict: nothing here makes it red, nothing here is hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from repro.comparison import verdict
from repro.comparison.metrics import BY_NATURE
from repro.comparison.nouns import (
    MetricDifference,
    OutputDifference,
    Sides,
    SourceDifference,
    Status,
)
from repro.comparison.pairing import count, some
from repro.manifest import Aside, Result


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
    yield from _about_log(a, b)
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
    compared = [metric for metric in metrics if verdict.is_compared(metric)]
    if compared and not any(map(verdict.vouches, compared)):
        names = some(metric.name for metric in compared)
        yield f"of the metrics none says how good the model is, as far as their names tell: {names}"
    ignored = [metric for metric in metrics if metric.status is Status.IGNORED]
    varying = [metric for metric in ignored if metric.note.startswith(BY_NATURE)]
    yield from _about_nature(varying)
    ignored = [metric for metric in ignored if metric not in varying]
    if ignored:
        names = some(metric.name for metric in ignored)
        yield f"{count(len(ignored), 'metric')} not compared, as the policy says: {names}"
    for metric in ignored:
        if metric.type_a is None or metric.type_b is None:
            yield f"{metric.source}:{metric.name} is ignored, and {metric.note}"


def _about_nature(metrics: list[MetricDifference]) -> Iterator[str]:
    """What a file says of the run and not of the model, so that whoever disagrees can say so."""
    by_kind: dict[str, list[str]] = {}
    for metric in metrics:
        kind = metric.note.removeprefix(BY_NATURE).partition(";")[0]
        by_kind.setdefault(kind, []).append(metric.name)
    if by_kind:
        listed = "; ".join(f"{kind}: {some(names)}" for kind, names in sorted(by_kind.items()))
        yield (
            f"{count(len(metrics), 'metric')} not compared, being of the run and not of the model: {listed} "
            "(a tolerance of that name in repro.yaml has it compared)"
        )


def about_names(names: Mapping[str, str], sides: Sides) -> Iterator[str]:
    """Files that are called differently on the two sides and were taken for the same."""
    if names:
        ours, theirs = next(iter(sorted(names.items())))
        more = f", and {len(names) - 1} more such" if len(names) > 1 else ""
        yield (
            f"names that hold a time, an id or a number that a tool counts up were taken for the same: {ours} "
            f"in {sides[0]}, {theirs} in {sides[1]}{more}"
        )


def _about_log(a: Result, b: Result) -> Iterator[str]:
    """What was printed and not compared, so that whoever disagrees can say so."""
    by_reason: dict[Aside, list[str]] = {}
    for item in sorted({(item.reason, item.name) for side in (a, b) for item in side.uncompared}):
        by_reason.setdefault(item[0], []).append(item[1])
    for reason in (Aside.UNREAD, Aside.IGNORED):
        if names := by_reason.pop(reason, None):
            yield f"of the log not compared, {_ASIDES[reason]}: {some(names)}"
    if by_reason:
        listed = "; ".join(f"{reason.value}: {some(names)}" for reason, names in by_reason.items())
        yield (
            f"printed and not compared, because it varies by its nature: {listed} (`log: patterns:` "
            "in repro.yaml reads one as a metric)"
        )


_ASIDES = {
    Aside.UNREAD: "because it is too long to be read whole",
    Aside.IGNORED: "as the policy says",
}


def _about_files(a: Result, b: Result, sides: Sides) -> Iterator[str]:
    for result, other, side in ((a, b, sides[0]), (b, a, sides[1])):
        if result.modified_inputs:
            paths = some(sorted(result.modified_inputs))
            yield f"{side} rewrote its own inputs: {paths}"
        if only := sorted(set(result.deleted) - set(other.deleted)):
            yield f"only {side} deleted {count(len(only), 'file')}: {some(only)}"
