"""What a training depends on that it should not: the guilty first, each with its remedy; then all that was
varied, in a table."""

from __future__ import annotations

from collections.abc import Iterator

from repro import canonical
from repro.probes import Change, Guilt, Probe, Probed
from repro.probes.nouns import LEFT_OUT, Kind
from repro.report import layout
from repro.report.json import plain
from repro.report.layout import INDENT, clean, paint
from repro.report.words import value_text

SCHEMA = "repro/probe/v1"
MOST = 6
"""Changes that are shown of one cause; all are in the JSON."""
_STYLE = {
    Guilt.GUILTY: "bold red",
    Guilt.HARMLESS: "green",
    Guilt.NOT_VARIED: "dim",
    Guilt.UNSETTLED: "yellow",
}


def as_json(found: Probe) -> str:
    """specs/documents.md: one line of canonical JSON, every field there."""
    document = {**plain(found), "schema": SCHEMA, "exit_code": found.exit_code}
    return canonical.dumps(document).decode() + "\n"


def render(found: Probe, *, colour: bool, width: int) -> str:
    """The report, ending in a newline."""
    page = _Page(found, colour, width)
    sections = (page.head(), page.controls(), page.guilty(), page.table(), page.notes())
    blocks = ["\n".join(lines) for section in sections if (lines := list(section))]
    return "\n\n".join(blocks) + "\n"


class _Page:
    def __init__(self, found: Probe, colour: bool, width: int) -> None:
        self._found, self._colour, self._width = found, colour, width

    def head(self) -> Iterator[str]:
        found = self._found
        replays = f"{found.replays} replay{'s' * (found.replays != 1)}"
        word, style, text = _verdict(found)
        first = f"{word}: "
        lines = layout.wrap(f"{text} ({replays})", self._width, first, " " * len(first))
        yield paint(first.rstrip(), style, self._colour) + lines[0][len(first) - 1 :]
        yield from lines[1:]
        if found.remedy and found.unreplayable:
            yield from layout.wrap(clean(found.remedy), self._width, f"{INDENT}-> ", INDENT * 3)

    def controls(self) -> Iterator[str]:
        found = self._found
        if found.as_recorded is None or found.unreplayable:
            return
        if found.unstable:
            names = _names(found.unstable)
            text = f"two replays under the same conditions differ from each other: {names}"
            yield from layout.wrap(text, self._width)
        elif found.probed:
            yield "two replays under the same conditions agree"
        if not found.as_recorded:
            yield from layout.wrap(
                "a replay differs from the record: see repro replay", self._width
            )
        if found.unexplained:
            yield ""
            yield paint("not explained", "bold red", self._colour)
            yield from self._changes(found.unexplained)
            yield from layout.wrap(_UNEXPLAINED, self._width, f"{INDENT}-> ", INDENT * 3)

    def guilty(self) -> Iterator[str]:
        for number, item in enumerate(self._found.guilty):
            if number:
                yield ""
            title = paint(item.name, "bold red", self._colour)
            lines = layout.wrap(item.subject, self._width, f"{item.name}: ", INDENT * 2)
            yield title + lines[0][len(item.name) :]
            yield from lines[1:]
            if item.only_bytes:
                yield f"{INDENT}changes bytes of outputs, and no metric"
            yield from self._changes(item.changes)
            for place in item.evidence[:MOST]:
                yield from layout.wrap(clean(place), self._width, f"{INDENT}at     ", INDENT * 6)
            yield from layout.wrap(item.remedy, self._width, f"{INDENT}remedy ", " " * 9)
            yield from layout.wrap(item.cost, self._width, f"{INDENT}cost   ", " " * 9)

    def _changes(self, changes: tuple[Change, ...]) -> Iterator[str]:
        for change in changes[:MOST]:
            yield from layout.wrap(_change(change), self._width, f"{INDENT}moves  ", " " * 9)
        if len(changes) > MOST:
            yield f"{INDENT}and {len(changes) - MOST} more"

    def table(self) -> Iterator[str]:
        left_out = [item for item in self._found.probed if item.why == LEFT_OUT]
        probed = [item for item in self._found.probed if item not in left_out]
        if not probed:
            return
        columns = max(len(item.name) for item in probed)
        words = max(len(item.guilt.value) for item in probed)
        for item in probed:
            name, word = layout.pad(item.name, columns), layout.pad(item.guilt.value, words)
            first = f"{INDENT}{name}  {word}  "
            lines = layout.wrap(clean(_beside(item)), self._width, first, " " * len(first))
            painted = paint(item.guilt.value, _STYLE[item.guilt], self._colour)
            yield lines[0].replace(item.guilt.value, painted, 1).rstrip()
            yield from lines[1:]
        if left_out:
            yield f"{INDENT}{len(left_out)} {LEFT_OUT}"

    def notes(self) -> Iterator[str]:
        for note in self._found.notes:
            yield from layout.wrap(clean(note), self._width, "note: ", INDENT * 3)


_UNEXPLAINED = (
    "it differs although everything that repro can hold was held: a generator in compiled code that nobody "
    "seeded, or threads that update shared values in no fixed order; seed every generator of every library, "
    "and try one thread"
)


def _verdict(found: Probe) -> tuple[str, str, str]:
    if found.unreplayable:
        return "unreplayable", "bold red", clean(found.unreplayable)
    names = ", ".join(item.name for item in found.guilty)
    if found.interrupted:
        return "interrupted", "bold yellow", f"found until then: {names or 'nothing guilty'}"
    if names:
        beside = "; and not all of it is explained" if found.unexplained else ""
        return "guilty", "bold red", names + beside
    if found.unexplained or found.unstable:
        return "not deterministic", "bold red", "and nothing that could be varied explains it"
    varied = sum(item.guilt is Guilt.HARMLESS for item in found.probed)
    if not varied:
        return "nothing varied", "bold yellow", "so nothing is known"
    things = "1 thing" if varied == 1 else f"{varied} things"
    return "harmless", "bold green", f"{things} varied, and nothing moved"


def _names(changes: tuple[Change, ...]) -> str:
    shown = ", ".join(clean(item.name) for item in changes[:MOST])
    more = len(changes) - MOST
    return f"{shown} and {more} more" if more > 0 else shown


def _change(change: Change) -> str:
    detail = f" ({clean(change.detail)})" if change.detail else ""
    if change.kind is Kind.OUTPUT:
        return f"{clean(change.name)}{detail or ' (other bytes)'}"
    if change.a is None and change.b is None:
        return f"{clean(change.name)}{detail}"
    return f"{clean(change.name)} {value_text(change.a)} -> {value_text(change.b)}{detail}"


def _beside(item: Probed) -> str:
    return item.why or item.subject
