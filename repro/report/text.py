"""The comparison for a terminal: the verdict first, then what it rests on, what to do last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.comparison import (
    Comparison,
    IngredientDifference,
    OutputDifference,
    Status,
    Verdict,
)
from repro.report import layout, words
from repro.report.heading import Heading
from repro.report.layout import INDENT, paint
from repro.report.words import clean

_VERDICT_STYLE = {
    Verdict.IDENTICAL: "bold green",
    Verdict.EQUIVALENT: "bold green",
    Verdict.DIFFERENT: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.UNREPLAYABLE: "bold red",
}
_STATUS_STYLE = {
    Status.EQUAL: "green",
    Status.WITHIN: "yellow",
    Status.UNKNOWN: "yellow",
    Status.IGNORED: "yellow",
}


def render(
    comparison: Comparison,
    heading: Heading | None = None,
    *,
    colour: bool = False,
    width: int = 80,
    all: bool = False,
    equal: int = words.SHOWN_EQUAL,
) -> str:
    """The whole report, ending in a newline. Up to ``equal`` equal rows are shown, with ``all`` every
    one; what is not equal is always shown."""
    limit = None if all else equal
    page = _Page(comparison, heading or Heading.of(comparison), colour, width, limit)
    sections = (
        page.verdict(),
        page.sides(),
        page.metrics(),
        page.outputs(),
        page.ingredients(),
        page.circumstances(),
        page.notes(),
        page.next_step(),
    )
    blocks = ["\n".join(lines) for section in sections if (lines := list(section))]
    return "\n\n".join(blocks) + "\n"


class _Page:
    def __init__(
        self,
        comparison: Comparison,
        heading: Heading,
        colour: bool,
        width: int,
        limit: int | None,
    ) -> None:
        self._comparison, self._heading = comparison, heading
        self._colour, self._width = colour, width
        self._limit = limit
        self._labels = clean(heading.a.label), clean(heading.b.label)

    def verdict(self) -> Iterator[str]:
        word = self._comparison.verdict.value
        indent = " " * (len(word) + 2)
        first, *others = words.reasons(self._comparison) or [""]
        lines = layout.wrap(first, self._width, indent, indent)
        painted = paint(f"{word}:", _VERDICT_STYLE[self._comparison.verdict], self._colour)
        yield f"{painted} {lines[0].strip()}".rstrip()
        yield from lines[1:]
        for reason in others:
            yield from layout.wrap(reason, self._width, indent, indent)

    def sides(self) -> Iterator[str]:
        columns = max(map(layout.width, self._labels))
        for label, side in zip(self._labels, (self._heading.a, self._heading.b)):
            if side.described:
                first = f"{INDENT}{layout.pad(label, columns)}  "
                rest = " " * (columns + 4)
                yield from layout.wrap(clean(side.described), self._width, first, rest)

    # --- metrics and outputs ----------------------------------------------------------------

    def metrics(self) -> Iterator[str]:
        ordered = words.worst_first(self._comparison.metrics)
        shown, more = self._cut(ordered)
        if not shown:
            return
        names = words.metric_names(ordered)
        exact = all(item.tolerance is None for item in ordered)
        title = (
            "metrics"
            if len({item.source for item in ordered}) > 1
            else (f"metrics of {clean(ordered[0].source)}")
        )
        yield self._title(f"{title}, compared exactly" if exact else title)
        plain = all(item.status in (Status.EQUAL,) for item in ordered)
        rows, details = [], []
        for name, item in zip(names, shown):
            numbers = [
                *words.metric_values(item),
                words.distance_text(item.absolute),
                words.distance_text(item.relative),
                words.tolerance_text(item.tolerance),
            ]
            rows.append([name, *numbers, item.status.value])
            details.append([clean(text) for text in words.metric_details(item)])
        header = ["name", *self._labels, "absolute", "relative", "tolerance", "status"]
        dropped = ({3, 4} if plain else set()) | ({5} if exact else set())
        statuses = [item.status for item in shown]
        yield from self._table(header, rows, details, statuses, dropped)
        yield from self._more(more)

    def outputs(self) -> Iterator[str]:
        shown, more = self._cut(words.worst_first(self._comparison.outputs))
        if not shown:
            return
        yield self._title("outputs")
        header = ["path", *self._labels, "", "", "", "status"]
        rows = [[clean(item.path), *_sizes(item), "", "", "", item.status.value] for item in shown]
        details = [[clean(item.detail)] if item.detail else [] for item in shown]
        statuses = [item.status for item in shown]
        yield from self._table(header, rows, details, statuses, {3, 4, 5})
        yield from self._more(more)

    def _cut(self, ordered: list[words.Row]) -> tuple[list[words.Row], int]:
        """What is not equal, and as many of the equal as there is room for."""
        unequal = sum(item.status is not Status.EQUAL for item in ordered)
        end = len(ordered) if self._limit is None else unequal + self._limit
        return ordered[:end], max(0, len(ordered) - end)

    def _more(self, number: int) -> Iterator[str]:
        if number:
            yield f"{INDENT}and {number} more equal"

    def _table(
        self,
        header: list[str],
        rows: list[list[str]],
        details: list[list[str]],
        statuses: Sequence[Status],
        dropped: set[int],
    ) -> Iterator[str]:
        """As one table; where that is too wide, with the differences on a line of their own. A
        value too long for a column stands below its name. Values are never cut."""
        tall = [any(layout.width(cell) > layout.WIDEST for cell in row[1:3]) for row in rows]
        for leave_out in (dropped, dropped | {3, 4, 5}):
            keep = [index for index in range(len(header)) if index not in leave_out]
            cells = [
                [row[index] if index not in (1, 2) or not below else "" for index in keep]
                for row, below in zip(rows, tall)
            ]
            titles = [header[index] for index in keep]
            widths = layout.fitted(titles, cells, self._width)
            if widths:
                break
        right = range(1, len(keep) - 1)
        if not widths:
            # not even the values have room beside each other
            tall, right = [True] * len(rows), range(0)
            cells = [[row[0], row[-1]] for row in rows]
            longest = max(layout.width(row[0]) for row in rows)
            widths = [min(longest, max(self._width - 14, layout.NARROWEST)), 0]
        else:
            yield paint(layout.line(titles, widths, right), "dim", self._colour)
        for row, cell, below, detail, status in zip(rows, cells, tall, details, statuses):
            yield layout.line(cell, widths, right, self._style(status), self._colour)
            if below:
                yield from self._values(row, status)
            if leave_out is not dropped:
                yield from self._details(_moved(header, row, dropped, status))
            yield from self._details(detail)

    def _values(self, row: list[str], status: Status) -> Iterator[str]:
        """The two values below each other; one, where they are the same."""
        if status is Status.EQUAL and row[1] == row[2]:
            yield f"{INDENT * 3}{row[1]}"
            return
        columns = max(map(layout.width, self._labels))
        for label, value in zip(self._labels, row[1:3]):
            yield f"{INDENT * 3}{layout.pad(label, columns)}  {value}"

    def _details(self, texts: Sequence[str]) -> Iterator[str]:
        for text in texts:
            yield from layout.wrap(text, self._width, INDENT * 3, INDENT * 4)

    def _style(self, status: Status) -> str:
        # an output that differs under a verdict that passed is worth a look, not an alarm
        return _STATUS_STYLE.get(status, "yellow" if self._comparison.verdict.passed else "red")

    # --- what went in, and around -----------------------------------------------------------

    def ingredients(self) -> Iterator[str]:
        if self._comparison.ingredients:
            yield self._title("what went in differs")
            rows = [(_ingredient(item), item.a, item.b) for item in self._comparison.ingredients]
            details = [item.detail for item in self._comparison.ingredients]
            yield from self._changes(rows, details, words.NOTHING)

    def circumstances(self) -> Iterator[str]:
        if self._comparison.circumstances:
            yield self._title("what differs around the run")
            rows = [(clean(item.name), item.a, item.b) for item in self._comparison.circumstances]
            yield from self._changes(rows, [""] * len(rows), "not known")

    def _changes(
        self, rows: list[tuple[str, str | None, str | None]], details: list[str], nothing: str
    ) -> Iterator[str]:
        columns = max(layout.width(name) for name, _, _ in rows)
        for (name, *values), detail in zip(rows, details):
            a, b = (nothing if value is None else clean(value) for value in values)
            together = f"{INDENT}{layout.pad(name, columns)}  {a} -> {b}"
            if layout.width(together) <= self._width:
                yield together
            else:
                yield f"{INDENT}{name}"
                wide = max(map(layout.width, self._labels))
                for label, value in zip(self._labels, (a, b)):
                    yield f"{INDENT * 3}{layout.pad(label, wide)}  {value}"
            if detail:
                yield from self._details([clean(detail)])

    def notes(self) -> Iterator[str]:
        if self._comparison.notes:
            yield self._title("notes")
            for note in self._comparison.notes:
                yield from layout.wrap(clean(note), self._width, INDENT + "- ", INDENT * 2)

    def next_step(self) -> Iterator[str]:
        if self._comparison.next_step:
            text = clean(self._comparison.next_step)
            yield from layout.wrap(text, self._width, "next: ", " " * 6)

    def _title(self, text: str) -> str:
        return paint(text, "bold", self._colour)


def _moved(header: list[str], row: list[str], dropped: set[int], status: Status) -> list[str]:
    """The cells that had no room in the line, as a detail; an equal row needs none."""
    if status is Status.EQUAL:
        return []
    texts = [
        f"{header[index]} {row[index]}"
        for index in (3, 4, 5)
        if index not in dropped and row[index] not in ("", "0", "exact", "ignored")
    ]
    return [", ".join(texts)] if texts else []


def _ingredient(item: IngredientDifference) -> str:
    return clean(f"{item.ingredient} {item.name}".rstrip())


def _sizes(item: OutputDifference) -> tuple[str, str]:
    a, b = (f"{side.size} bytes" if side else words.NOTHING for side in (item.a, item.b))
    return a, b
