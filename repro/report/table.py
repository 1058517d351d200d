"""The tables of the report for a terminal: values side by side, and never one that is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repro.comparison import Status
from repro.report import layout
from repro.report.layout import INDENT, paint

_STYLE = {
    Status.EQUAL: "green",
    Status.WITHIN: "yellow",
    Status.COSMETIC: "yellow",
    Status.UNKNOWN: "yellow",
    Status.IGNORED: "yellow",
}
_VALUES = (1, 2)
_DISTANCES = (3, 4, 5)
"""Columns that move to a line of their own when there is no room: absolute, relative, tolerance."""


@dataclass(frozen=True)
class Row:
    """Name, two values, absolute, relative, tolerance, status; and what stands below them."""

    cells: tuple[str, ...]
    status: Status
    details: tuple[str, ...] = ()


def render(
    header: Sequence[str],
    rows: Sequence[Row],
    dropped: set[int],
    *,
    width: int,
    colour: bool,
    alarm: str = "red",
) -> Iterator[str]:
    """The lines of a table without the ``dropped`` columns, in ``width`` columns of characters.

    Where that is too narrow, first the distances go below their row, then the values. A value that
    is too long for a column stands below its name in any case. ``alarm`` is the colour of red rows.
    """
    tall = [any(layout.width(row.cells[at]) > layout.WIDEST for at in _VALUES) for row in rows]
    for left_out in (dropped, dropped | {*_DISTANCES}):
        keep = [at for at in range(len(header)) if at not in left_out]
        cells = [
            ["" if below and at in _VALUES else row.cells[at] for at in keep]
            for row, below in zip(rows, tall)
        ]
        titles = [header[at] for at in keep]
        widths = layout.fitted(titles, cells, width)
        if widths:
            break
    right = range(1, len(keep) - 1)
    if widths:
        yield paint(layout.line(titles, widths, right), "dim", colour)
    else:
        tall, right = [True] * len(rows), range(0)
        cells = [[row.cells[0], row.cells[-1]] for row in rows]
        longest = max(layout.width(row.cells[0]) for row in rows)
        widths = [min(longest, max(width - 14, layout.NARROWEST)), 0]
    for row, cell, below in zip(rows, cells, tall):
        yield layout.line(cell, widths, right, _STYLE.get(row.status, alarm), colour)
        if below:
            yield from _values(header, row)
        if left_out is not dropped:
            yield from details(_distances(header, row, dropped), width)
        yield from details(row.details, width)


def details(texts: Sequence[str], width: int) -> Iterator[str]:
    """What stands below a row, indented."""
    for text in texts:
        yield from layout.wrap(text, width, INDENT * 3, INDENT * 4)


def _values(header: Sequence[str], row: Row) -> Iterator[str]:
    """The two values below each other; one, where they are the same."""
    if row.status is Status.EQUAL and row.cells[1] == row.cells[2]:
        yield f"{INDENT * 3}{row.cells[1]}"
        return
    columns = max(layout.width(header[at]) for at in _VALUES)
    for at in _VALUES:
        yield f"{INDENT * 3}{layout.pad(header[at], columns)}  {row.cells[at]}"


def _distances(header: Sequence[str], row: Row, dropped: set[int]) -> list[str]:
    """The cells that had no room in the line; an equal row needs none."""
    if row.status is Status.EQUAL:
        return []
    texts = [
        f"{header[at]} {row.cells[at]}"
        for at in _DISTANCES
        if at not in dropped and row.cells[at] not in ("", "0", "exact", "ignored")
    ]
    return [", ".join(texts)] if texts else []
