"""The first steps only: what is compared, what is left out and said, and when a training has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from side_by_side import metric, output, result

from repro.comparison import Comparison, Verdict
from repro.comparison.prefix import compare_prefix, is_reached, series_longer_than
from repro.manifest import (
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Policy,
    Result,
    SourceState,
    Tolerance,
)

FILE = "history.csv"


def series(values: tuple[Any, ...], source: str = FILE, name: str = "loss") -> Metric:
    return Metric(source, name, MetricType.SERIES, steps=tuple(range(len(values))), values=values)


def stopped(*metrics: Metric, **more: Any) -> Result:
    return result(*metrics, outcome=Outcome.INTERRUPTED, exit_code=None, **more)


RECORD = result(
    series((1.0, 0.5, 0.25, 0.125)),
    metric("final", 0.125),
    outputs=(output("model.bin"),),
    metric_sources=(
        MetricSource(FILE, SourceState.READ, declared=False),
        MetricSource("metrics.json", SourceState.READ),
    ),
)


def of(values: tuple[Any, ...], **more: Any) -> Result:
    read = (MetricSource(FILE, SourceState.READ, declared=False),)
    return replace(stopped(series(values)), metric_sources=read, **more)


def compare(b: Result, a: Result = RECORD, steps: int = 2, **policy: Any) -> Comparison:
    return compare_prefix(a, b, steps, Policy(**policy))


def test_a_prefix_that_agrees_is_equivalent_and_says_what_was_left_out() -> None:
    found = compare(of((1.0, 0.5, 0.25)), outputs=("model.bin",), metrics=("metrics.json",))
    assert (found.verdict, found.metrics_compared, found.outputs_compared) == (
        Verdict.EQUIVALENT,
        1,
        0,
    )
    assert found.reasons[0] == "the first 2 steps: 1 metric equal"
    assert "1 other metric, 1 output" in found.notes[0]


def test_what_comes_after_the_steps_does_not_count() -> None:
    assert compare(of((1.0, 0.5, 9.0))).verdict is Verdict.EQUIVALENT
    assert compare(of((1.0, 9.0, 0.25))).verdict is Verdict.DIFFERENT


def test_it_is_symmetric() -> None:
    one, other = of((1.0, 0.5, 0.25)), of((1.0, 0.6, 0.25))
    assert compare(one, other).verdict is compare(other, one).verdict is Verdict.DIFFERENT


def test_other_labels_for_the_same_values_differ() -> None:
    shifted = replace(series((1.0, 0.5, 0.25)), steps=(1, 2, 3))
    assert compare(replace(of(()), metrics=(shifted,))).verdict is Verdict.DIFFERENT


def test_a_series_that_vanished_is_red_where_the_replay_ended_by_itself() -> None:
    ended = result(metric("final", 0.125))
    assert compare(ended).verdict is Verdict.DIFFERENT
    assert compare(replace(ended, metrics=())).verdict is Verdict.DIFFERENT


def test_a_file_that_a_stopped_replay_had_not_begun_is_named() -> None:
    printed = MetricSource("<stdout>", SourceState.READ, declared=False)
    record = replace(
        RECORD,
        metrics=(*RECORD.metrics, series((3.0, 2.0, 1.0), "<stdout>", "l")),
        metric_sources=(*RECORD.metric_sources, printed),
    )
    replayed = stopped(series((3.0, 2.0, 1.0), "<stdout>", "l"), metric_sources=(printed,))
    found = compare(replayed, record)
    assert found.verdict is Verdict.EQUIVALENT
    assert any(FILE in note and "had not written" in note for note in found.notes)


def test_a_stopped_replay_without_anything_is_no_pass() -> None:
    found = compare(stopped())
    assert (found.verdict, found.metrics_compared) == (Verdict.DIFFERENT, 0)
    assert "nothing was compared" in found.reasons[0]


def test_a_replay_that_failed_by_itself_has_failed() -> None:
    crashed = of((1.0, 0.5, 0.25), outcome=Outcome.FAILED, exit_code=1)
    assert compare(crashed).verdict is Verdict.FAILED


def test_tolerances_count_and_ignored_series_are_not_waited_for() -> None:
    near = of((1.0, 0.55, 0.25))
    assert compare(near, tolerances=(Tolerance("loss", absolute=0.1),)).verdict.passed
    rules = Policy(tolerances=(Tolerance("loss", ignore=True),))
    assert series_longer_than(2, RECORD, rules) == frozenset()
    assert series_longer_than(2, RECORD, Policy()) == {(FILE, "loss")}
    assert series_longer_than(4, RECORD, Policy()) == frozenset()


def test_a_training_has_the_steps_once_one_more_is_there() -> None:
    wanted = [(FILE, "loss"), ("<stdout>", "l")]

    def reached(*metrics: Metric) -> bool:
        return is_reached(2, wanted, metrics)

    printed = series((1, 2, 3), "<stdout>", "l")
    assert reached(printed), "a file that is not there yet may be one that is written at the end"
    assert reached(printed, series((1, 2, 3)))
    assert not reached(printed, series((1, 2))), "the last line may be half of itself"
    assert not reached(series((1, 2, 3))), "what is printed has to have come"
    assert not reached()
    assert not is_reached(2, [], [printed])


def test_a_record_that_its_user_interrupted_is_no_standard() -> None:
    interrupted = replace(RECORD, outcome=Outcome.INTERRUPTED, exit_code=130)
    assert compare(of((1.0, 0.5, 0.25)), interrupted).verdict is Verdict.FAILED
    assert compare(replace(of((1.0, 0.5, 0.25)), exit_code=130)).verdict is Verdict.FAILED
