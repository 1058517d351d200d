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
