"""Metric sources: a file that was not read takes its metrics with it, so its state is compared."""

import itertools
from dataclasses import replace

import pytest
from side_by_side import compared, metric, output, result

from repro.comparison import Status, Verdict, compare_results
from repro.manifest import MetricSource, Policy, SourceState, Tolerance

STATES = (*SourceState, None)
PAIRS = list(itertools.product(STATES, STATES))
READ = SourceState.READ


def with_source(state, declared=True, detail="", observed=True):
    """A run with a metric elsewhere, so that the verdict hangs on the source alone."""
    sources = [MetricSource("other.json", READ)]
    metrics = [metric("kept", 1, "other.json")]
    if state is not None:
        sources.append(MetricSource("eval.json", state, declared, detail))
    if state is READ:
        metrics.append(metric("accuracy", 0.9, "eval.json"))
    return result(*metrics, metric_sources=tuple(sources), observed=observed)


def source(comparison):
    return next(item for item in comparison.sources if item.path == "eval.json")


@pytest.mark.parametrize("a, b", PAIRS)
def test_a_declared_source_is_green_only_when_both_read_it(a, b):
    comparison = compared(with_source(a), with_source(b))
    green = a is b and a in (READ, None)
    assert comparison.verdict.passed is green
    if not green:
        assert any("eval.json" in reason for reason in comparison.reasons)
        assert comparison.next_step


@pytest.mark.parametrize("a, b", PAIRS)
def test_an_undeclared_source_is_red_when_only_one_run_wrote_it(a, b):
    wrote = [state in (READ, SourceState.EMPTY, SourceState.UNREADABLE) for state in (a, b)]
    comparison = compared(with_source(a, declared=False), with_source(b, declared=False))
    assert comparison.verdict.passed is (a is b or not any(wrote))
    if comparison.verdict.passed and not a is b is READ and (a or b):
        assert any(note.startswith("eval.json: ") for note in comparison.notes)


@pytest.mark.parametrize(
    "state, words, remedy",
    [
        (SourceState.EMPTY, "declared, but without a value in both runs", "into"),
        (SourceState.UNREADABLE, "declared, but unreadable in both runs", "format"),
        (
            SourceState.MISSING,
            "declared, but written by neither run",
            "take it out of the metrics",
        ),
        (
            SourceState.STALE,
            "declared, but written by neither run: left over from an earlier one",
            "anew on every run",
        ),
    ],
)
def test_each_state_has_its_own_words_and_remedy(state, words, remedy):
    comparison = compared(with_source(state), with_source(state))
    assert comparison.verdict is Verdict.DIFFERENT
    assert source(comparison).message == words
    assert source(comparison).status.red
    assert remedy in source(comparison).remedy
    assert comparison.next_step == source(comparison).remedy


def test_a_difference_names_both_sides():
    comparison = compared(with_source(READ), with_source(SourceState.STALE))
    assert "eval.json: written in the record, left over (not rewritten) in the replay" in (
        comparison.reasons
    )
    detailed = compared(with_source(READ), with_source(SourceState.UNREADABLE, detail="line 3"))
    assert "eval.json: written in the record, unreadable (line 3) in the replay" in (
        detailed.reasons
    )


@pytest.mark.parametrize(
    "a, b, status",
    [
        (READ, SourceState.MISSING, Status.MISSING),
        (SourceState.STALE, SourceState.EMPTY, Status.NEW),
        (READ, SourceState.UNREADABLE, Status.DIFFERENT),
        (SourceState.EMPTY, SourceState.UNREADABLE, Status.DIFFERENT),
        (SourceState.STALE, SourceState.MISSING, Status.ABSENT),
        (None, SourceState.MISSING, Status.MISSING),
        (SourceState.STALE, None, Status.NEW),
        (READ, READ, Status.EQUAL),
    ],
)
def test_status(a, b, status):
    assert source(compared(with_source(a), with_source(b))).status is status


def test_neither_wrote_it_each_in_its_way():
    comparison = compared(with_source(SourceState.STALE), with_source(SourceState.MISSING))
    assert source(comparison).message == (
        "declared, but written by neither run: left over (not rewritten) in the record, "
        "not written in the replay"
    )


def test_declared_on_one_side_is_declared():
    a, b = with_source(SourceState.MISSING), with_source(SourceState.MISSING, declared=False)
    for comparison in (compared(a, b), compared(b, a), compared(a, a)):
        assert comparison.verdict is Verdict.DIFFERENT
        assert source(comparison).declared


def test_read_without_a_metric_counts_as_empty():
    hollow = result(
        metric("kept", 1, "other.json"),
        metric_sources=(MetricSource("other.json", READ), MetricSource("eval.json", READ)),
    )
    comparison = compared(hollow, hollow)
    assert comparison.verdict is Verdict.DIFFERENT
    assert source(comparison).state_a is SourceState.EMPTY


def test_a_glob_that_matches_on_one_side_only():
    missing = result(
        metric("kept", 1, "other.json"),
        metric_sources=(
            MetricSource("other.json", READ),
            MetricSource("eval*.json", SourceState.MISSING),
        ),
    )
    comparison = compared(with_source(READ), missing)
    assert "eval*.json: declared, but not written in the replay" in comparison.reasons
    assert compared(missing, with_source(READ)).verdict is Verdict.DIFFERENT


def test_a_source_whose_metrics_are_all_ignored_is_ignored_too():
    ignore = Tolerance("eval.json:*", ignore=True)
    comparison = compared(with_source(READ), with_source(SourceState.MISSING), ignore)
    assert comparison.verdict is Verdict.IDENTICAL
    assert source(comparison).status is Status.IGNORED
    assert "eval.json: written in the record, not written in the replay" in comparison.notes
    one = Tolerance("eval.json:accuracy", ignore=True)
    never = compared(with_source(SourceState.MISSING), with_source(SourceState.MISSING), one)
    assert never.verdict is Verdict.DIFFERENT, "no metric of it is known, so none is ignored"


def test_one_ignored_metric_does_not_excuse_its_source():
    two = result(metric("accuracy", 1, "eval.json"), metric("time", 1, "eval.json"))
    none = result(metric_sources=(MetricSource("eval.json", SourceState.MISSING),))
    comparison = compared(two, none, Tolerance("time", ignore=True))
    assert source(comparison).status is Status.MISSING


def test_declared_in_the_policy_and_looked_for_by_neither():
    comparison = compared(with_source(None), with_source(None), metrics=("late/*.json",))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons == ("late/*.json: declared, but neither run looked for it",)
    assert "record the run again" in comparison.next_step
    for pattern in ("eval.json", "*.json", "**/eval.json"):
        covered = compared(with_source(READ), with_source(READ), metrics=(pattern,))
        assert covered.verdict.passed
    odd = result(metric("m", 1, "run[1].json"))
    assert compared(odd, odd, metrics=("run[1].json",)).verdict.passed, "a name, not a glob"


# --- a side that was not observed -------------------------------------------------------------


def test_what_only_watching_finds_is_not_missing_in_what_was_not_watched():
    captured, watched = with_source(None, observed=False), with_source(READ, declared=False)
    for a, b in ((captured, watched), (watched, captured)):
        comparison = compared(a, b)
        assert comparison.verdict is Verdict.IDENTICAL
        assert comparison.metrics_compared == 1
        assert {item.status for item in comparison.metrics} == {Status.EQUAL, Status.UNKNOWN}
        assert any(note.startswith("eval.json: ") for note in comparison.notes)
        assert source(comparison).status is Status.UNKNOWN
        assert source(comparison).remedy == ""


def test_ignored_stays_ignored_where_nothing_was_watched():
    captured, watched = with_source(None, observed=False), with_source(READ, declared=False)
    comparison = compared(captured, watched, Tolerance("accuracy", ignore=True))
    assert {item.status for item in comparison.metrics} == {Status.EQUAL, Status.IGNORED}


def test_what_is_declared_is_missing_also_when_it_was_not_watched():
    captured = with_source(None, observed=False)
    assert compared(captured, with_source(READ)).verdict is Verdict.DIFFERENT
    captured = with_source(SourceState.MISSING, observed=False)
    assert compared(captured, with_source(READ, declared=False)).verdict is Verdict.DIFFERENT


def test_two_watched_runs_know_what_they_wrote():
    assert compared(with_source(None), with_source(READ, declared=False)).verdict is (
        Verdict.DIFFERENT
    )


@pytest.mark.parametrize("name", ["score.txt", "score.json"])
def test_a_file_that_lost_its_metrics_is_no_pass_though_others_vouch_for_its_bytes(name):
    """Text without a number in it is written as an output, and is no source of metrics."""
    accuracy, score = metric("accuracy", 0.9), metric("score", 0.5, name)
    without, having = (
        result(
            *found,
            outputs=(output(name, content),),
            metric_sources=tuple(MetricSource(item.source, READ, declared=False) for item in found),
        )
        for found, content in (((accuracy,), "a"), ((accuracy, score), "b"))
    )
    assert compared(without, having).verdict is Verdict.DIFFERENT
    assert compared(having, without).verdict is Verdict.DIFFERENT
    assert compared(result(accuracy), having).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("ignored", [False, True])
def test_what_neither_side_could_read_has_to_be_the_same_bytes(ignored):
    """No other metric vouches for a file that is called like metrics."""
    accuracy = metric("accuracy", 0.9)

    def side(digest, **held):
        unread = MetricSource(
            "results.csv", SourceState.UNREADABLE, False, "two columns have the same name"
        )
        return result(
            accuracy,
            outputs=(replace(output("results.csv", digest), **held),),
            metric_sources=(MetricSource(accuracy.source, READ), unread),
        )

    policy = Policy(ignored_outputs=("results.csv",) if ignored else ())
    other = compare_results(side("a"), side("b"), policy)
    assert other.verdict is (Verdict.IDENTICAL if ignored else Verdict.DIFFERENT)
    if not ignored:
        assert "its bytes differ" in other.reasons[0]
    assert compare_results(side("a"), side("a"), policy).verdict is Verdict.IDENTICAL
    cosmetic = [side(name, form="json/1", content="c") for name in "ab"]
    assert compare_results(*cosmetic, policy).verdict.passed
