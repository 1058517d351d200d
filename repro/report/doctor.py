"""What `repro doctor` saw: for a person, and as a JSON document (specs/doctor.md)."""

from __future__ import annotations

from dataclasses import asdict

from repro import canonical
from repro.diagnosis import Check, Diagnosis, State
from repro.report import layout
from repro.report.layout import clean, paint

SCHEMA = "repro/doctor/v1"
_STYLE = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.PROBLEM: "bold red",
    State.UNKNOWN: "dim",
}


def as_json(diagnosis: Diagnosis) -> str:
    """``{"schema", "ready", "project", "checks": [{topic, name, state, seen, remedy}]}``, one line."""
    document = {
        "schema": SCHEMA,
        "ready": diagnosis.ready,
        "project": str(diagnosis.project) if diagnosis.project else None,
        "checks": [asdict(check) | {"state": check.state.value} for check in diagnosis.checks],
    }
    return canonical.dumps(document).decode() + "\n"


def render(diagnosis: Diagnosis, *, colour: bool, width: int) -> str:
    """Topic by topic, one name once; the last line sums up."""
    checks = diagnosis.checks
    states = max(len(state.value) for state in State)
    names = max(layout.width(check.name) for check in checks)
    lines: list[str] = []
    above: Check | None = None
    for check in checks:
        if above is None or check.topic != above.topic:
            lines.append(paint(_heading(check.topic, diagnosis), "bold", colour))
            above = None
        name = "" if above and above.name == check.name else check.name
        lines += _rows(check, name, states, names, colour=colour, width=width)
        above = check
    lines += ["", _summary(diagnosis, colour)]
    return "\n".join(lines) + "\n"


def _heading(topic: str, diagnosis: Diagnosis) -> str:
    if topic == "project" and diagnosis.project:
        return f"project {clean(str(diagnosis.project))}"
    return topic


def _rows(
    check: Check, name: str, states: int, names: int, *, colour: bool, width: int
) -> list[str]:
    rest = " " * (states + names + 6)
    first = f"  {layout.pad(check.state.value, states)}  {layout.pad(name, names)}  "
    lines = layout.wrap(clean(check.seen), width, first, rest)
    # coloured afterwards: the codes take no columns
    state = layout.pad(check.state.value, states)
    lines[0] = lines[0].replace(state, paint(state, _STYLE[check.state], colour), 1)
    if check.remedy:
        lines += layout.wrap(clean(check.remedy), width, f"{rest}-> ", f"{rest}   ")
    return lines


def _summary(diagnosis: Diagnosis, colour: bool) -> str:
    parts = []
    for state, noun in ((State.PROBLEM, "problem"), (State.WARNING, "warning")):
        count = diagnosis.count(state)
        if count:
            text = f"{count} {noun}" + ("s" if count > 1 else "")
            parts.append(paint(text, _STYLE[state], colour))
    if count := diagnosis.count(State.UNKNOWN):
        parts.append(f"{count} unknown")
    parts.append(f"{diagnosis.count(State.OK)} ok")
    what = "ready" if diagnosis.ready else "not ready"
    style = "bold green" if diagnosis.ready else "bold red"
    return f"{paint(what, style, colour)}: {', '.join(parts)}"
