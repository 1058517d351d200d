"""A verification as JUnit XML: a suite per run, a case for its verdict and for each metric and output.

There is no ``<skipped>``: pipelines take it for green. A suite is never empty, because it has its verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from repro.comparison.pairing import some
from repro.report import cases, verification
from repro.report.cases import Case, Problem
from repro.report.layout import clean
from repro.verifying import Verification, Verified

MOST = 2000
"""Cases of one run; a run may have more outputs than a pipeline reads."""
_WHOLE = "repro verify"


def render(found: Verification) -> bytes:
    """The document, UTF-8, valid XML 1.0 whatever the names hold."""
    root = Element("testsuites", name=_WHOLE)
    suites = [_suite(at, item) for at, item in enumerate(found.runs)]
    if (aside := cases.aside(found)) or not suites:
        suites.append(_whole(len(suites), found, aside))
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{found.seconds:.3f}")
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(at: int, item: Verified) -> Element:
    seconds = sum(replay.seconds for replay in item.replays)
    first, *others = cases.of(item)
    # what is amiss comes first where not all has room
    ordered = sorted(others, key=lambda case: not case.problem)
    kept, left = ordered[: MOST - 1], ordered[MOST - 1 :]
    suite = _counted(at, cases.label(item), [first, *kept], seconds)
    properties = Element("properties")
    for name, value in _facts(item):
        SubElement(properties, "property", name=name, value=clean(value))
    suite.insert(0, properties)
    own = f"repro.{cases.label(item)}"
    _case(suite, own, first, seconds)
    for case in kept:
        _case(suite, f"{own}.{case.kind}", case, 0)
    if said := _said(item, left):
        SubElement(suite, "system-out").text = said
    return suite


def _counted(at: int, name: str, shown: Sequence[Case], seconds: float) -> Element:
    failures = sum(case.problem is Problem.FAILURE for case in shown)
    errors = sum(case.problem is Problem.ERROR for case in shown)
    return Element(
        "testsuite",
        id=str(at),
        name=name,
        tests=str(len(shown)),
        failures=str(failures),
        errors=str(errors),
        time=f"{seconds:.3f}",
    )


def _facts(item: Verified) -> list[tuple[str, str]]:
    facts = [
        ("run", item.chosen.run.id),
        ("verdict", verification.word(item)),
        ("replays", f"{len(item.replays)} of {item.asked}"),
        ("values compared", str(item.values)),
    ]
    return [*facts, *([("why", item.chosen.why)] if item.chosen.why else [])]


def _case(suite: Element, classname: str, case: Case, seconds: float) -> None:
    element = SubElement(
        suite, "testcase", classname=classname, name=case.name, time=f"{seconds:.3f}"
    )
    if case.problem:
        problem = SubElement(element, case.problem.value, type=case.word, message=case.message)
        problem.text = case.text
    elif case.text:
        SubElement(element, "system-out").text = case.text


def _said(item: Verified, left: Sequence[Case]) -> str:
    """What the cases do not say."""
    lines = []
    if names := cases.uncompared(item):
        lines.append(f"not compared: {some(names, 50)}")
    if left:
        red = sum(bool(case.problem) for case in left)
        lines.append(f"{len(left)} more cases are left out here, {red} of them did not pass")
    return "\n".join(lines)


def _whole(at: int, found: Verification, aside: Sequence[Case]) -> Element:
    """For what concerns no single run; a verification that had nothing to do says so, and is a case."""
    text = clean(verification.summary(found))
    shown = aside or [Case("verdict", "all was verified", text=text)]
    suite = _counted(at, _WHOLE, shown, 0)
    for case in shown:
        _case(suite, "repro", case, 0)
    return suite
