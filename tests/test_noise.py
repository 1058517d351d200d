"""How far metrics scatter: what is constant, what a tolerance holds, what none can hold."""

from __future__ import annotations

import math
from typing import Any

import pytest

from repro.comparison import Verdict, compare_results
from repro.manifest import (
    Descriptor,
    Host,
    Metric,
    MetricType,
    Outcome,
    Policy,
    Result,
    Tolerance,
)
from repro.noise import Kind, MetricNoise, Noise, measured, rounded_up, ulps


def yielding(**metrics: Any) -> Result:
    found = [
        Metric("m.json", name, MetricType.SERIES, steps=tuple(range(len(value))), values=value)
        if isinstance(value, tuple)
        else Metric("m.json", name, _type(value), value)
        for name, value in metrics.items()
    ]
    return Result(
        observed=True,
        outcome=Outcome.FINISHED,
        exit_code=0,
        started=None,
        ended=None,
        duration=1.0,
        peak_memory=None,
        host=Host(),
        metrics=tuple(found),
    )


def _type(value: object) -> MetricType:
    return MetricType.TEXT if isinstance(value, str) else MetricType.NUMBER


def look(*results: Result, policy: Policy | None = None) -> Noise:
    return measured(results[0], results[1:], policy or Policy())


def one(*values: Any) -> MetricNoise:
    (found,) = look(*(yielding(m=value) for value in values)).metrics
    return found


def test_the_same_bit_for_bit_is_constant_and_gets_no_tolerance() -> None:
    for value in (0.5, (0.5, 0.25), "text", float("nan"), math.inf):
        found = one(value, value, value)
        assert (found.kind, found.proposal) == (Kind.CONSTANT, None), value


def test_what_scatters_is_measured_with_the_record() -> None:
    found = one(0.5, 0.4, 0.6)
    assert (found.kind, found.minimum, found.maximum) == (Kind.NOISY, 0.4, 0.6)
    assert found.deviation == pytest.approx(0.1414, abs=1e-3)
    assert found.largest_absolute == pytest.approx(0.2)
    assert found.proposal == Tolerance("m", absolute=0.2)
    assert one(1.0, math.nextafter(1.0, 2), 1.0).largest_ulp == 1


def test_a_series_scatters_at_its_worst_step() -> None:
    found = one((1.0, 0.5), (1.0, 0.6), (1.0, 0.5))
    assert (found.step, found.values, found.minimum) == (1, 2, 0.5)
    wide = one((1000.0, 0.5), (1001.0, 0.5), (1000.0, 0.5))
    assert wide.proposal == Tolerance("m", relative=rounded_up(1 / 1001))


@pytest.mark.parametrize(
    "values",
    [
        (0.5, 0.4, 0.6),
        (0.1, 0.3, 0.1 + 1e-17, 0.30000000000000004),
        (1e-300, 2e-300, 1.5e-300),
        (-0.0, 0.0, 5e-324),
        (1, 2, 3.5),
        ((1e5, 1e-5), (1.1e5, 1.2e-5), (1e5, 1e-5)),
        ((0.0, 1.0), (1e-9, 1.0), (0.0, 1.0 + 1e-15)),
    ],
)
def test_the_tolerance_holds_every_pair(values: tuple[Any, ...]) -> None:
    results = [yielding(m=value) for value in values]
    found = look(*results).metrics[0]
    assert found.proposal, found
    policy = Policy(tolerances=(found.proposal,))
    for a in results:
        for b in results:
            verdict = compare_results(a, b, policy).verdict
            assert verdict in (Verdict.IDENTICAL, Verdict.EQUIVALENT), (values, found)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((0.5, "0.5"), "another type"),
        ((0.5, float("nan")), "not a number"),
        ((0.5, math.inf), "not a number"),
        (("a", "b"), "not always the same"),
        (((1.0, 2.0), (1.0,)), "other steps"),
        (((1.0, None), (1.0, 2.0)), "not a number"),
    ],
)
def test_what_no_tolerance_holds_is_said(values: tuple[Any, ...], why: str) -> None:
    found = one(*values, values[0])
    assert (found.kind, found.proposal) == (Kind.UNUSABLE, None)
    assert why in found.why


def test_a_metric_that_is_missing_anywhere_is_unusable() -> None:
    for results in (
        (yielding(m=1.0), yielding(), yielding(m=1.0)),
        (yielding(), yielding(m=1.0), yielding(m=1.0)),
    ):
        (found,) = look(*results).metrics
        assert (found.kind, found.why) == (Kind.UNUSABLE, "missing in 1 of 3")


@pytest.mark.parametrize(
    "values", [(0.9, 0.0, 0.9), (-0.5, 0.5, 0.1), ((0.5, 0.0), (0.5, 0.4), (0.5, 0.3))]
)
def test_what_scatters_over_all_of_its_size_gets_no_tolerance(values: tuple[Any, ...]) -> None:
    found = look(*(yielding(m=value) for value in values)).metrics[0]
    assert (found.kind, found.proposal) == (Kind.UNUSABLE, None)
    assert "would hold anything" in found.why


def test_what_is_of_the_run_gets_no_tolerance_that_would_have_it_compared() -> None:
    found = look(*(yielding(fit_seconds=value, loss=0.5) for value in (1.0, 2.0, 3.0)))
    kinds = {item.name: item.kind for item in found.metrics}
    assert kinds == {"fit_seconds": Kind.IGNORED, "loss": Kind.CONSTANT}


def test_an_ignored_metric_stays_so_and_names_are_no_globs() -> None:
    ignored = Policy(tolerances=(Tolerance("m", ignore=True),))
    results = [yielding(m=value) for value in (1.0, 2.0, 3.0)]
    assert look(*results, policy=ignored).metrics[0].kind is Kind.IGNORED
    odd = [yielding(**{"a[0]*?": value}) for value in (1.0, 2.0, 3.0)]
    proposal = look(*odd).metrics[0].proposal
    assert proposal and proposal.pattern == "a[[]0][*][?]"
    assert compare_results(odd[0], odd[1], Policy(tolerances=(proposal,))).verdict.passed


def test_outputs_that_differ_are_named() -> None:
    import dataclasses

    def with_output(digit: str) -> Result:
        item = Descriptor("model.bin", "sha256:" + digit * 64, 1)
        return dataclasses.replace(yielding(m=1.0), outputs=(item,))

    assert look(with_output("1"), with_output("1")).outputs_differing == ()
    assert look(with_output("1"), with_output("2")).outputs_differing == ("model.bin",)
    assert look(with_output("1"), yielding(m=1.0)).outputs_differing == ("model.bin",)


def test_the_confidence_grows_with_the_replays() -> None:
    assert Noise(2, ()).coverage == pytest.approx(0.2236, abs=1e-3)
    assert Noise(59, ()).coverage > 0.95


def test_units_in_the_last_place() -> None:
    assert ulps(0.0, -0.0) == 0
    assert ulps(0.0, 5e-324) == ulps(-5e-324, 0.0) == 1
    assert ulps(-1.0, 1.0) == 2 * ulps(0.0, 1.0)


@pytest.mark.parametrize("value", [0.12345, 1e-17, 99.99, 5e-324, 1e300, 0.1 + 0.2])
def test_rounding_never_goes_below(value: float) -> None:
    assert value <= rounded_up(value) <= value * 1.2 + 1e-323
