"""A parsed document as named values. What the formats make of it is in test_readers.py."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest

from repro.capturing.flattening import BITS, DEEPEST, escaped, flatten, type_of
from repro.manifest import Metric, MetricType


def named(document: Any) -> dict[str, Metric]:
    return {item.name: item for item in flatten(document, "m")}


def test_leaves_have_the_names_of_all_above_them() -> None:
    found = named(
        {"a": {"b.c": 1, "": True, None: "x"}, "d": [{"e": None}, datetime.date(2024, 1, 2)]}
    )
    assert {name: item.value for name, item in found.items()} == {
        "a.b\\.c": 1, "a.\\e": True, "a.null": "x", "d.0.e": None, "d.1": "2024-01-02",
    }  # fmt: skip


def test_rows_with_a_step_are_series_by_it() -> None:
    found = named([{"epoch": 1, "loss": 0.5}, {"epoch": 3, "loss": math.inf}])
    assert found["loss"].steps == (1, 3) and found["loss"].values == (0.5, math.inf)
    assert named([{"epoch": 1}, {"epoch": 2}]).keys() == {"0.epoch", "1.epoch"}


def test_what_is_empty_has_a_type_of_its_own() -> None:
    found = named({"a": {}, "b": []})
    assert (found["a"].type, found["b"].type) == (MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY)


def test_a_bool_is_no_number() -> None:
    assert [type_of(item) for item in (True, 1, 1.5, "1", None)] == [
        MetricType.BOOLEAN, MetricType.NUMBER, MetricType.NUMBER, MetricType.TEXT, MetricType.NULL,
    ]  # fmt: skip
    assert named([True, False]).keys() == {"0", "1"}


def test_limits() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 2):
        deep = {"a": deep}
    for document, said in (
        (deep, "nested too deeply"), ([1 << (BITS + 1)], "too many digits"), ({1 << (BITS + 1): 1}, "too many"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            flatten(document, "m")
    with pytest.raises(ValueError, match="too many values"):
        flatten({"a": [1, 2], "b": 3}, "m", most=3)


def test_no_two_keys_have_one_name() -> None:
    keys = ["a.b", "a\\.b", "", "\\e", "e"]
    assert len({escaped(key) for key in keys}) == len(keys)
