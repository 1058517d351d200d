"""The reader reads the corpus as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import score

from repro.log_metrics import read


def test_there_are_enough_logs() -> None:
    assert len(score.LOGS) >= 60


@pytest.mark.parametrize("path", score.LOGS, ids=lambda path: path.stem)
def test_a_log_is_read_as_expected(path: Path) -> None:
    found = score.score(path)
    assert not found.missing and not found.extra, found


@pytest.mark.parametrize("path", score.LOGS, ids=lambda path: path.stem)
def test_a_reading_is_the_same_each_time(path: Path) -> None:
    content = path.read_bytes()
    assert repr(read(content, "<stdout>")) == repr(read(content, "<stdout>"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("accuracy: 0.93\nloss: 0.1\n", "accuracy: 0.94\nloss: 0.1\n"),
        ("accuracy: 0.93\nloss: 0.1\n", "loss: 0.1\n"),
        ("accuracy: 0.93\nloss: 0.1\n", "accuracy: nan\nloss: 0.1\n"),
        ("accuracy: 0.93\nloss: 0.1\n", "accuracy: None\nloss: 0.1\n"),
        ("epoch 1 loss 0.5\nepoch 2 loss 0.4\n", "epoch 1 loss 0.5\n"),
        ("epoch 1 loss 0.5\nepoch 2 loss 0.4\n", "epoch 1 loss 0.4\nepoch 2 loss 0.5\n"),
    ],
)
def test_a_difference_in_the_log_is_one_in_the_reading(before: str, after: str) -> None:
    ours, theirs = (read(text.encode(), "<stdout>").metrics for text in (before, after))
    assert ours != theirs


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"\xff\xfe=1", b"[" * 100_000, b"a=" * 50_000])
def test_no_bytes_are_an_error(content: bytes) -> None:
    read(content, "<stdout>")
