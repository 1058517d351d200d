"""Every log of the corpus is read as a person reads it, and no change to it goes unseen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.log_metrics import Reading, read
from tests.log_metrics.score import LOGS, expected, score, table

NUMBER = re.compile(
    r"(?:(?<![\w.])|(?<=\x1b\[\d\dm))[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
)
by_log = pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)


def test_the_corpus_is_large_and_read_wholly(
    record_property: Callable[[str, object], None],
) -> None:
    scores = [score(path) for path in LOGS]
    record_property("score", table(scores).splitlines()[-1])
    assert len(scores) >= 70
    assert [item for item in scores if not item.perfect] == []


@by_log
def test_a_log_is_read_as_expected(path: Path) -> None:
    found = score(path)
    assert (found.missing, found.extra, found.asides) == ((), (), ())


@by_log
def test_the_same_bytes_give_the_same_reading(path: Path) -> None:
    content = path.read_bytes()
    assert repr(read(content, "<stdout>")) == repr(read(content, "<stdout>"))


def essence(reading: Reading) -> str:
    return repr(reading.metrics)


def values(path: Path) -> set[float]:
    """The numbers that the log's metrics consist of."""
    found: list[Any] = []
    for value in expected(path)["metrics"].values():
        found.extend(value["values"] if isinstance(value, dict) else [value])
    return {value for value in found if isinstance(value, int | float) and math.isfinite(value)}


def other(number: str) -> str:
    """The number with its last digit changed, or the twelfth: beyond that floats do not tell all apart."""
    digits = [i for i, mark in enumerate(re.split("[eE]", number)[0]) if mark.isdigit()]
    at = digits[:12][-1]
    return number[:at] + ("8" if number[at] == "9" else chr(ord(number[at]) + 1)) + number[at + 1 :]


def parsed(number: str) -> float | None:
    for text in (number, number.replace(",", ""), number.rstrip(".,")):
        try:
            return float(text)
        except ValueError:
            continue
    return None


@by_log
def test_no_change_of_a_metric_goes_unseen(path: Path) -> None:
    """Its digits, its line, the number itself: whatever becomes of it, the reading is another."""
    text = path.read_bytes().decode("utf-8")
    whole = essence(read(text.encode(), "<stdout>"))

    def seen(start: int, end: int, instead: str) -> bool:
        changed = (text[:start] + instead + text[end:]).encode()
        return essence(read(changed, "<stdout>")) != whole

    left = values(path)
    for match in NUMBER.finditer(text):
        value = parsed(match.group())
        if value is None or value not in values(path):
            continue
        start, end = match.span()
        if not seen(start, end, other(match.group())):
            continue  # the same digits in a date or a bar, or in a state that was overwritten
        left.discard(value)
        first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        assert seen(start, end, "nan"), match
        assert seen(start, end, "None"), match
        assert seen(start, end, "failed"), match
        assert seen(first, last + 1 or len(text), ""), match
    assert not left, "no place in the log decides over these"
