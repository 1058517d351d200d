"""A verification as GitLab's code quality report: an issue for each thing that did not come out the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from repro.report import cases, places, verification
from repro.report.cases import Case, Problem
from repro.verifying import Verification, Verified

MOST = 500
"""Issues of one run; the verdict among them says how many there are."""


def render(found: Verification) -> bytes:
    """A JSON list, empty where all passed."""
    issues = [issue for item in found.runs for issue in _issues(item)]
    for case in cases.aside(found):
        if case.problem:
            issues.append(_issue("", case, f"repro verify: {case.name}: {case.message}"))
    return json.dumps(_apart(issues), indent=1, ensure_ascii=True).encode() + b"\n"


def _issues(item: Verified) -> Iterator[dict[str, Any]]:
    amiss = [case for case in cases.of(item) if case.problem]
    path = places.script(item.chosen)
    name = cases.label(item)
    for case in amiss[:MOST]:
        what = "" if case.kind == "verdict" else f"{case.kind} {case.name}: "
        yield _issue(name, case, f"run {name}: {what}{case.message}", path)
    if (left := len(amiss) - MOST) > 0:
        case = Case("verdict", "more", Problem.FAILURE)
        said = f"run {name}: {verification.word(item)}: {left} more are left out here"
        yield _issue(name, case, said, path)


def _issue(run: str, case: Case, said: str, path: str = "repro.yaml") -> dict[str, Any]:
    # of names, never of values: the same finding of the next pipeline is the same issue
    identity = "\0".join(("repro", run, case.kind, case.name))
    return {
        "description": said,
        "check_name": f"repro/{case.kind.replace(' ', '-')}",
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": "critical" if case.problem is Problem.ERROR else "major",
        "location": {"path": path, "lines": {"begin": 1}},
    }


def _apart(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GitLab shows one issue per fingerprint: a run that was verified twice has two."""
    seen: dict[str, int] = {}
    for issue in issues:
        mark = issue["fingerprint"]
        seen[mark] = seen.get(mark, 0) + 1
        if seen[mark] > 1:
            again = f"{mark} {seen[mark]}"
            issue["fingerprint"] = hashlib.sha256(again.encode()).hexdigest()
    return issues
