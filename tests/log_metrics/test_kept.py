"""Results that look like something else are metrics; what they look like is still none."""

import pytest

from repro.log_metrics import read

BESIDE = "epoch 1 loss 0.5\nepoch 2 loss 0.4\n"


def said(text: str) -> set[tuple[str, object]]:
    found = read((BESIDE + text + "\n").encode(), "<stdout>").metrics
    return {(item.name, item.value) for item in found if item.name != "loss"}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("2024-05-01 10:00:00 train acc 0.5, test error: 0.21", "train acc", 0.5),
        ("2024-05-01 10:00:00,123 acc 0.91 error: 0.21", "acc", 0.91),
        ("10:00:01 step 5 T 300.1 E = -1.23", "T", 300.1),
        ("2024-05-01 10:00:00 Step 100: acc 0.532, info gain: 0.2", "acc", 0.532),
        ("2024-05-01 10:00:00 Loss D: 0.53, Loss G: 1.2", "Loss D", 0.53),
        ("2024-05-01 10:00:00 hits=5 ERROR 12", "hits", 5),
        ("2024-05-01 10:00:00 INFO hits:5 | misses:9", "hits", 5),
        ("INFO correct:93 - total:100", "correct", 93),
    ],
)
def test_no_prefix_takes_it_along(line: str, name: str, value: float) -> None:
    assert (name, value) in said(line)


@pytest.mark.parametrize(
    "prefix",
    [
        "2024-05-01 10:00:00,123 INFO ",
        "2024-05-01 10:00:00.123456: I ",
        "2024-05-01 10:00:00,123 [4711] [main.py:12] INFO - ",
        "2024-05-01 10:00:00,123 host python[4711] INFO ",
        "2024-05-01 10:00:00,123 pid 4711 INFO ",
        "2024-05-01 10:00:00,123 - trainer - INFO - ",
        "[2024-05-01 10:00:00,123][root][INFO] - ",
        "2024-05-01 10:00:00.123 | INFO     | __main__:train:12 - ",
        "2024-05-01 10:00:00 INFO trainer.py:12 - ",
        "10:00:00 error: ",
        "2024-05-01 10:00:00 [info] ",
    ],
)
def test_a_prefix_is_none(prefix: str) -> None:
    assert said(f"{prefix}accuracy 0.91") == {("accuracy", 0.91)}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("RMSE (s): 0.42", "RMSE (s)", 0.42),
        ("MAE (min): 0.42", "MAE (min)", 0.42),
        ("accuracy at test time: 0.91", "accuracy at test time", 0.91),
        ("Accuracy on GPU: 0.91", "Accuracy on GPU", 0.91),
        ("R2 for hours = 0.9", "R2 for hours", 0.9),
        ("Best bandwidth: 0.42", "Best bandwidth", 0.42),
        ("Predicted rank: 3", "Predicted rank", 3),
        ("ATE: 0.034m", "ATE", 0.034),
        ("Distance: 1.82m", "Distance", 1.82),
        ("Predicted delay: 3.2 days", "Predicted delay", 3.2),
        ("predicted date: 2024-05-01", "predicted date", "2024-05-01"),
        ("weights sha256: 3fa9c0de81aa", "weights sha256", "3fa9c0de81aa"),
        ("model hash 0x3fa9c0de", "model hash", "0x3fa9c0de"),
        (f"{'3f' * 32}  model.pt", "digest of model.pt", "3f" * 32),
        (f"{'3f' * 32} */tmp/tmpx1/model.pt", "digest of model.pt", "3f" * 32),
        ("{'md5': '3fa9c0de81aa3fa9c0de81aa3fa9c0de'}", "md5", "3fa9c0de81aa3fa9c0de81aa3fa9c0de"),
        ("Best model: RandomForest", "Best model", "RandomForest"),
        ("Best model: RandomForest, acc: 0.9", "Best model", "RandomForest"),
        ("Predicted class: cat", "Predicted class", "cat"),
        ("Converged: True", "Converged", "True"),
        ("Classifier: RandomForest", "Classifier", "RandomForest"),
        ("|   |--- class: setosa", "class", "setosa"),
        ("Generated: the cat sat on the mat", "Generated", "the cat sat on the mat"),
        ("Selected features: age, sex", "Selected features", "age, sex"),
        ("best params: {'criterion': 'gini', 'depth': 5}", "best params.criterion", "gini"),
        ("{'converged': True, 'acc': 0.9}", "converged", True),
    ],
)
def test_a_result_by_its_name(line: str, name: str, value: object) -> None:
    assert (name, value) in said(line)


@pytest.mark.parametrize(
    "line",
    [
        "time (s): 0.42",
        "score (ms): 0.42",
        "Elapsed: 1.5m",
        "local rank: 3",
        "rank: 3",
        "bandwidth: 12.5",
        "Prediction: 0.4 s",
        "predicted in 3.2 s",
        "started: 2024-05-01 10:00:00",
        "commit sha: 3fa9c0de81aa",
        "run hash: 3fa9c0de81aa",
        "object id: 0x3fa9c0de81aa",
        "Best model path: out/best",
        "Best checkpoint: last",
        "Best run: fuzzy-cat",
        "CUDA selected: True",
        "Using device: gpu",
        "Selected device: cuda",
        "{'verbose': True, 'optimizer': 'adam'}",
        "Best model:",
        "Best estimator: <sklearn.svm.SVC object at 0x7f0c2a3b4d50>",
        "{'best_logdir': '/tmp/tmpabx', 'best_at': '2024-05-01 10:00:00'}",
        "Loading model: bert",
        "Model saved: yes",
        "Predicted: ...",
    ],
)
def test_what_is_of_the_run_or_says_nothing_is_none(line: str) -> None:
    assert said(line) == set()


def test_numbers_that_no_float_holds_are_not_the_same() -> None:
    assert said("loss_scale=1e400") == {("loss_scale", 10**400)}
    assert said("loss_scale=1e400") != said("loss_scale=1e500")
    assert said("loss_scale=1e99999") == {("loss_scale", float("inf"))}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("survival_time: 12.5", "survival_time", 12.5),
        ("Mean travel time: 12.5", "Mean travel time", 12.5),
        ("hours-per-week 0.25", "hours-per-week", 0.25),
        ("wind speed: 3.5", "wind speed", 3.5),
        ("Feature importance:\n  duration: 0.9\n  age: 0.1", "duration", 0.9),
        ("Coefficients:\n  hours 0.9\n  cpu 0.1", "cpu", 0.1),
        (
            " feature   importance\nduration         0.9\n     age         0.1",
            "duration.importance",
            0.9,
        ),
    ],
)
def test_what_a_model_is_about_may_be_time(text: str, name: str, value: float) -> None:
    assert (name, value) in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "data wait time: 12.5",
        "speed: 3.5",
        "step time: 3.5",
        "Feature importance:\nduration: 0.9",
        "Timings:\n  duration: 0.9\n  hours: 0.1",
        "   what   seconds\nduration     0.9\n    time     0.1",
    ],
)
def test_and_mostly_is_not(text: str) -> None:
    assert said(text) == set()
