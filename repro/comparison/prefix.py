"""The beginning of a training: the first steps of its series, and nothing that comes after them.

A replay that was stopped once these were written has no final values and no outputs. What is left out is
counted and said, and a prefix that agrees is `equivalent` at most: outputs were not compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repro.comparison.comparing import compare_results
from repro.comparison.metrics import tolerance_for
from repro.comparison.nouns import RECORD_AND_REPLAY, Comparison, Sides, Verdict
from repro.comparison.pairing import count, some
from repro.manifest import Metric, MetricType, Outcome, Policy, Result

Name = tuple[str, str]
"""Source and name of a metric."""


def series_longer_than(steps: int, result: Result, policy: Policy) -> frozenset[Name]:
    """The series that have more than so many steps, and that are compared."""
    return frozenset(
        (item.source, item.name)
        for item in result.metrics
        if len(item.steps) > steps
        and not ((tolerance := tolerance_for(item, policy)) and tolerance.ignore)
    )


def is_reached(steps: int, wanted: Iterable[Name], metrics: Iterable[Metric]) -> bool:
    """Whether a training that is still at work has written the first ``steps`` steps of these series.

    One step more has to be there: the last line may be half of itself. What is printed has to have come
    in any case; of a file that is not there yet nothing can be said, it may be one that is written at the
    end.
    """
    found = {(item.source, item.name): len(item.steps) for item in metrics}
    sources = {source for source, _ in found}
    demanded = [name for name in wanted if name[0].startswith("<") or name[0] in sources]
    return bool(demanded) and all(found.get(name, 0) > steps for name in demanded)


def compare_prefix(
    a: Result,
    b: Result,
    steps: int,
    policy: Policy,
    sides: Sides = RECORD_AND_REPLAY,
) -> Comparison:
    """The first ``steps`` steps of every series that has them in ``a``. A result whose outcome is
    interrupted was stopped once it had them; one that ended by itself is judged for how it ended."""
    wanted = series_longer_than(steps, a, policy) | series_longer_than(steps, b, policy)
    unwritten = _unwritten(wanted, a) | _unwritten(wanted, b)
    kept = wanted - unwritten
    rules = replace(policy, outputs=(), metrics=())
    comparison = compare_results(_cut(a, steps, kept), _cut(b, steps, kept), rules, sides=sides)
    left_out = _left_out(a, b, kept)
    notes = [
        f"only the first {count(steps, 'step')} of {len(kept)} series "
        f"{'was' if len(kept) == 1 else 'were'} compared; not compared: {left_out}"
    ]
    if unwritten:
        names = sorted({source for source, _ in unwritten})
        notes.append(
            f"not compared, as the replay had not written it when it was stopped: {some(names)}"
        )
    word, reasons = comparison.verdict, comparison.reasons
    if word.passed:
        word = Verdict.EQUIVALENT
        reasons = (f"the first {count(steps, 'step')}: {reasons[0]}", *reasons[1:])
    return replace(comparison, verdict=word, reasons=reasons, notes=(*notes, *comparison.notes))


def _unwritten(wanted: Iterable[Name], result: Result) -> frozenset[Name]:
    """Series of files that a stopped replay had not begun to write."""
    if not _was_stopped(result):
        return frozenset()
    sources = {item.source for item in result.metrics}
    return frozenset(
        name for name in wanted if not name[0].startswith("<") and name[0] not in sources
    )


def _was_stopped(result: Result) -> bool:
    """By us, once the steps were there; a run that its user interrupted has an exit code."""
    return result.outcome is Outcome.INTERRUPTED and result.exit_code is None


def _cut(result: Result, steps: int, kept: frozenset[Name]) -> Result:
    sources = {source for source, _ in kept}
    metrics = tuple(
        _shortened(item, steps) for item in result.metrics if (item.source, item.name) in kept
    )
    stopped = _was_stopped(result)
    return replace(
        result,
        metrics=metrics,
        metric_sources=tuple(item for item in result.metric_sources if item.path in sources),
        outputs=(),
        missing_outputs=(),
        uncompared=(),
        outcome=Outcome.FINISHED if stopped else result.outcome,
        exit_code=0 if stopped else result.exit_code,
    )


def _shortened(metric: Metric, steps: int) -> Metric:
    if metric.type is not MetricType.SERIES:
        return metric
    return replace(metric, steps=metric.steps[:steps], values=metric.values[:steps])


def _left_out(a: Result, b: Result, kept: frozenset[Name]) -> str:
    names = {(item.source, item.name) for item in (*a.metrics, *b.metrics)} - kept
    outputs = {item.path for item in (*a.outputs, *b.outputs)}
    return f"what comes later, {count(len(names), 'other metric')}, {count(len(outputs), 'output')}"
