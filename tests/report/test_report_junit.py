"""JUnit XML: valid whatever the names hold, and never green where the verification is not."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import renderings as r
import verifications as v

from repro.report import cases, junit
from repro.verifying import Verification

# What readers agree on: per element its attributes (those with ! must be there) and its children in order.
GRAMMAR = {
    "testsuites": ("name tests! failures! errors! time", "testsuite*"),
    "testsuite": (
        "id name! tests! failures! errors! time!",
        "properties? testcase+ system-out? system-err?",
    ),
    "properties": ("", "property+"),
    "property": ("name! value!", ""),
    "testcase": ("classname! name! time!", "(failure|error)? system-out?"),
    "failure": ("type! message!", ""),
    "error": ("type! message!", ""),
    "system-out": ("", ""),
}
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parsed(found: Verification) -> Element:
    text = junit.render(found).decode("utf-8")
    assert not FORBIDDEN.search(text)
    root = ElementTree.fromstring(text)
    for element in root.iter():
        _conforms(element)
    return root


def _conforms(element: Element) -> None:
    attributes, children = GRAMMAR[element.tag]
    known = {word.rstrip("!") for word in attributes.split()}
    assert set(element.keys()) <= known, element.tag
    assert {word[:-1] for word in attributes.split() if word.endswith("!")} <= set(element.keys())
    pattern = "".join(
        re.sub(r"[\w-]+", lambda match: f"(?:{match.group()} )", part) for part in children.split()
    )
    order = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(pattern, order), (element.tag, order)


EVERY = [
    v.ALL, v.GREEN, v.evil(), v.verification(), v.verification(v.UNSTABLE), v.verification(v.PARTLY),
    v.verification(v.NOT_REACHED), v.verification(v.BROKEN), v.verification(v.LOST),
    v.verification(v.NOTHING), v.verification(unaffected=True), v.verification(v.IDENTICAL,
    self_tests=v.CAUGHT), v.verification(v.IDENTICAL, self_tests=(*v.CAUGHT, *v.MISSED)),
    v.verification(v.IDENTICAL, interrupted=True, stopped="interrupted"),
]  # fmt: skip


@pytest.mark.parametrize("found", EVERY)
def test_it_is_valid_counts_right_and_is_green_only_where_the_verification_is(
    found: Verification,
) -> None:
    root = parsed(found)
    for counted in (root, *root.iter("testsuite")):
        assert int(counted.get("tests", "")) == len(list(counted.iter("testcase"))) > 0
        assert int(counted.get("failures", "")) == len(list(counted.iter("failure")))
        assert int(counted.get("errors", "")) == len(list(counted.iter("error")))
    red = len(list(root.iter("failure"))) + len(list(root.iter("error")))
    assert (red == 0) == (found.exit_code == 0)
    assert not list(root.iter("skipped"))


@pytest.mark.parametrize(
    "item",
    [v.IDENTICAL, v.DIFFERENT, v.UNSTABLE, v.BROKEN, v.NOT_REACHED, v.PARTLY, v.LOST, v.NOTHING],
)
def test_the_verdict_of_a_run_is_a_case_and_no_case_is_red_where_it_passed(
    item: v.Verified,
) -> None:
    verdict, *others = cases.of(item)
    assert bool(verdict.problem) is not item.passed
    if item.passed:
        assert not any(case.problem for case in others)


def test_a_failure_tells_both_values_their_distances_and_the_first_step() -> None:
    root = parsed(v.verification(v.DIFFERENT))
    texts = {
        case.get("name"): case.findtext("failure")
        for case in root.iter("testcase")
        if case.find("failure") is not None
    }
    accuracy = texts["metrics.json:accuracy"]
    assert accuracy
    for part in ("recorded 0.9736842105263158", "replayed 0.9649122807017544",
                 "absolute 0.00877192982456143", "relative 0.009009009009009037"):  # fmt: skip
        assert part in accuracy
    assert "first at step 1" in (texts["metrics.json:history.loss"] or "")


def test_a_pair_that_differs_is_red_though_each_replay_is_within_tolerance() -> None:
    a, b = (replace(r.RECORDED, metrics=(r.metric("loss", x),), outputs=()) for x in (0.59, 0.41))
    recorded = replace(a, metrics=(r.metric("loss", 0.5),))
    from repro.comparison import compare_results
    from repro.manifest import Policy, Tolerance
    from repro.verifying import Played
    from repro.verifying.judging import judged

    policy = Policy(tolerances=(Tolerance("loss", absolute=0.1),))
    played = [Played(n, compare_results(recorded, x, policy)) for n, x in ((1, a), (2, b))]
    item = judged(v.chosen("near", "9"), 2, played, {1: a, 2: b}, policy)
    root = parsed(v.verification(item))
    (failure,) = [
        case.find("failure") for case in root.iter("testcase") if case.get("name") != "verdict"
    ]
    assert failure is not None and "replays 1 and 2" in (failure.text or "")


@pytest.mark.parametrize(
    ("item", "word"),
    [
        (v.BROKEN, "failed"),
        (v.LOST, "unreplayable"),
        (v.NOT_REACHED, "not reached"),
        (v.PARTLY, "partly"),
    ],
)
def test_what_could_not_be_told_is_an_error(item: v.Verified, word: str) -> None:
    first = next(parsed(v.verification(item)).iter("testcase"))
    error = first.find("error")
    assert error is not None and error.get("type") == word


def test_metrics_of_a_run_that_was_not_reached_are_errors_and_do_not_vanish() -> None:
    for item in (v.NOT_REACHED, v.LOST):
        named = {case.name for case in cases.of(item) if case.problem is cases.Problem.ERROR}
        assert {"metrics.json:accuracy", "model.pkl"} <= named


def test_what_was_not_compared_is_no_case_and_is_said() -> None:
    root = parsed(v.GREEN)
    assert "metrics.json:time" not in {case.get("name") for case in root.iter("testcase")}
    assert "not compared: metrics.json:time" in "".join(root.itertext())


def test_bytes_that_a_metric_vouches_for_are_not_red() -> None:
    outputs = (r.output("metrics.json", "a"), r.output("model.pkl", "f", 3044))
    changed = replace(r.RECORDED, outputs=outputs)
    item = v.verified("bytes", "a", changed)
    assert item.passed
    root = parsed(v.verification(item))
    (case,) = [case for case in root.iter("testcase") if case.get("name") == "model.pkl"]
    assert "different" in (case.findtext("system-out") or "")


def test_of_too_many_cases_the_red_ones_stay_and_the_rest_is_counted() -> None:
    many = tuple(r.metric(f"m{at:05}", at) for at in range(junit.MOST + 50))
    other = (*many[:-1], r.metric(many[-1].name, -1.0))
    item = v.verified(
        "many", "b", replace(r.RECORDED, metrics=other), recorded=replace(r.RECORDED, metrics=many)
    )
    root = parsed(v.verification(item))
    assert int(root.get("tests", "")) == junit.MOST
    assert int(root.get("failures", "")) == 2
    assert "more cases are left out here, 0 of them did not pass" in "".join(root.itertext())


def test_a_long_value_is_cut_and_its_length_is_said() -> None:
    long = replace(r.RECORDED, metrics=(r.metric("text", "x" * 100_000),), outputs=())
    other = replace(long, metrics=(r.metric("text", "y" * 100_000),))
    written = junit.render(v.verification(v.verified("long", "c", other, recorded=long)))
    assert len(written) < 10_000 and b"100002 characters" in written
