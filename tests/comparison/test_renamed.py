"""Files whose names hold a time or an id, paired with their counterparts."""

from __future__ import annotations

from repro.comparison import Status, Verdict, compare_results
from repro.manifest import (
    Descriptor,
    Host,
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Policy,
    Result,
    SourceState,
)


def result(*paths: str, metric: float | None = None, missing: str = "") -> Result:
    """A result with these outputs; the first holds a metric where one is given."""
    sources = [MetricSource(paths[0], SourceState.READ, False)] if metric is not None else []
    if missing:
        sources.append(MetricSource(missing, SourceState.MISSING, False))
    return Result(
        True, Outcome.FINISHED, 0, None, None, None, None, Host(),
        metrics=(Metric(paths[0], "loss", MetricType.NUMBER, metric),) if metric is not None else (),
        metric_sources=tuple(sources),
        outputs=tuple(Descriptor(path, "sha256:" + "0" * 64, 1) for path in paths),
    )  # fmt: skip


FIRST = "outputs/2026-01-01/10-00-00/metrics.json"
SECOND = "outputs/2026-01-02/11-30-00/metrics.json"


def test_a_folder_named_after_the_time() -> None:
    done = compare_results(result(FIRST, metric=0.5), result(SECOND, metric=0.5), Policy())
    assert done.verdict is Verdict.IDENTICAL
    assert any(FIRST in note and SECOND in note for note in done.notes)


def test_a_source_that_was_looked_for_under_the_other_name() -> None:
    replayed = result(SECOND, metric=0.5, missing=FIRST)
    assert compare_results(result(FIRST, metric=0.5), replayed, Policy()).verdict.passed


def test_another_value_under_another_name_is_different() -> None:
    done = compare_results(result(FIRST, metric=0.5), result(SECOND, metric=0.6), Policy())
    assert done.verdict is Verdict.DIFFERENT


def test_not_as_many_on_both_sides_are_not_paired() -> None:
    done = compare_results(result(FIRST), result(SECOND, SECOND.replace("30", "31")), Policy())
    assert {item.status for item in done.outputs} == {Status.MISSING, Status.NEW}
    assert done.verdict is Verdict.DIFFERENT


def test_names_without_a_time_are_not_paired() -> None:
    assert compare_results(result("a.bin"), result("b.bin"), Policy()).verdict is Verdict.DIFFERENT
