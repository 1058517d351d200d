"""The replays of one run over time: a row for each, and since when it no longer reproduces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from repro import canonical
from repro.comparison import Circumstance
from repro.history import Entry, History, Standing, Turn
from repro.report import layout
from repro.report.layout import clean, paint

SCHEMA = "repro/history/v1"
HEADER = ("when (UTC)", "replay", "verdict", "values", "engine", "changed")
_STYLE = {
    Standing.REPRODUCES: "bold green",
    Standing.BROKEN: "bold red",
    Standing.NEVER: "bold red",
    Standing.UNKNOWN: "yellow",
}
_CHANGES = 3
"""Names of changes in a row."""


def as_json(found: History) -> str:
    """The document as one line of canonical JSON: specs/history.md."""
    document = {
        "schema": SCHEMA,
        "run": found.run.id,
        "names": list(found.names),
        "recorded": found.run.manifest.created,
        "standing": found.standing.value,
        "turns": found.turns,
        "turn": _turn_document(found.turn) if found.turn else None,
        "replays": [_entry_document(item) for item in found.entries],
        "damaged": list(found.damaged),
    }
    return canonical.dumps(document).decode("utf-8") + "\n"


def _turn_document(turn: Turn) -> dict[str, Any]:
    return {
        "passed": turn.passed.replay.id,
        "until": turn.passed.created,
        "failed": turn.failed.replay.id,
        "since": turn.failed.created,
        "changed": _changes(turn.changed),
        "findings": [f"{item.subject}: {item.message}" for item in turn.new],
    }


def _entry_document(item: Entry) -> dict[str, Any]:
    replay, comparison = item.replay, item.replay.comparison
    return {
        "id": replay.id,
        "created": item.created,
        "verdict": comparison.verdict.value,
        "passed": item.passed,
        "counts": item.counts,
        "reasons": list(comparison.reasons),
        "values_compared": item.values,
        "engine": replay.engine,
        "isolation": replay.isolation,
        "duration": replay.result.duration if replay.result else None,
        "reused": replay.reused,
        "changed": _changes(item.changed),
    }


def _changes(changed: Sequence[Circumstance]) -> list[dict[str, Any]]:
    return [{"name": item.name, "a": item.a, "b": item.b} for item in changed]


def render(found: History, *, colour: bool, width: int) -> str:
    """The report, ending in a newline: the newest replay last, and below it what it comes to."""
    names = " ".join((*found.names, found.run.short))
    lines = [f"run {clean(names)}, recorded {_moment(found.run.manifest.created)}", ""]
    if found.entries:
        lines += [*_table(found.entries, colour), ""]
    lines += _standing(found, colour, width)
    for text in found.damaged:
        lines += layout.wrap(clean(text), width, "not in here, damaged: ", "  ")
    return "\n".join(lines) + "\n"


def _table(entries: Sequence[Entry], colour: bool) -> Iterator[str]:
    rows = [_row(item) for item in entries]
    widths = [max(map(layout.width, column)) for column in zip(HEADER, *rows)]
    yield paint(layout.line(HEADER, widths, (3,)), "dim", colour)
    for item, row in zip(entries, rows):
        cells = [layout.pad(cell, widths[at], at == 3) for at, cell in enumerate(row)]
        style = ("green" if item.passed else "bold red") if item.counts else "dim"
        cells[2] = cells[2].replace(row[2], paint(row[2], style, colour))
        yield f"  {'  '.join(cells)}".rstrip()


def _row(item: Entry) -> tuple[str, ...]:
    names = [clean(change.name) for change in item.changed]
    aside = "first steps only; " if item.is_beginning else ""
    aside += "the source of its time; " if item.other_source else ""
    more = f" and {len(names) - _CHANGES} more" if len(names) > _CHANGES else ""
    return (
        _moment(item.created),
        item.replay.id[:12],
        item.replay.comparison.verdict.value,
        str(item.values),
        clean(item.replay.engine),
        aside + ", ".join(names[:_CHANGES]) + more,
    )


def _standing(found: History, colour: bool, width: int) -> Iterator[str]:
    word = paint(found.standing.value, _STYLE[found.standing], colour)
    match found.standing:
        case Standing.UNKNOWN:
            yield f"{word}: repro verify {found.run.short}"
        case Standing.NEVER:
            last = next(item for item in reversed(found.entries) if item.counts)
            reasons = "; ".join(last.replay.comparison.reasons)
            yield from layout.wrap(f"{word}: {clean(reasons)}", width, "", "  ")
        case Standing.REPRODUCES:
            counting = [item for item in found.entries if item.counts]
            since = _since(counting)
            count = f"{len(counting)} replay{'s' * (len(counting) != 1)}"
            yield f"{word}, in every replay since {_moment(since.created)} ({count} in all)"
    if found.damaged and found.standing is not Standing.UNKNOWN:
        yield "as far as the records tell that can be read"
    if found.turn:
        yield from _turn(found.turn, word, width)
    if found.turns > 1:
        said = f"it went between passing and not passing {found.turns} times in its replays"
        yield from layout.wrap(f"{said}: repro verify {found.run.short} -n 5", width, "", "  ")


def _since(entries: Sequence[Entry]) -> Entry:
    """The oldest of the replays that came out as the newest did."""
    first = entries[-1]
    for item in reversed(entries):
        if item.passed is not first.passed:
            break
        first = item
    return first


def _turn(turn: Turn, word: str, width: int) -> Iterator[str]:
    yield f"{word} since {_moment(turn.failed.created)}; it did until {_moment(turn.passed.created)}"
    for reason in turn.failed.replay.comparison.reasons:
        yield from layout.wrap(clean(reason), width, "  ", "    ")
    yield ""
    if turn.changed:
        yield "what changed around it then:"
        for item in turn.changed:
            said = f"{item.name}: {item.a or 'not known'} -> {item.b or 'not known'}"
            yield from layout.wrap(clean(said), width, "  ", "    ")
    elif turn.failed.replay.result:
        yield from layout.wrap(
            "nothing that is recorded of machine, settings and tolerances changed then: "
            "the training may not repeat itself",
            width,
        )
    else:
        yield "it was not executed, so nothing is known of what changed around it"
    for finding in turn.new:
        said = f"new then: {finding.subject}: {finding.message}"
        yield from layout.wrap(clean(said), width, "  ", "    ")
    if step := turn.failed.replay.comparison.next_step:
        yield from layout.wrap(clean(step), width, "try: ", "  ")


def _moment(text: str) -> str:
    """To the minute."""
    return clean(text[:16].replace("T", " "))
