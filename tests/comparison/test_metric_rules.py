"""Metrics set side by side: what counts as equal, and what does not."""

import math

import pytest
from side_by_side import compared, empty, metric, result, scalars

from repro.comparison import Status, Verdict
from repro.manifest import MetricType, Tolerance

NAN, INF = math.nan, math.inf
BIG = 2**70


def status_of(a, b, *tolerances):
    comparison = compared(scalars(m=a), scalars(m=b), *tolerances)
    return comparison.metrics[0].status


@pytest.mark.parametrize(
    "a, b",
    [
        (1, 1.0),
        (0.1, 0.1),
        (0.0, -0.0),
        (BIG, BIG),
        (BIG, float(BIG)),
        (NAN, NAN),
        (INF, INF),
        (-INF, -INF),
        ("ok", "ok"),
        (True, True),
        (10**400, 10**400),
    ],
)
def test_equal(a, b):
    assert status_of(a, b) is Status.EQUAL


@pytest.mark.parametrize(
    "a, b",
    [
        (0.1, math.nextafter(0.1, 1)),
        (BIG, BIG + 1),
        (BIG + 1, float(BIG)),
        (2**53 + 1, float(2**53)),
        (NAN, 0.5),
        (NAN, INF),
        (INF, -INF),
        (INF, 1e308),
        (10**400, INF),
        (10**400, 1.5),
        (10**400, 10**400 + 1),
        pytest.param(10**5000, -(10**5000), id="too large to print"),
        (5e-324, 0.0),
        ("ok", "OK"),
        ("é", "e\u0301"),
        (True, False),
    ],
)
def test_different(a, b):
    assert status_of(a, b) is Status.DIFFERENT
    assert status_of(b, a) is Status.DIFFERENT


@pytest.mark.parametrize(
    "a, b",
    [(1, True), (0, False), ("0.9", 0.9), (None, 0), (None, NAN), (None, ""), ("true", True)],
)
def test_another_type(a, b):
    assert status_of(a, b) is Status.TYPE
    assert status_of(b, a) is Status.TYPE
    assert compared(scalars(m=a, n=1), scalars(m=b, n=1)).verdict is Verdict.DIFFERENT


def test_the_type_is_that_of_the_value_whatever_the_document_says():
    claims = metric("m", True)
    claims = claims.__class__(claims.source, claims.name, MetricType.NUMBER, True)
    assert compared(result(claims), scalars(m=1)).metrics[0].status is Status.TYPE


@pytest.mark.parametrize(
    "other", [empty("m", MetricType.EMPTY_ARRAY), metric("m", None), metric("m", "{}")]
)
def test_an_empty_object_is_a_type_of_its_own(other):
    comparison = compared(result(empty("m")), result(other))
    assert comparison.metrics[0].status is Status.TYPE


def test_distances():
    (found,) = compared(scalars(m=0.5), scalars(m=0.4)).metrics
    assert found.absolute == abs(0.5 - 0.4)
    assert found.relative == abs(0.5 - 0.4) / 0.5
    (found,) = compared(scalars(m=0), scalars(m=0.0)).metrics
    assert (found.absolute, found.relative) == (0, 0.0)
    (found,) = compared(scalars(m=BIG), scalars(m=BIG + 1)).metrics
    assert found.absolute == 1 and isinstance(found.absolute, int)
    for a, b in ((NAN, 1), (1, NAN)):
        (found,) = compared(scalars(m=a), scalars(m=b)).metrics
        assert (found.absolute, found.relative, found.note) == (None, None, "NaN on one side")
    for a, b in ((1, 2), (1, 1), ("a", "b"), (INF, 1)):
        assert compared(scalars(m=a), scalars(m=b)).metrics[0].note == ""
    (found,) = compared(scalars(m=1e308), scalars(m=-1e308)).metrics
    assert found.absolute is None and found.relative == 2.0
    assert found.note == "farther apart than a float can say"


def test_nan_is_equal_and_pointed_out():
    comparison = compared(scalars(m=NAN, n=1), scalars(m=NAN, n=1))
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.metrics[0].note == "NaN on both sides"
    assert "NaN counts as equal to NaN: m" in comparison.notes


def test_missing_and_new_are_red():
    both, one = scalars(m=1, n=2), scalars(m=1)
    lost, added = compared(both, one), compared(one, both)
    assert lost.verdict is added.verdict is Verdict.DIFFERENT
    assert [item.status for item in lost.metrics] == [Status.EQUAL, Status.MISSING]
    assert [item.status for item in added.metrics] == [Status.EQUAL, Status.NEW]
    assert lost.reasons == ("1 metric is missing in the replay: n",)
    assert added.reasons == ("1 metric is missing in the record: n",)
    assert lost.next_step == "look at what writes n into metrics.json"


def test_the_same_name_in_another_file_is_another_metric():
    comparison = compared(result(metric("m", 1, "a.json")), result(metric("m", 1, "b.json")))
    assert {item.status for item in comparison.metrics} == {Status.MISSING, Status.NEW}


def test_a_metric_that_stands_twice_is_not_overwritten():
    twice = result(metric("m", 1), metric("m", 2))
    assert compared(twice, twice).verdict is Verdict.IDENTICAL
    assert compared(twice, twice).metrics_compared == 2
    first, second = compared(twice, twice).metrics
    assert first.note == "" and "this is number 2" in second.note
    assert compared(twice, result(metric("m", 1), metric("m", 3))).verdict is Verdict.DIFFERENT
    lost = compared(twice, result(metric("m", 2)))
    assert [item.status for item in lost.metrics] == [Status.DIFFERENT, Status.MISSING]
    assert compared(twice, result(metric("m", 1))).verdict is Verdict.DIFFERENT


# --- tolerance --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "a, b, absolute, relative, near",
    [
        (1.0, 1.25, 0.25, 0, True),
        (1.0, 1.25, 0.249, 0, False),
        (80.0, 100.0, 0, 0.2, True),
        (80.0, 100.0, 0, 0.199, False),
        (-80, 100, 0, 1.8, True),
        (0, 1e-9, 0, 0.5, False),
        (0, 1e-9, 1e-9, 0, True),
        (1.0, 1.25, 0.1, 0.3, True),
        (NAN, 1.0, INF, INF, False),
        (INF, 1e308, INF, INF, False),
        (INF, -INF, INF, INF, False),
        (1.0, 1.25, NAN, NAN, False),
        (1.0, 1.25, -1.0, -1.0, False),
        (BIG, BIG + 1, 1, 0, True),
        (BIG, BIG + 2, 1, 0, False),
        (10**400, 10**400 + 1, 0, 1e-9, True),
        (10**400, 1.5, 1e300, 0, False),
        (1.0, math.nextafter(1, 2), 0, 0, False),
        (1e308, math.nextafter(1e308, 0), 0, 1e-320, False),
    ],
)
def test_tolerance(a, b, absolute, relative, near):
    tolerance = Tolerance("m", absolute, relative)
    expected = Status.WITHIN if near else Status.DIFFERENT
    assert status_of(a, b, tolerance) is expected
    assert status_of(b, a, tolerance) is expected


def test_within_tolerance_is_equivalent():
    comparison = compared(scalars(m=1.0, n=1), scalars(m=1.1, n=1), Tolerance("m", absolute=0.2))
    assert comparison.verdict is Verdict.EQUIVALENT
    assert comparison.reasons[:2] == ("1 metric equal", "1 metric within tolerance: m")


@pytest.mark.parametrize(
    "pattern", ["loss", "lo*", "*", "metrics.json:loss", "*:loss", "*.json:l*"]
)
def test_a_pattern_fits_the_name_or_file_and_name(pattern):
    assert compared(scalars(loss=1), scalars(loss=2), Tolerance(pattern, 1)).verdict.passed


@pytest.mark.parametrize("pattern", ["LOSS", "los", "oss", "train.json:loss", "metrics.json", ""])
def test_a_pattern_does_not_fit_more_than_it_says(pattern):
    assert not compared(scalars(loss=1), scalars(loss=2), Tolerance(pattern, 1)).verdict.passed


def test_the_last_matching_tolerance_wins():
    wide, narrow = Tolerance("*", absolute=10), Tolerance("loss", absolute=0.1)
    assert not compared(scalars(loss=1), scalars(loss=2), wide, narrow).verdict.passed
    assert compared(scalars(loss=1), scalars(loss=2), narrow, wide).verdict.passed
    assert compared(scalars(loss=1), scalars(loss=2), narrow, wide).metrics[0].tolerance is wide


@pytest.mark.parametrize(
    "a, b", [(scalars(m=1, n=1), scalars(n=1)), (scalars(m=1, n=1), scalars(m="1", n=1))]
)
def test_tolerance_does_not_excuse_missing_or_another_type(a, b):
    assert not compared(a, b, Tolerance("m", INF, INF)).verdict.passed


def test_tolerance_does_not_bring_texts_or_booleans_near():
    everything = Tolerance("*", INF, INF)
    assert status_of("a", "b", everything) is Status.DIFFERENT
    assert status_of(True, False, everything) is Status.DIFFERENT


# --- ignored ----------------------------------------------------------------------------------

IGNORE_TIME = Tolerance("time", ignore=True)


def test_an_ignored_metric_is_listed_and_not_counted():
    comparison = compared(scalars(time=1, n=1), scalars(time=2, n=1), IGNORE_TIME)
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.metrics_compared == 1
    assert [item.status for item in comparison.metrics] == [Status.EQUAL, Status.IGNORED]
    assert comparison.metrics[1].note == "differs"
    same = compared(scalars(time=1), scalars(time=1), IGNORE_TIME)
    assert (same.metrics[0].status, same.metrics[0].note) == (Status.IGNORED, "")
    typed = compared(scalars(time=1), scalars(time="1"), IGNORE_TIME)
    assert typed.metrics[0].note == "has another type"
    assert "1 metric not compared, as the policy says: time" in comparison.notes


def test_an_ignored_metric_that_vanished_is_mentioned():
    comparison = compared(scalars(time=1, n=1), scalars(n=1), IGNORE_TIME)
    assert comparison.verdict is Verdict.IDENTICAL
    assert "metrics.json:time is ignored, and only in the record" in comparison.notes
    comparison = compared(scalars(n=1), scalars(time=1, n=1), IGNORE_TIME)
    assert "metrics.json:time is ignored, and only in the replay" in comparison.notes


def test_everything_ignored_is_nothing_compared():
    comparison = compared(scalars(m=1), scalars(m=1), Tolerance("*", ignore=True))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons == (
        "nothing was compared: all that was recorded is ignored, by the policy or by its nature (1 in number)",
    )
