"""A verification for a job summary or a merge request: a table of runs, then each that did not pass.

Everything that a run brought along is escaped as in markdown.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.report import cases, markdown, verification
from repro.report.cases import Case
from repro.report.markdown import code, prose
from repro.verifying import State, Verification, Verified

LIMIT = (1 << 20) - 4096
"""Bytes: GitHub takes no job summary of more than 1 MiB, and drops it whole."""
_HEADER = [
    "| run | verdict | replays | values | seconds | why |",
    "| --- | --- | --: | --: | --: | --- |",
]
_ROOM = 200
"""Bytes kept for saying that something was left out."""


def render(found: Verification, limit: int = LIMIT) -> str:
    """The report, ending in a line feed, of at most ``limit`` bytes: what has no room is said."""
    page = _Page(limit - _ROOM)
    mark = "✅" if found.exit_code == 0 else "❌"
    page.add([f"## {mark} repro verify: {prose(verification.summary(found))}", ""])
    page.add(_HEADER)
    page.add_rows([_row(item) for item in found.runs], "runs")
    for item in found.runs:
        if not item.passed:
            page.add_details(item, list(_details(item)))
        elif item.diagnosis:
            page.add(["", f"{code(item.chosen.label)}: {prose(item.diagnosis)}"])
    page.add([_aside(case) for case in cases.aside(found)])
    page.add([f"\nnote: {prose(note)}" for note in found.notes])
    return page.text()


def _aside(case: Case) -> str:
    mark = "❌" if case.problem else "✅"
    return f"\n{mark} {prose(case.name)}: {prose(case.message or case.text)}"


def _row(item: Verified) -> str:
    word = _word(item)
    seconds = sum(replay.seconds for replay in item.replays)
    cells = (
        code(item.chosen.label),
        word if item.passed else f"**{word}**",
        f"{len(item.replays)} of {item.asked}",
        str(item.values),
        f"{seconds:.1f}",
        prose(item.chosen.why),
    )
    return f"| {' | '.join(cells)} |"


def _details(item: Verified) -> Iterator[str]:
    worst = item.worst
    shown = (
        worst if worst and not worst.verdict.passed and (worst.metrics or worst.outputs) else None
    )
    yield ""
    yield f"### {code(item.chosen.label)}: {_word(item)}"
    yield ""
    if item.state is State.PARTLY:
        yield f"- only {len(item.replays)} of {item.asked} replays came to an end"
    said = shown.reasons if shown else ()
    yield from (f"- {prose(reason)}" for reason in item.reasons if reason not in said)
    if item.diagnosis:
        yield f"- {prose(item.diagnosis)}"
    if first := next((case for case in cases.of(item)[1:] if case.problem), None):
        yield f"- first of what is amiss: {first.kind} {code(first.name)}, {prose(first.message)}"
    if item.next_step and not (shown and shown.next_step):
        yield ""
        yield f"**next:** {prose(item.next_step)}"
    if shown:
        # below the headings of this page
        below = re.sub(r"^(?=##)", "##", markdown.render(shown), flags=re.MULTILINE)
        yield from ("", *below.rstrip("\n").split("\n"))


def _word(item: Verified) -> str:
    word = verification.word(item)
    return f"partly: {word}" if item.state is State.PARTLY else word


class _Page:
    """Lines up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size, self._full = limit, 0, False
        self._lines: list[str] = []
        self._left_out: list[str] = []

    def add(self, lines: list[str]) -> int:
        """Add lines as long as they have room; how many were added."""
        for at, line in enumerate(lines):
            size = len(line.encode("utf-8", "replace")) + 1
            if self._full or self._size + size > self._limit:
                self._full = True
                return at
            self._lines.append(line)
            self._size += size
        return len(lines)

    def add_rows(self, rows: list[str], what: str) -> None:
        if left := len(rows) - self.add(rows):
            self._left_out.append(f"{left} of {len(rows)} {what} of the table")

    def add_details(self, item: Verified, lines: list[str]) -> None:
        added = self.add(lines)
        if added < len(lines):
            part = "part of " if added > 3 else ""
            self._left_out.append(f"{part}what is wrong with {code(cases.label(item)[:100])}")
            shown = lines[:added]
            if shown.count("</details>") < sum(line.startswith("<details>") for line in shown):
                self._lines += ["", "</details>"]

    def text(self) -> str:
        if self._left_out:
            said = "; ".join(self._left_out[:1])
            more = f" and {len(self._left_out) - 1} more" if len(self._left_out) > 1 else ""
            self._lines += ["", f"**Cut, there is no room for all of it:** left out: {said}{more}."]
        elif self._full:
            self._lines += ["", "**Cut, there is no room for all of it.**"]
        return "\n".join(self._lines) + "\n"
