"""The verdict: which word, which exit code, and the reason in words."""

from dataclasses import replace

import pytest
from side_by_side import DEFINITION, compared, empty, metric, output, result, scalars, series

from repro.comparison import (
    TWO_RUNS,
    Status,
    Verdict,
    compare_manifests,
    compare_results,
    unreplayable,
)
from repro.manifest import Host, Manifest, MetricType, Outcome, Policy, Tolerance


@pytest.mark.parametrize(
    "verdict, code, passed",
    [
        (Verdict.IDENTICAL, 0, True),
        (Verdict.EQUIVALENT, 0, True),
        (Verdict.DIFFERENT, 1, False),
        (Verdict.FAILED, 3, False),
        (Verdict.UNREPLAYABLE, 3, False),
    ],
)
def test_exit_codes(verdict, code, passed):
    assert (verdict.exit_code, verdict.passed) == (code, passed)


def test_identical():
    run = replace(scalars(m=1, n=2), outputs=(output("model.pkl"),))
    comparison = compared(run, run)
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.reasons == ("2 metrics equal", "1 output bit for bit the same")
    assert (comparison.metrics_compared, comparison.outputs_compared) == (2, 1)
    assert (comparison.next_step, comparison.exit_code) == ("", 0)


def test_equal_metrics_vouch_for_outputs_that_differ():
    a = replace(scalars(m=1), outputs=(output("model.pkl", "a"), output("x", "1")))
    b = replace(scalars(m=1), outputs=(output("model.pkl", "b"), output("x", "1")))
    comparison = compared(a, b)
    assert comparison.verdict is Verdict.EQUIVALENT
    assert comparison.reasons == (
        "1 metric equal",
        "1 output bit for bit the same",
        "1 output differs in bytes: model.pkl",
    )
    assert "timestamps" in comparison.next_step


def test_metrics_without_outputs_say_so():
    comparison = compared(scalars(m=1), scalars(m=1))
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.reasons == ("1 metric equal", "no output was compared")


def test_without_metrics_the_outputs_have_to_be_the_same():
    a, b = result(outputs=(output("m", "a"),)), result(outputs=(output("m", "b"),))
    same = compared(a, a)
    assert same.verdict is Verdict.IDENTICAL
    assert "no metric was compared, the verdict rests on outputs alone" in same.reasons
    other = compared(a, b)
    assert other.verdict is Verdict.DIFFERENT
    assert other.reasons == (
        "1 of 1 output differs in bytes, and no metric was compared that could vouch for them: m",
    )


@pytest.mark.parametrize(
    "metrics",
    [
        (metric("m", 1),),
        (metric("m", None),),
    ],
)
def test_ignored_or_empty_metrics_do_not_vouch_for_outputs(metrics):
    a = result(*metrics, outputs=(output("o", "a"),))
    b = result(*metrics, outputs=(output("o", "b"),))
    comparison = compared(a, b, Tolerance("*", ignore=True))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.metrics_compared == 0


@pytest.mark.parametrize(
    "metrics",
    [
        (),
        (metric("m", None),),
        (empty("m"), empty("n", MetricType.EMPTY_ARRAY)),
        (series("s", ()),),
    ],
)
def test_nothing_compared_is_never_a_pass(metrics):
    comparison = compared(result(*metrics), result(*metrics))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons[0].startswith("nothing was compared: ")
    assert "repro.yaml" in comparison.next_step
    assert comparison.metrics_compared == comparison.outputs_compared == 0


@pytest.mark.parametrize(
    "run, why",
    [
        (result(), "no metric and no output was recorded"),
        (result(metric("m", None)), "no metric has a value, and no output was recorded"),
    ],
)
def test_nothing_compared_says_why(run, why):
    assert compared(run, run).reasons == (f"nothing was compared: {why}",)


def test_what_is_missing_is_the_reason_and_not_compared():
    comparison = compared(scalars(m=1), replace(scalars(m=1), metrics=(metric("n", 1),)))
    assert comparison.reasons == (
        "1 metric is missing in the replay: m",
        "1 metric is missing in the record: n",
    )
    assert comparison.metrics_compared == 0


def test_other_types_are_counted_in_words():
    one = compared(scalars(m=1, n=1), scalars(m="1", n=1))
    assert one.reasons == ("1 metric has another type: m",)
    assert one.metrics_compared == 2
    both = compared(scalars(m=1, n=1), scalars(m="1", n="1"))
    assert both.reasons == ("2 metrics have another type: m, n",)


def test_an_empty_metric_beside_a_real_one_is_noted():
    run = result(metric("m", 1), metric("n", None))
    comparison = compared(run, run)
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.metrics_compared == 1
    assert "1 metric without a value, not counted: n" in comparison.notes


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"exit_code": 1}, "ended with exit code 1"),
        (
            {"exit_code": -9, "outcome": Outcome.FAILED},
            "ended with exit code -9, killed: often for want of memory",
        ),
        ({"exit_code": 137}, "ended with exit code 137, killed: often for want of memory"),
        ({"exit_code": None, "outcome": Outcome.FAILED}, "did not finish"),
        ({"exit_code": 0, "outcome": Outcome.FAILED}, "did not finish"),
        ({"exit_code": None, "outcome": Outcome.INTERRUPTED}, "was interrupted"),
        ({"exit_code": 130, "outcome": Outcome.INTERRUPTED}, "was interrupted"),
    ],
)
def test_failed_on_either_side(changes, reason):
    good = scalars(m=1)
    bad = replace(good, **changes)
    for a, b, side in ((good, bad, "the replay"), (bad, good, "the record")):
        comparison = compared(a, b)
        assert comparison.verdict is Verdict.FAILED
        assert comparison.reasons == (f"{side} {reason}",)
        assert side in comparison.next_step
    assert len(compared(bad, bad).reasons) == 2


def test_failed_counts_before_different():
    comparison = compared(scalars(m=1), replace(scalars(m=2), exit_code=2))
    assert comparison.verdict is Verdict.FAILED
    assert comparison.reasons == (
        "the replay ended with exit code 2",
        "1 of 1 metric differs: m",
    )


def test_an_unobserved_exit_code_is_no_failure():
    captured = replace(scalars(m=1), observed=False, exit_code=None)
    comparison = compared(captured, scalars(m=1))
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.notes[0].startswith("the record was not observed: ")


def test_many_names_are_counted():
    names = [f"m{index}" for index in range(9)]
    a = result(*(metric(name, 1) for name in names))
    b = result(*(metric(name, 2) for name in names))
    assert compared(a, b).reasons == ("9 of 9 metrics differ: m0, m1, m2 and 6 more",)


def test_unreplayable():
    comparison = unreplayable("python:3.1 could not be had", ["registry", "cache"], "push it")
    assert comparison.verdict is Verdict.UNREPLAYABLE
    assert comparison.exit_code == 3
    assert comparison.reasons == ("python:3.1 could not be had",)
    assert comparison.notes == ("tried: registry", "tried: cache")
    assert comparison.next_step == "push it"


def test_the_sides_are_called_as_the_caller_says():
    a, b = scalars(m=1, n=1), scalars(m=1)
    comparison = compare_results(a, b, Policy(), sides=TWO_RUNS)
    assert comparison.reasons == ("1 metric is missing in the second run: n",)


# --- what to do next --------------------------------------------------------------------------


def test_next_step_names_the_likeliest_circumstance():
    a = replace(scalars(m=1), host=Host(cpus=8, kernel="6.1"))
    b = replace(scalars(m=2), host=Host(cpus=4, kernel="6.2"))
    assert compared(a, b).next_step == "around the run CPUs differs (8 -> 4): rule it out first"


def test_next_step_when_nothing_around_it_differs():
    assert "not deterministic" in compared(scalars(m=1), scalars(m=2)).next_step


def test_next_step_offers_a_tolerance_only_for_rounding():
    small = compared(scalars(m=1.0), scalars(m=1.0 + 1e-12)).next_step
    assert "tolerance" in small and "1.0e-12" in small
    assert "tolerance" not in compared(scalars(m=1.0), scalars(m=1.01)).next_step
    mixed = compared(scalars(m=1.0, n=1), scalars(m=1.0 + 1e-12, n=2))
    assert "tolerance" not in mixed.next_step
    later = compared(result(series("s", (1.0, 1.0))), result(series("s", (1.0 + 1e-12, 2.0))))
    assert "tolerance" not in later.next_step, "only its first step looks like rounding"


def test_next_step_names_the_ingredient():
    other = replace(DEFINITION, env={"PYTHONHASHSEED": "1"})
    a = Manifest(DEFINITION, scalars(m=1), "2024-05-01")
    b = Manifest(other, scalars(m=2), "2024-05-02")
    comparison = compare_manifests(a, b, Policy())
    assert comparison.next_step == "what went in differs: look first at env (PYTHONHASHSEED)"


# --- two manifests ----------------------------------------------------------------------------


def test_the_same_definition():
    run = Manifest(DEFINITION, scalars(m=1), "2024-05-01")
    comparison = compare_manifests(run, run, Policy())
    assert comparison.same_definition is True
    assert (comparison.verdict, comparison.exit_code) == (Verdict.IDENTICAL, 0)
    assert compare_results(run.result, run.result, Policy()).same_definition is None


def test_the_same_results_of_another_definition_are_no_green_exit():
    a = Manifest(DEFINITION, scalars(m=1), "2024-05-01")
    b = replace(a, definition=replace(DEFINITION, working_directory="sub"))
    comparison = compare_manifests(a, b, Policy())
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.same_definition is False
    assert comparison.exit_code == 1
    assert [item.ingredient for item in comparison.ingredients] == ["working directory"]
    assert comparison.metrics[0].status is Status.EQUAL


@pytest.mark.parametrize(
    "name, vouches",
    [("trial.finished with value", True), ("Value", True), ("BIC", True), ("default value", False),
     ("basic rows", False), ("epoch", False)],
)  # fmt: skip
def test_what_is_printed_vouches_where_its_name_speaks_of_a_measure(name, vouches):
    a, b = (
        result(metric(name, 1, "<stdout>"), outputs=(output("study.db", content),))
        for content in "ab"
    )
    expected = Verdict.EQUIVALENT if vouches else Verdict.DIFFERENT
    assert compared(a, b).verdict is expected


def _verdict_of_other_weights(*metrics):
    a, b = (result(*metrics, outputs=(output("model.pt", content),)) for content in "ab")
    return compared(a, b).verdict


@pytest.mark.parametrize(
    "name, value",
    [
        ("seed", 0),
        ("n_samples", 100),
        ("epochs", 5),
        ("config.batch_size", 32),
        ("learning_rate", 0.1),
        ("train_samples", 100),
        ("total_params", 1000),
        ("seconds", 1),
        ("train_runtime", 1.5),
        ("peak_memory_mb", 12),
        ("samples_per_second", 100),
        ("model", "resnet"),
        ("finished", True),
    ],
)
def test_what_is_of_the_run_or_its_settings_vouches_for_no_output(name, value):
    assert _verdict_of_other_weights(metric(name, value)) is Verdict.DIFFERENT
    both = metric(name, value), metric("accuracy", 0.9)
    assert _verdict_of_other_weights(*both) is Verdict.EQUIVALENT
    assert compared(scalars(**{name: value}), scalars(**{name: value})).verdict is Verdict.IDENTICAL


@pytest.mark.parametrize(
    "name, value",
    [
        ("m", 1),
        ("test", 0.9),
        ("val", 0.9),
        ("best_epoch", 3),
        ("n_clusters", 5),
        ("latency_score", 0.5),
        ("weights_sha256", "3f" * 32),
    ],
)
def test_a_result_vouches(name, value):
    assert _verdict_of_other_weights(metric(name, value)) is Verdict.EQUIVALENT


@pytest.mark.parametrize(
    "name, vouching",
    [
        ("gradient accumulation", False),
        ("accelerators", False),
        ("mapped rows", False),
        ("transferred files", False),
        ("interrupts", False),
        ("loss scale", False),
        ("loss", True),
        ("accumulated loss", True),
        ("mAP", True),
        ("test err", True),
    ],
)
def test_a_word_that_only_holds_the_letters_of_a_measure_is_none(name, vouching):
    expected = Verdict.EQUIVALENT if vouching else Verdict.DIFFERENT
    assert _verdict_of_other_weights(metric(name, 4, "<stdout>")) is expected


def test_empty_files_alone_are_nothing_compared():
    done = output("done", size=0)
    comparison = compared(result(outputs=(done,)), result(outputs=(done,)))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons == (
        "nothing was compared: no metric was recorded, and the only outputs are empty files",
    )
    beside = result(outputs=(done, output("model.pt")))
    assert compared(beside, beside).verdict is Verdict.IDENTICAL
    measured = result(metric("loss", 0.5), outputs=(done,))
    assert compared(measured, measured).verdict is Verdict.IDENTICAL


def test_it_is_said_where_nothing_tells_how_good_the_model_is():
    rows = scalars(n_samples=100, seed=0)
    said = "of the metrics none says how good the model is, as far as their names tell: n_samples, seed"
    assert said in compared(rows, rows).notes
    both = scalars(n_samples=100, loss=0.5)
    assert not any("how good" in note for note in compared(both, both).notes)
