"""The comparison for a terminal: the verdict first, then what it rests on, what to do last."""

from __future__ import annotations

from collections.abc import Iterator

from repro.comparison import (
    Comparison,
    IngredientDifference,
    MetricDifference,
    OutputDifference,
    Sides,
    Status,
    Verdict,
)
from repro.report import layout, table, words
from repro.report.heading import Heading
from repro.report.layout import INDENT, clean, paint

_VERDICT_STYLE = {
    Verdict.IDENTICAL: "bold green",
    Verdict.EQUIVALENT: "bold green",
    Verdict.DIFFERENT: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.UNREPLAYABLE: "bold red",
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
        plain = all(item.status is Status.EQUAL for item in ordered)
        rows = [_metric(name, item) for name, item in zip(names, shown)]
        header = ("name", *self._labels, "absolute", "relative", "tolerance", "status")
        dropped = ({3, 4} if plain else set()) | ({5} if exact else set())
        yield from self._table(header, rows, dropped)
        yield from self._more(more)

    def outputs(self) -> Iterator[str]:
        shown, more = self._cut(words.worst_first(self._comparison.outputs))
        if not shown:
            return
        yield self._title("outputs")
        header = ("path", *self._labels, "", "", "", "status")
        yield from self._table(
            header, [_output(item, self._comparison.sides) for item in shown], {3, 4, 5}
        )
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
        self, header: tuple[str, ...], rows: list[table.Row], dropped: set[int]
    ) -> Iterator[str]:
        # an output that differs under a verdict that passed is worth a look, not an alarm
        alarm = "yellow" if self._comparison.verdict.passed else "red"
        return table.render(
            header, rows, dropped, width=self._width, colour=self._colour, alarm=alarm
        )

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
                yield from table.details([clean(detail)], self._width)

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


def _metric(name: str, item: MetricDifference) -> table.Row:
    cells = (
        name,
        *words.metric_values(item),
        words.distance_text(item.absolute),
        words.distance_text(item.relative),
        words.tolerance_text(item.tolerance),
        item.status.value,
    )
    return table.Row(cells, item.status, tuple(map(clean, words.metric_details(item))))


def _output(item: OutputDifference, sides: Sides) -> table.Row:
    cells = (clean(item.path), *_sizes(item), "", "", "", item.status.value)
    return table.Row(cells, item.status, tuple(map(clean, words.output_details(item, sides))))


def _ingredient(item: IngredientDifference) -> str:
    return clean(f"{item.ingredient} {item.name}".rstrip())


def _sizes(item: OutputDifference) -> tuple[str, str]:
    a, b = (f"{side.size} bytes" if side else words.NOTHING for side in (item.a, item.b))
    return a, b
