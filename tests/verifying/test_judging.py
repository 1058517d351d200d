"""From the replays of a run to one verdict: the worst counts, and a pair counts as much as a replay."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from repro.comparison import Verdict, compare_results
from repro.manifest import Host, Metric, MetricType, Outcome, Policy, Result, Tolerance
from repro.verifying import Chosen, Played, State, Verification, Verified
from repro.verifying.judging import ALL_PAIRS, judged, unplayed

CHOSEN = Chosen(SimpleNamespace(id="1" * 64, short="1" * 12), "baseline")  # type: ignore[arg-type]


def yielding(loss: float, **changes: Any) -> Result:
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
    return replace(result, **changes)


def judge(*losses: float, recorded: float = 0.5, asked: int = 0, **policy: Any) -> Verified:
    rules = Policy(**policy)
    results = {number: yielding(loss) for number, loss in enumerate(losses, 1)}
    played = [
        Played(number, compare_results(yielding(recorded), result, rules), f"{number}")
        for number, result in results.items()
    ]
    return judged(CHOSEN, asked or len(losses), played, results, rules)


def test_all_alike_is_identical_and_counts_what_was_compared() -> None:
    found = judge(0.5, 0.5, 0.5)
    assert (found.verdict, found.passed, found.values, len(found.pairs)) == (
        Verdict.IDENTICAL,
        True,
        3,
        3,
    )


def test_one_that_differs_makes_the_run_different_wherever_it_stands() -> None:
    for losses in ((0.6, 0.5, 0.5), (0.5, 0.6, 0.5), (0.5, 0.5, 0.6)):
        found = judge(*losses)
        assert found.verdict is Verdict.DIFFERENT
        assert "not deterministic" in found.diagnosis
        assert any("of 3" in reason for reason in found.reasons)


def test_replays_that_agree_with_each_other_blame_the_place() -> None:
    found = judge(0.6, 0.6)
    assert found.verdict is Verdict.DIFFERENT
    assert "repeats itself here" in found.diagnosis


def on(hosts: list[str], *losses: float, machines: tuple[Host, ...] = ()) -> Verified:
    """Replays of several machines."""
    results = {number: yielding(loss) for number, loss in enumerate(losses, 1)}
    for number, machine in enumerate(machines, 1):
        results[number] = replace(results[number], host=machine)
    played = [
        Played(number, compare_results(yielding(0.5), result, Policy()), f"{number}", host=host)
        for (number, result), host in zip(results.items(), hosts)
    ]
    return judged(CHOSEN, len(losses), played, results, Policy())


def told(found: Verified) -> str:
    """What is said of the cause."""
    notes = [note for item in found.replays for note in item.comparison.notes]
    return " ".join([found.diagnosis, *notes])


def test_two_machines_that_differ_say_nothing_of_the_training_itself() -> None:
    old, new = Host(cpu="old", engine="Docker"), Host(cpu="new", engine="Docker")
    found = on(["a", "b"], 0.5, 0.6, machines=(old, new))
    assert found.verdict is Verdict.DIFFERENT
    assert "replays 1 on a and 2 on b differ" in found.diagnosis
    assert "CPU: old and new" in found.diagnosis
    assert "not deterministic" not in told(found)
    # also where nothing is known that tells them apart
    found = on(["a", "b"], 0.5, 0.6)
    assert "two machines" in found.diagnosis and "not deterministic" not in told(found)
    # and on one machine under other settings
    found = on(["", ""], 0.5, 0.6, machines=(Host(cpus=1), Host(cpus=2)))
    assert "CPUs: 1 and 2" in found.diagnosis and "not deterministic" not in told(found)


def test_two_on_the_same_of_several_machines_tell() -> None:
    found = on(["a", "b", "a"], 0.5, 0.5, 0.6)
    assert "not deterministic: replays 1 and 3" in found.diagnosis and "on a" in found.diagnosis


def test_within_tolerance_of_the_record_and_not_of_each_other_is_different() -> None:
    found = judge(0.59, 0.41, tolerances=(Tolerance("loss", absolute=0.1),))
    assert all(item.comparison.verdict is Verdict.EQUIVALENT for item in found.replays)
    assert found.verdict is Verdict.DIFFERENT
    assert found.reasons[0] == "replays 1 and 2 agree with the record and not with each other"
    assert found.worst is found.pairs[0].comparison


def test_nan_equals_nan_over_all_replays_and_nothing_else() -> None:
    nan = float("nan")
    assert judge(nan, nan, recorded=nan).passed
    assert judge(nan, 0.5, recorded=nan).verdict is Verdict.DIFFERENT


def test_nothing_compared_is_never_a_pass() -> None:
    empty = yielding(0.5, metrics=())
    played = [Played(1, compare_results(empty, empty, Policy()))]
    found = judged(CHOSEN, 1, played, {1: empty}, Policy())
    assert (found.verdict, found.values, found.passed) == (Verdict.DIFFERENT, 0, False)


def test_a_replay_that_could_not_be_made_counts_as_the_worst() -> None:
    done = Played(1, compare_results(yielding(0.5), yielding(0.5), Policy()))
    lost = Played(2, unplayed("the image is gone", "pull it"))
    found = judged(CHOSEN, 2, [lost, done], {1: yielding(0.5)}, Policy())
    assert found.verdict is Verdict.UNREPLAYABLE
    assert found.reasons == ("the image is gone", "so replay 2 of 2")
    assert (found.next_step, found.passed) == ("pull it", False)


def test_fewer_replays_than_asked_are_no_pass() -> None:
    found = judge(0.5, asked=3)
    assert (found.state, found.verdict, found.passed) == (State.PARTLY, Verdict.IDENTICAL, False)
    nothing = judged(CHOSEN, 3, [], {}, Policy())
    assert (nothing.state, nothing.verdict, nothing.passed) == (State.NOT_REACHED, None, False)


def test_many_replays_are_compared_with_the_first_and_their_neighbours() -> None:
    found = judge(*[0.5] * (ALL_PAIRS + 3), 0.6)
    assert len(found.pairs) < (ALL_PAIRS + 4) ** 2 / 4
    assert found.verdict is Verdict.DIFFERENT


def test_the_exit_code_is_that_of_the_worst_run_and_zero_runs_are_no_pass() -> None:
    passed, different = judge(0.5), judge(0.6)
    lost = judged(CHOSEN, 1, [Played(1, unplayed("gone", ""))], {}, Policy())
    missed = judged(CHOSEN, 1, [], {}, Policy())

    def code(*runs: Verified, **more: Any) -> int:
        return Verification(runs, 1.0, **more).exit_code

    assert code(passed, passed) == 0
    assert code(passed, different, lost) == 1
    assert code(passed, lost) == code(passed, missed) == code(judge(0.5, asked=2)) == 3
    assert code() == 3
    assert code(passed, interrupted=True) == 130
