"""One replay for a person: the comparison, and what was remarkable on the way to it."""

from __future__ import annotations

from repro.comparison import isolation_words
from repro.records import Replay
from repro.report import layout, text
from repro.report.heading import Heading, Side
from repro.report.layout import clean
from repro.store import Run


def heading(run: Run, done: Replay) -> Heading:
    """Who is compared with whom."""
    recorded = Side.of(run.manifest.result, "recorded", run.short)
    if done.result:
        return Heading(recorded, Side.of(done.result, "replayed", done.id[:12]))
    isolation = isolation_words(done.isolation) or ""
    return Heading(
        recorded, Side("replayed", done.id[:12], engine=done.engine, isolation=isolation)
    )


def render(run: Run, done: Replay, *, colour: bool, width: int, all: bool = False) -> str:
    """The report, ending in a newline."""
    body = text.render(done.comparison, heading(run, done), colour=colour, width=width, all=all)
    extra: list[str] = []
    for finding in done.findings:
        extra += layout.wrap(
            f"{finding.subject}: {clean(finding.message)}",
            width,
            f"{finding.severity.value}: ",
            "  ",
        )
    if done.kept:
        extra.append(f"workspace kept: {done.kept}")
    return body + ("\n" + "\n".join(extra) + "\n" if extra else "")
