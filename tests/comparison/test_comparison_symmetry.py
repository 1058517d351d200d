"""Properties of every comparison: symmetric, reflexive, and never blind to a change."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from side_by_side import compared, output, result

from repro.comparison import Status, Verdict, numbers
from repro.manifest import Metric, MetricSource, MetricType, Outcome, SourceState, Tolerance

MIRRORED = {Status.MISSING: Status.NEW, Status.NEW: Status.MISSING}
EMPTY = (MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY)

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.sampled_from([2**70, 10**400, math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324]),
    st.floats(),
    st.floats(-2, 2, width=16),
    st.sampled_from(["", "a", "1"]),
)
names = st.sampled_from(["loss", "acc", "f1"])
files = st.sampled_from(["m.json", "n.json"])
labels = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 1.0, "1", True, None, math.nan]))


@st.composite
def metrics(draw):
    source, name = draw(files), draw(names)
    match draw(st.sampled_from(["scalar", "scalar", "series", "empty"])):
        case "scalar":
            value = draw(values)
            return Metric(source, name, numbers.kind(value), value)
        case "empty":
            return Metric(source, name, draw(st.sampled_from(EMPTY)))
    found = tuple(draw(st.lists(values, max_size=4)))
    if draw(st.booleans()):
        steps = tuple(range(len(found)))
    else:
        size = len(found) + draw(st.sampled_from([0, 0, 0, 1]))
        steps = tuple(draw(st.lists(labels, min_size=size, max_size=size)))
    return Metric(source, name, MetricType.SERIES, steps=steps, values=found)


paths = st.sampled_from(["a", "b", "models/x", "models/y"])
outputs = st.builds(output, paths, st.sampled_from("01"), st.sampled_from([1, 2]))
sources = st.builds(MetricSource, files, st.sampled_from(SourceState), st.booleans())


@st.composite
def results(draw):
    found = tuple(draw(st.lists(metrics(), max_size=4)))
    return replace(
        result(*found),
        observed=draw(st.sampled_from([True, True, False])),
        outcome=draw(st.sampled_from([Outcome.FINISHED] * 6 + [Outcome.FAILED])),
        exit_code=draw(st.sampled_from([0, 0, 0, 0, None, 1])),
        metric_sources=tuple(draw(st.lists(sources, max_size=2)))
        or tuple(MetricSource(path, SourceState.READ) for path in {item.source for item in found}),
        outputs=tuple(draw(st.lists(outputs, max_size=3))),
        missing_outputs=tuple(draw(st.lists(paths, max_size=1))),
    )


tolerances = st.lists(
    st.builds(
        Tolerance,
        st.sampled_from(["*", "loss", "m.json:*", "a*"]),
        st.sampled_from([0.0, 0.5, math.inf, math.nan, -1.0]),
        st.sampled_from([0.0, 0.1, 2.0]),
        st.sampled_from([False, False, True]),
    ),
    max_size=2,
)
patterns = st.lists(st.sampled_from(["a", "models", "**/y", "m.json"]), max_size=1).map(tuple)


def mirrored(status: Status) -> Status:
    return MIRRORED.get(status, status)


@settings(max_examples=400)
@given(results(), results(), tolerances, patterns, patterns)
def test_symmetric(a, b, limits, declared, ignored):
    options = {"outputs": declared, "ignored_outputs": ignored}
    forth, back = compared(a, b, *limits, **options), compared(b, a, *limits, **options)
    assert forth.verdict is back.verdict
    assert forth.metrics_compared == back.metrics_compared
    assert forth.outputs_compared == back.outputs_compared
    assert len(forth.reasons) == len(back.reasons)
    assert len(forth.notes) == len(back.notes)
    assert len(forth.metrics) == len(back.metrics)
    for one, other in zip(forth.metrics, back.metrics):
        assert (one.source, one.name, one.status) == (
            other.source,
            other.name,
            mirrored(other.status),
        )
        assert repr((one.a, one.b)) == repr((other.b, other.a))
        assert (one.type_a, one.type_b) == (other.type_b, other.type_a)
        assert (one.steps_a, one.steps_b) == (other.steps_b, other.steps_a)
        for field in (
            "absolute",
            "relative",
            "largest_absolute",
            "largest_relative",
            "steps_compared",
            "differing_steps",
            "within_steps",
        ):
            assert getattr(one, field) == getattr(other, field), field
        assert numbers.equal(one.first_step, other.first_step)
    assert [(item.path, item.status) for item in forth.outputs] == [
        (item.path, mirrored(item.status)) for item in back.outputs
    ]
    assert [(item.path, item.status, item.state_a) for item in forth.sources] == [
        (item.path, mirrored(item.status), item.state_b) for item in back.sources
    ]


@settings(max_examples=300)
@given(results(), tolerances)
def test_reflexive(run, limits):
    comparison = compared(run, run, *limits)
    assert all(item.status in (Status.EQUAL, Status.IGNORED) for item in comparison.metrics)
    assert comparison.verdict is not Verdict.EQUIVALENT
    if comparison.verdict is Verdict.FAILED:
        assert run.exit_code not in (0, None) or run.outcome is not Outcome.FINISHED
    if comparison.verdict is Verdict.DIFFERENT:
        assert (
            comparison.reasons[0].startswith("nothing was compared")
            or run.missing_outputs
            or any(item.status is Status.ABSENT for item in comparison.sources)
        )


@settings(max_examples=300)
@given(results(), st.data())
def test_changing_one_value_is_always_seen(run, data):
    assume(run.exit_code in (0, None) and run.outcome is Outcome.FINISHED)
    places = [
        (index, step)
        for index, item in enumerate(run.metrics)
        if item.type not in EMPTY
        for step in (range(len(item.values)) if item.type is MetricType.SERIES else [None])
    ]
    assume(places)
    index, step = data.draw(st.sampled_from(places))
    old = run.metrics[index]
    value = data.draw(values)
    if step is None:
        assume(not numbers.equal(old.value, value))
        new = replace(old, type=numbers.kind(value), value=value)
    else:
        assume(not numbers.equal(old.values[step], value))
        new = replace(old, values=(*old.values[:step], value, *old.values[step + 1 :]))
    changed = replace(run, metrics=(*run.metrics[:index], new, *run.metrics[index + 1 :]))
    # the sources of this run may be undeclared, but both sides list them: nothing is unknown
    for a, b in ((run, changed), (changed, run)):
        assert compared(a, b).verdict is Verdict.DIFFERENT


@settings(max_examples=200)
@given(results(), st.data())
def test_dropping_anything_is_always_seen(run, data):
    assume(run.exit_code in (0, None) and run.outcome is Outcome.FINISHED)
    run = replace(run, observed=True)
    field = data.draw(st.sampled_from(["metrics", "outputs"]))
    items = getattr(run, field)
    assume(items)
    index = data.draw(st.integers(0, len(items) - 1))
    less = replace(run, **{field: items[:index] + items[index + 1 :]})
    for a, b in ((run, less), (less, run)):
        assert compared(a, b).verdict is Verdict.DIFFERENT


@settings(max_examples=300)
@given(results(), results(), tolerances)
def test_a_pass_rests_on_something(a, b, limits):
    comparison = compared(a, b, *limits)
    if comparison.verdict.passed:
        assert comparison.metrics_compared + comparison.outputs_compared > 0
        assert not any(item.status.red for item in (*comparison.metrics, *comparison.sources))
        assert comparison.reasons
    else:
        assert comparison.reasons and comparison.next_step
    if comparison.verdict is Verdict.IDENTICAL:
        assert not any(item.status is Status.DIFFERENT for item in comparison.outputs)


@given(values, values, tolerances)
def test_equal_is_an_equivalence_and_within_is_symmetric(a, b, limits):
    assert numbers.equal(a, a)
    assert numbers.equal(a, b) is numbers.equal(b, a)
    assert numbers.distance(a, b) == numbers.distance(b, a)
    assert numbers.relative(a, b) == numbers.relative(b, a)
    for limit in limits:
        assert numbers.within(a, b, limit) is numbers.within(b, a, limit)
