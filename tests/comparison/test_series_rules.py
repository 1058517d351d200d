"""Series: step by step, the first that differs is named."""

import math
from dataclasses import replace

import pytest
from side_by_side import compared, metric, result, series

from repro.comparison import Status, Verdict
from repro.manifest import Tolerance


def difference(a, b, *tolerances):
    comparison = compared(result(a), result(b), *tolerances)
    return comparison.metrics[0]


def test_equal():
    found = difference(series("s", (1, 2, math.nan)), series("s", (1.0, 2, math.nan)))
    assert found.status is Status.EQUAL
    assert (found.steps_a, found.steps_b, found.steps_compared) == (3, 3, 3)
    assert found.note == "NaN on both sides at 1 step"


def test_the_first_step_that_differs():
    found = difference(
        series("s", (0.5, 0.25, 0.75, 1), (10, 20, 30, 40)),
        series("s", (0.5, 0.5, 0.75, 2), (10, 20, 30, 40)),
    )
    assert found.status is Status.DIFFERENT
    assert (found.first_step, found.a, found.b) == (20, 0.25, 0.5)
    assert (found.absolute, found.relative) == (0.25, 0.5)
    assert (found.differing_steps, found.largest_absolute) == (2, 1)


def test_a_tolerance_holds_for_every_step():
    a, b = series("s", (1.0, 2.0, 3.0)), series("s", (1.1, 2.0, 3.5))
    near = difference(a, b, Tolerance("s", absolute=1))
    assert (near.status, near.within_steps, near.first_step) == (Status.WITHIN, 2, 0)
    far = difference(a, b, Tolerance("s", absolute=0.2))
    assert (far.status, far.within_steps, far.differing_steps) == (Status.DIFFERENT, 1, 1)
    assert far.first_step == 2, "the step that makes it red, not the first that is not equal"


@pytest.mark.parametrize(
    "longer, steps, first",
    [
        ((1, 2, 3), (0, 1, 2), 2),
        ((1, 2, 9), (0, 1, 5), 5),
        ((9, 1, 2), (-1, 0, 1), -1),
        ((1, 9, 2), (0, 0.5, 1), 0.5),
    ],
)
def test_a_step_that_is_missing_is_named(longer, steps, first):
    short, long = series("s", (1, 2)), series("s", longer, steps)
    found = difference(long, short)
    assert (found.status, found.first_step, found.b) == (Status.DIFFERENT, first, None)
    assert found.note == "1 step only in the record"
    assert difference(short, long).note == "1 step only in the replay"
    assert difference(long, short, Tolerance("*", 1e9, 1e9)).status is Status.DIFFERENT


def test_the_same_steps_in_another_order_are_within_but_not_equal():
    a = series("s", (1, 2, 3), (0, 1, 2))
    b = series("s", (1, 3, 2), (0, 2, 1))
    comparison = compared(result(a), result(b))
    assert comparison.verdict is Verdict.EQUIVALENT
    assert comparison.metrics[0].status is Status.WITHIN
    assert comparison.metrics[0].differing_steps == 0
    assert comparison.notes == ("steps were written in another order: s",)


def test_values_that_changed_places_differ():
    found = difference(series("s", (1, 2, 2, 3)), series("s", (2, 1, 2, 3)))
    assert found.status is Status.DIFFERENT
    assert found.note.startswith("the same values in another order")
    for other in ((2, 1, 1, 3), (2, 1, 2, 3, 1), (2, 1.5, 2, 3), (True, 2, 2, 4)):
        assert "order" not in difference(series("s", (1, 2, 2, 3)), series("s", other)).note


def test_labels_that_repeat_are_compared_by_position():
    a = series("s", (1, 2, 3), (0, 0, 1))
    assert difference(a, a).status is Status.EQUAL
    found = difference(a, series("s", (1, 5, 3), (0, 0, 1)))
    assert (found.status, found.first_step, found.a, found.b) == (Status.DIFFERENT, 0, 2, 5)


def test_labels_that_repeat_on_one_side_hide_nothing():
    once = series("s", (5, 6), (0, 1))
    twice = series("s", (5, 9, 6), (0, 1, 1))
    for a, b in ((once, twice), (twice, once)):
        assert difference(a, b).status is Status.DIFFERENT


def test_by_position_one_side_may_be_longer():
    short, long = series("s", (1, 2), (0, 0)), series("s", (1, 2, 3), (0, 0, 0))
    lost, added = difference(long, short), difference(short, long)
    assert (lost.status, lost.a, lost.b, lost.first_step_only_in) == (
        Status.DIFFERENT,
        3,
        None,
        "a",
    )
    assert (added.a, added.b, added.first_step_only_in) == (None, 3, "b")


def test_the_first_step_is_the_first_of_the_file_where_one_has_all_of_the_other():
    labels = ("epoch 9", "epoch 10", "epoch 11")
    found = difference(series("s", (1, 2, 3), labels), series("s", (9, 9), labels[:2]))
    assert found.first_step == "epoch 9"


@pytest.mark.parametrize(
    "ours, theirs, first",
    [
        ((3, 1), (1, 2), 2),
        ((math.nan, 10, 1), (math.nan, 2, 1), 2),
        ((None, "b"), (None, "a"), "a"),
        ((None, math.nan, 7), (8, math.nan, None), 7),
        ((True, math.inf), (False, math.inf), False),
    ],
)
def test_steps_that_neither_side_has_all_of_go_by_size(ours, theirs, first):
    values = (1,) * len(ours)
    for a, b in ((ours, theirs), (theirs, ours)):
        found = difference(series("s", values, a), series("s", values, b))
        assert (found.status, found.first_step) == (Status.DIFFERENT, first)


def test_by_position_the_labels_count_too():
    found = difference(series("s", (1, 2), (0, 0)), series("s", (1, 2), (0, 1)))
    assert found.status is Status.DIFFERENT
    assert found.note == "1 step only in the record; 1 step only in the replay"


def test_labels_of_another_type_are_other_steps():
    for one, other in ((1, "1"), (1, True), (None, 0)):
        found = difference(series("s", (5,), (one,)), series("s", (5,), (other,)))
        assert found.status is Status.DIFFERENT
    assert difference(series("s", (5,), (1,)), series("s", (5,), (1.0,))).status is Status.EQUAL
    nan = series("s", (5,), (math.nan,))
    assert difference(nan, series("s", (5,), (float("nan"),))).status is Status.EQUAL


def test_a_step_of_another_type():
    found = difference(series("s", (1, None)), series("s", (1, 0)))
    assert (found.status, found.first_step) == (Status.DIFFERENT, 1)
    assert found.note == "a step has another type of value"


@pytest.mark.parametrize("one, other", [(1, True), (0, False), ("1", 1), (None, 0)])
def test_values_of_another_type_are_never_equal(one, other):
    for a, b in ((one, other), (other, one)):
        found = difference(series("s", (5, a)), series("s", (5, b)), Tolerance("*", 9, 9))
        assert (found.status, found.differing_steps) == (Status.DIFFERENT, 1)


def test_a_series_that_is_gone_tells_how_long_it_was():
    lost = compared(result(series("s", (1, 2))), result()).metrics[0]
    assert (lost.status, lost.steps_a, lost.steps_b) == (Status.MISSING, 2, None)
    new = compared(result(), result(series("s", (1, 2)))).metrics[0]
    assert (new.status, new.steps_a, new.steps_b) == (Status.NEW, None, 2)
    assert compared(result(metric("m", 1)), result()).metrics[0].steps_a is None


def test_a_series_is_not_a_number():
    assert difference(series("s", (1,)), metric("s", 1)).status is Status.TYPE


def test_an_empty_series_says_nothing():
    for nothing in (series("s", ()), series("s", (None, None))):
        comparison = compared(result(nothing), result(nothing))
        assert comparison.verdict is Verdict.DIFFERENT
        assert comparison.reasons[0].startswith("nothing was compared")
    found = difference(series("s", ()), series("s", (1,)))
    assert found.status is Status.DIFFERENT


def test_steps_without_values_are_equal_to_the_very_same_only():
    odd = replace(series("s", (1, 2)), steps=(0,))
    assert difference(odd, odd).status is Status.EQUAL
    assert difference(odd, series("s", (1, 2))).status is Status.DIFFERENT
    assert difference(odd, replace(odd, values=(1, 3))).status is Status.DIFFERENT
    for cut in (replace(odd, values=(1,)), replace(odd, steps=(0, 1))):
        assert difference(odd, cut).status is Status.DIFFERENT, "well-formed on one side only"
        assert difference(cut, odd).status is Status.DIFFERENT
    assert difference(odd, odd).note == "malformed: not as many values as steps"


def test_a_long_series_is_quick():
    a = series("s", tuple(i / 7 for i in range(200_000)))
    b = series("s", tuple(i / 7 + 1e-12 for i in range(200_000)))
    found = difference(a, b, Tolerance("s", relative=1e-6))
    assert found.status is Status.DIFFERENT  # 0 against 1e-12
    assert found.first_step == 0
