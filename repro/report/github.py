"""A verification as GitHub's workflow commands: lines that the runner turns into annotations.

The runner takes commands from everything that a step prints. A metric may be called ``::add-mask::``, so
whatever else is printed stands between ``stopped`` and ``resumed``.
"""

from __future__ import annotations

from repro.report import cases, places, verification
from repro.report.layout import clean
from repro.verifying import Verification, Verified

MOST = 10
"""Annotations of a kind that GitHub shows of one step."""
_LONGEST = 4000
"""Characters of one annotation; GitHub cuts them at some length that it does not document."""


def stopped(token: str) -> str:
    """The line after which nothing is a command; ``token`` is one that nobody can guess."""
    return f"::stop-commands::{token}"


def resumed(token: str) -> str:
    """The line after which commands are taken again."""
    return f"::{token}::"


def commands(found: Verification) -> list[str]:
    """An error for each run that did not pass, a notice where all did."""
    if not found.exit_code:
        return [_command("notice", "repro verify", verification.summary(found))]
    red = [item for item in found.runs if not item.passed]
    lines = [
        _command("error", f"repro verify: {case.word}", f"{case.name}: {case.message}\n{case.text}")
        for case in cases.aside(found)
        if case.problem
    ]
    lines, room = lines[:MOST], MOST - len(lines[:MOST])
    shown = red if len(red) <= room else red[: max(room - 1, 0)]
    lines += [_error(item) for item in shown]
    if left := red[len(shown) :]:
        names = ", ".join(cases.label(item) for item in left)
        lines[MOST - 1 :] = [
            _command("error", "repro verify", f"{len(left)} more did not pass: {names}")
        ]
    return lines


def error(message: str) -> str:
    """For where nothing could be verified at all."""
    return _command("error", "repro verify", message.strip())


def _error(item: Verified) -> str:
    verdict = cases.of(item)[0]
    title = f"{cases.label(item)}: {verification.word(item)}"
    return _command("error", title, verdict.text, places.script(item.chosen))


def _command(kind: str, title: str, message: str, path: str = "") -> str:
    text = "\n".join(clean(line) for line in message.split("\n"))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... (cut)"
    properties = {"file": path, "line": "1" if path else "", "title": clean(title)}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
