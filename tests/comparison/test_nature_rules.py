"""What a file says of the run and not of the model may differ; whatever could be a result may not."""

import pytest
from side_by_side import FILE, compared, metric, result, series

from repro.comparison import Status, Verdict
from repro.manifest import Tolerance

MORNING, EVENING = "2026-11-21T09:00:01.123456", "2026-11-21T22:01:32.701196"
IDS = "e140fd7c-0d53-45c8-a535-b7dc720a1f58", "8fa7ad3e-0341-40cd-9b89-fc31c8129f5d"


def status(name, a, b, *tolerances, source=FILE):
    sides = (result(metric(name, value, source), metric("accuracy", 0.9)) for value in (a, b))
    comparison = compared(*sides, *tolerances)
    found = next(item for item in comparison.metrics if item.name == name)
    assert compared(result(metric(name, b, source)), result(metric(name, a, source)), *tolerances)
    return found.status


@pytest.mark.parametrize(
    "name, a, b",
    [
        ("training_time_seconds", 1.5, 1.7),
        ("timing.trainTime", 1.5, 2),
        ("fit_time", 0.1, 0.2),
        ("score_time", 0.1, 0.2),
        ("time_per_prediction", 0.1, 0.2),
        ("inference_time_ms", 12, 13),
        ("elapsed", "0:00:12.5", "0:00:13"),
        ("duration", "12.5s", "13 s"),
        ("timestamp", MORNING, EVENING),
        ("timestamp", 1_763_719_201.5, 1_763_766_092),
        ("trained_at", "2026-11-21 09:00:01", "2026-11-21 22:01:32"),
        ("run_date", "20261121_090001", "20261121_220132"),
        ("history.best", MORNING, EVENING),
        ("run_id", *IDS),
        ("host", "vm", "e97e42ed7028"),
        ("user", "ann", "repro"),
        ("pid", 12, 13),
        ("peak_memory_mb", 124.1, 123.7),
        ("eval_samples_per_second", 812.3, 790.1),
        ("tokens_per_sec", 812, 790),
    ],
)
def test_of_the_run(name, a, b):
    assert status(name, a, b) is status(name, b, a) is Status.IGNORED
    assert status(name, a, a) is Status.EQUAL


@pytest.mark.parametrize(
    "name, a, b",
    [
        ("survival_time", 1.5, 1.7),
        ("mae_minutes", 1.5, 1.7),
        ("rmse_time", 1.5, 1.7),
        ("time_to_event", 10, 11),
        ("time.accuracy", 0.9, 0.8),
        ("steps", 10, 11),
        ("steps_per_epoch", 10, 11),
        ("errors_per_second", 10, 11),
        ("samples_per_class", 10, 11),
        ("epochs", 10, 11),
        ("mean", 1.5, 1.7),
        ("test", 0.9, 0.8),
        ("memory_accuracy", 0.9, 0.8),
        ("memory_score", 0.9, 0.8),
        ("latency_score", 0.9, 0.8),
        ("runtime_prediction", 0.9, 0.8),
        ("score", 0.9, 0.8),
        ("start", "2026-01-01", "2026-01-02"),
        ("best_day", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("date", "2026-01-01", "2026-01-02"),
        ("date", "2026-01-01 10:00:00", "never"),
        ("timestamp", 3.5, 4.5),
        ("id", 1, 2),
        ("model_id", "small", "large"),
        ("fit_time", True, False),
        ("fit_time", "fast", "slow"),
        ("fit_time", float("nan"), "slow"),
        ("fit_time", float("nan"), 1.5),
        ("fit_time", float("inf"), 1.5),
        ("host", 0.5, None),
        ("", 1, 2),
        ("\\.", 1, 2),
    ],
)
def test_what_could_be_a_result(name, a, b):
    assert status(name, a, b).red
    assert status(name, b, a).red


def test_of_the_log_nothing():
    assert status("fit_time", 1, 2, source="<stdout>") is Status.DIFFERENT


def test_a_tolerance_that_names_it_counts_and_one_for_all_does_not():
    assert status("fit_time", 1.0, 2.0, Tolerance("fit_*", relative=0.1)) is Status.DIFFERENT
    assert status("fit_time", 1.0, 1.01, Tolerance("fit_*", relative=0.1)) is Status.WITHIN
    assert status("fit_time", 1.0, 2.0, Tolerance("*", relative=1e-9)) is Status.IGNORED


def test_of_a_series_every_value_and_no_step_more():
    a, b = series("timestamp", (MORNING, MORNING)), series("timestamp", (MORNING, EVENING))
    assert compared(result(a), result(b)).metrics[0].status is Status.IGNORED
    text = series("timestamp", (MORNING, "late"))
    assert compared(result(a), result(text)).metrics[0].status is Status.DIFFERENT
    longer = series("timestamp", (MORNING, EVENING, EVENING))
    assert compared(result(a), result(longer)).metrics[0].status is Status.DIFFERENT
    later = series("timestamp", (MORNING, EVENING), (0, 2))
    assert compared(result(a), result(later)).metrics[0].status is Status.DIFFERENT


def test_one_that_is_missing_is_red():
    sides = result(metric("accuracy", 0.9), metric("fit_time", 1)), result(metric("accuracy", 0.9))
    assert compared(*sides).verdict is Verdict.DIFFERENT


def test_it_is_said_and_nothing_else_compared_is_no_pass():
    sides = [result(metric("run_id", drawn), metric("accuracy", 0.9)) for drawn in IDS]
    found = compared(*sides)
    assert found.verdict is Verdict.IDENTICAL
    assert any("1 metric not compared" in note and "an id: run_id" in note for note in found.notes)
    alone = compared(*(result(metric("run_id", drawn)) for drawn in IDS))
    assert alone.verdict is Verdict.DIFFERENT
    assert alone.reasons[0].startswith("nothing was compared")


@pytest.mark.parametrize(
    "name, a, b",
    [
        ("best_item_id", *IDS),
        ("nearest.sample_id", *IDS),
        ("user_id", 4711, 4712),
        ("user", 1, 2),
    ],
)
def test_whom_a_model_chose_is_a_result(name, a, b):
    assert status(name, a, b) is status(name, b, a) is Status.DIFFERENT


@pytest.mark.parametrize("name", ["user_id", "user", "id"])
def test_a_column_of_ids_is_data(name):
    a, b = series(name, ("ann", "bob")), series(name, ("ann", "cleo"))
    if name == "id":
        a, b = series(name, IDS), series(name, (IDS[1], IDS[0]))
    assert compared(result(a), result(b)).metrics[0].status is Status.DIFFERENT
    one, other = series("run_id", IDS[:1] * 2), series("run_id", IDS[1:] * 2)
    assert compared(result(one), result(other)).metrics[0].status is Status.IGNORED
