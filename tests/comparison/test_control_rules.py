"""What a second replay tells: is it the training that does not repeat, or the place that differs?"""

from __future__ import annotations

from dataclasses import replace

from repro.comparison import compare_results
from repro.comparison.control import explained, is_needed
from repro.manifest import Host, Metric, MetricType, Outcome, Policy, Result

AGAIN = "repro replay 1234 --control"


def yielding(loss: float, **changes: object) -> Result:
    result = Result(
        observed=True,
        outcome=Outcome.FINISHED,
        exit_code=0,
        started=None,
        ended=None,
        duration=1.0,
        peak_memory=None,
        host=Host(engine="Docker", isolation="container", cpus=2),
        metrics=(Metric("metrics.json", "loss", MetricType.NUMBER, loss),),
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def explain(replayed: Result, *controls: Result):  # type: ignore[no-untyped-def]
    comparison = compare_results(yielding(0.5), replayed, Policy())
    return explained(comparison, replayed, controls, Policy(), AGAIN)


def test_replays_that_differ_from_each_other_blame_the_training() -> None:
    found = explain(yielding(0.6), yielding(0.7))
    assert "not deterministic" in found.notes[0]
    assert "seed" in found.next_step


def test_replays_that_agree_blame_the_place() -> None:
    found = explain(yielding(0.6), yielding(0.6))
    assert "repeats itself here: 1 other replay agrees" in found.notes[0]


def test_without_a_control_it_says_how_to_get_one() -> None:
    found = explain(yielding(0.6))
    assert AGAIN in found.next_step
    assert not any("determin" in note or "repeats" in note for note in found.notes)


def test_a_control_that_failed_or_lacks_the_metric_is_no_witness() -> None:
    failed = yielding(0.6, outcome=Outcome.FAILED, exit_code=1)
    lacking = yielding(0.6, metrics=())
    for control in (failed, lacking):
        found = explain(yielding(0.6), control)
        assert AGAIN in found.next_step
        assert not any("repeats itself" in note for note in found.notes)


def test_a_control_under_other_conditions_is_no_witness() -> None:
    elsewhere = yielding(0.6, host=Host(engine="Docker", isolation="container", cpus=1))
    assert AGAIN in explain(yielding(0.6), elsewhere).next_step


def test_an_equal_replay_needs_no_control() -> None:
    comparison = compare_results(yielding(0.5), yielding(0.5), Policy())
    assert not is_needed(comparison, yielding(0.5), ())
    assert explained(comparison, yielding(0.5), (), Policy(), AGAIN) == comparison


def test_one_finished_control_is_enough() -> None:
    comparison = compare_results(yielding(0.5), yielding(0.6), Policy())
    assert is_needed(comparison, yielding(0.6), ())
    assert not is_needed(comparison, yielding(0.6), (yielding(0.6),))
    assert is_needed(comparison, yielding(0.6), (yielding(0.6, outcome=Outcome.FAILED),))
