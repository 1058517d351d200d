"""A training in two parts beside the same at once: what has to be there, and what only the first part says."""

from __future__ import annotations

from typing import Any

from side_by_side import metric, result

from repro.comparison import Comparison, Verdict
from repro.comparison.parts import compare_parts
from repro.manifest import Metric, MetricType, Policy


def series(values: tuple[Any, ...], first: int = 0, name: str = "loss") -> Metric:
    steps = tuple(range(first, first + len(values)))
    return Metric("history.csv", name, MetricType.SERIES, steps=steps, values=values)


def compare(whole: Metric, parts: Metric) -> Comparison:
    return compare_parts(result(whole), result(parts), Policy(), ("at once", "in two parts"))


WHOLE = series((4.0, 3.0, 2.0, 1.0))


def test_the_same_history_is_identical() -> None:
    assert compare(WHOLE, WHOLE).verdict is Verdict.IDENTICAL


def test_a_file_that_the_second_part_began_anew_is_compared_from_there() -> None:
    assert compare(WHOLE, series((2.0, 1.0), 2)).verdict is Verdict.IDENTICAL
    assert compare(WHOLE, series((3.0, 2.0, 1.0), 1)).verdict is Verdict.IDENTICAL
    assert compare(WHOLE, series((2.0, 1.5), 2)).verdict is Verdict.DIFFERENT


def test_a_step_of_the_second_half_that_is_missing_is_red() -> None:
    assert compare(WHOLE, series((1.0,), 3)).verdict is Verdict.DIFFERENT
    assert compare(WHOLE, series((2.0,), 2)).verdict is Verdict.DIFFERENT
    assert compare(WHOLE, series(())).verdict is Verdict.DIFFERENT
    assert compare(WHOLE, series((2.0, 1.0), 0)).verdict is Verdict.DIFFERENT
    assert compare(WHOLE, metric("loss", 1.0, "history.csv")).verdict is Verdict.DIFFERENT


def test_steps_beyond_the_whole_and_repeated_ones_are_red() -> None:
    assert compare(WHOLE, series((2.0, 1.0, 0.5), 2)).verdict is Verdict.DIFFERENT
    values = (4.0, 3.0, 2.0, 2.0, 1.0)
    repeated = Metric(
        "history.csv", "loss", MetricType.SERIES, steps=(0, 1, 2, 2, 3), values=values
    )
    assert compare(WHOLE, repeated).verdict is Verdict.DIFFERENT


def test_what_each_part_says_at_its_end_counts_as_the_second_says_it() -> None:
    final = metric("final", 0.5, "history.csv")
    assert compare(final, series((0.7, 0.5), name="final")).verdict is Verdict.IDENTICAL
    assert compare(final, series((0.5, 0.7), name="final")).verdict is Verdict.DIFFERENT
    assert compare(final, series((0.7, "0.5"), name="final")).verdict is Verdict.DIFFERENT
    assert compare(final, series((), name="final")).verdict is Verdict.DIFFERENT
