"""Runs selected and ordered by what they measured and how they were set."""

from __future__ import annotations

import math
from typing import Any

import pytest

from repro import listing
from repro.errors import UsageError
from repro.index import Row


def row(identity: str, **values: Any) -> Row:
    plain: dict[str, Any] = {
        "created": "2026-01-15T12:00:00.000Z",
        "outcome": "finished",
        "command": "python train.py",
        "commit": "a" * 40,
        "dirty": False,
        "duration": 1.0,
    }
    return Row(identity, **{**plain, **values})


def of(metric: Any, identity: str = "x") -> Row:
    return row(identity, metrics={"m": metric})


def selected(rows: list[Row], *conditions: str, sort: str | None = None) -> list[str]:
    return [item.id for item in listing.select(rows, conditions, sort)]


# --- conditions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "condition", "holds"),
    [
        (0.9, "m>0.8", True),
        (0.9, "m > 0.8 ", True),
        (0.9, "m>=0.9", True),
        (0.9, "m>0.9", False),
        (0.9, "m<1e0", True),
        (0.9, "m=0.9", True),
        (0.9, "m==0.90", True),
        (0.9, "m!=0.9", False),
        (1, "m=1.0", True),
        (2**70, f"m={2**70}", True),
        (2**70, f"m={2**70 + 1}", False),
        (-1.5, "m<=-1.5", True),
        (math.inf, "m=inf", True),
        (math.nan, "m=nan", True),
        (math.nan, "m!=nan", False),
        (math.nan, "m>0", False),
        (0.9, "m!=nan", True),
        # another type is never the same
        (True, "m=true", True),
        (True, "m=True", True),
        (True, "m=1", False),
        (True, "m>0", False),
        (1, "m=true", False),
        ("fast", "m=fast", True),
        ("fast", "m!=slow", True),
        ("Fast", "m=fast", False),
        ("0.9", "m=0.9", True),
        ("0.9", "m>0.8", False),
        ("a=b>c", "m=a=b>c", True),
        (0.9, "m=fast", False),
        (0.9, "m!=fast", True),
        (0.9, "m>fast", False),
        # what is not there is not equal to anything
        (None, "m=0", False),
        (None, "m!=0", True),
        (None, "m<0", False),
    ],
)
def test_a_condition(value: Any, condition: str, holds: bool) -> None:
    assert selected([of(value)], condition) == (["x"] if holds else [])


@pytest.mark.parametrize("text", ["", "m", "m>", ">1", "=", " = 1", "m ~ 1"])
def test_a_condition_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the condition") as error:
        selected([of(1)], text)
    assert "--where" in error.value.hint


def test_all_conditions_must_hold() -> None:
    rows = [row(str(n), metrics={"a": n}, params={"b": -n}) for n in range(5)]
    assert selected(rows, "a>1", "b>-4") == ["2", "3"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("verdict=identical", ["a"]),
        ("verdict=none", ["b"]),
        ("verdict!=identical", ["b"]),
        ("outcome=failed", ["b"]),
        ("duration>=2", ["b"]),
        ("name=best", ["a"]),
        ("command=make fit", ["b"]),
        ("created>2026-02", ["b"]),
        ("created<2026-02-01", ["a"]),
        (f"commit={'a' * 40}", ["a"]),
    ],
)
def test_a_runs_own_fields(condition: str, expected: list[str]) -> None:
    rows = [
        row("a", verdict="identical", names=("best",)),
        row("b", outcome="failed", duration=2.5, command="make fit", commit=None,
            created="2026-02-01T00:00:00.000Z"),
    ]  # fmt: skip
    assert selected(rows, condition) == expected


def test_a_metric_counts_before_a_parameter_of_the_same_name() -> None:
    rows = [row("x", metrics={"size": 1}, params={"size": 2}), row("y", params={"size": 1})]
    assert selected(rows, "size=1") == ["x", "y"]


def test_a_metric_is_found_without_its_file_where_only_one_has_it() -> None:
    rows = [
        row("one", metrics={"loss": 1}),
        row("two", metrics={"metrics.json:loss": 1, "history.csv:acc": 2}),
        row("twice", metrics={"a.json:loss": 1, "b.json:loss": 1}),
    ]
    assert selected(rows, "loss=1") == ["one", "two"]
    assert selected(rows, "a.json:loss=1") == ["twice"]
    assert selected(rows, "acc=2", sort="loss") == ["two"]


# --- names ----------------------------------------------------------------------------------


def test_a_name_that_no_run_has_is_met_with_the_nearest() -> None:
    rows = [row("x", metrics={"accuracy": 1}, params={"rate": 1})]
    for arguments in (
        {"conditions": ["acuracy>0"], "sort": None},
        {"conditions": (), "sort": "-acuracy"},
    ):
        with pytest.raises(UsageError, match="'acuracy'") as error:
            listing.select(rows, **arguments)  # type: ignore[arg-type]
        assert error.value.hint == "did you mean accuracy?"
    with pytest.raises(UsageError) as error:
        selected(rows, "zzz=1")
    assert error.value.hint == "there are: accuracy, rate"


def test_a_name_that_only_other_runs_have_is_no_mistake() -> None:
    rows = [row("x", verdict="identical", metrics={"a": 1}), row("y", metrics={"b": 1})]
    assert selected(rows, "verdict=identical", "b=1") == []
    assert selected(rows, "verdict=different", sort="b") == []


def test_a_mistake_is_found_also_when_nothing_is_left_to_select_from() -> None:
    rows = [row("x", metrics={"accuracy": 1})]
    with pytest.raises(UsageError, match="'acuracy'"):
        selected(rows, "accuracy>5", "acuracy>0")


def test_without_any_run_nothing_is_a_mistake() -> None:
    assert selected([], "anything>1", sort="whatever") == []


# --- order ----------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "none": None, "nan": math.nan, "two": 2, "half": 0.5, "inf": math.inf, "minus": -3,
}  # fmt: skip


def test_runs_are_ordered_by_value_and_those_without_come_last() -> None:
    rows = [of(value, name) for name, value in VALUES.items()]
    assert selected(rows, sort="m")[:4] == ["minus", "half", "two", "inf"]
    assert selected(rows, sort="-m")[:4] == ["inf", "two", "half", "minus"]
    assert set(selected(rows, sort="m")[4:]) == set(selected(rows, sort="-m")[4:])


def test_the_same_values_stay_newest_first() -> None:
    rows = [of(value, name) for name, value in (("new", 1), ("best", 2), ("old", 1))]
    assert selected(rows, sort="m") == ["new", "old", "best"]
    assert selected(rows, sort="-m") == ["best", "new", "old"]


def test_mixed_types_have_an_order() -> None:
    rows = [of(value, str(at)) for at, value in enumerate(["b", 2, True, "a", 1.5, None])]
    assert selected(rows, sort="m") == ["4", "1", "2", "3", "0", "5"]


def test_own_fields_order_too() -> None:
    rows = [row("a", duration=3.0), row("b", duration=None), row("c", duration=1.0)]
    assert selected(rows, sort="duration") == ["c", "a", "b"]
    assert selected(rows, sort="-duration") == ["a", "c", "b"]


# --- columns --------------------------------------------------------------------------------


def test_what_is_spoken_of_gets_a_column_once() -> None:
    found = listing.columns(["accuracy>0.9", "verdict=none", "rate=1", "accuracy<1"], "-loss")
    assert found == ("accuracy", "rate", "loss")
    assert listing.columns((), None) == ()
