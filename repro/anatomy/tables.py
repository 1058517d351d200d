"""CSV and TSV, row by row and both at once: which cells differ, by row and name of the column."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from repro.anatomy.documents import Sum, scalars
from repro.anatomy.nouns import Change, ContentDifference, PartDifference, Unreadable

LINE = 1 << 20
"""Characters of a line."""
COLUMNS = 20_000
Row = list[str]


def compare(a: Path, b: Path, delimiter: str) -> ContentDifference:
    """Raises Unreadable where one of them is no such table, OSError."""
    with _opened(a) as left, _opened(b) as right:
        ours, theirs = _rows(left, delimiter), _rows(right, delimiter)
        headers = next(ours, []), next(theirs, [])
        return _Tables("TSV" if delimiter == "\t" else "CSV", *headers).compared(ours, theirs)


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(path.open("rb"), "utf-8-sig", newline="")


def _rows(file: TextIO, delimiter: str) -> Iterator[Row]:
    try:
        for row in csv.reader(_lines(file), delimiter=delimiter, strict=True):
            if len(row) > COLUMNS:
                raise Unreadable(f"a row of more than {COLUMNS} cells")
            yield row
    except (csv.Error, ValueError) as error:
        raise Unreadable(f"it is no table: {str(error)[:100]}") from error


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(LINE):
        if len(line) == LINE:
            raise Unreadable(f"a line of more than {LINE} characters")
        if "\0" in line:
            raise Unreadable("it is binary")
        yield line


class _Tables:
    """Two tables at work: columns go by their names where these are unique, else by their place."""

    def __init__(self, format: str, ours: Row, theirs: Row) -> None:
        self._sum = Sum(format)
        self._headers = ours, theirs
        self._named = all(
            len(set(names)) == len(names) and _are_names(names) for names in self._headers
        )
        self._columns: dict[str, int] = {}
        """Cells that differ, by column."""

    def compared(self, ours: Iterator[Row], theirs: Iterator[Row]) -> ContentDifference:
        pairs = self._pairs()
        if not self._named:
            self._row(1, *self._headers, pairs)
        only = [0, 0]
        for number, (one, other) in enumerate(zip_longest(ours, theirs), 2):
            if one is None or other is None:
                only[one is None] += 1
                if sum(only) == 1:
                    first = number
                continue
            self._row(number, one, other, pairs)
        for side, change in enumerate((Change.MISSING, Change.NEW)):
            if only[side]:
                text = f"{only[side]} row{'s' * (only[side] > 1)}"
                values = (text, None) if change is Change.MISSING else (None, text)
                place = f"row {first}"
                self._sum.add(PartDifference(place, change, place, *values))
        a, b = ([name for name in names if name in self._columns] for names in self._headers)
        return self._sum.done(reordered=self._named and a != b)

    def _pairs(self) -> list[tuple[str, int, int]]:
        """(what a column is called, its place on both sides); those of one side are said."""
        if not self._named:
            return []
        ours, theirs = ({name: at for at, name in enumerate(names)} for names in self._headers)
        for name in (*ours, *(name for name in theirs if name not in ours)):
            if name in ours and name in theirs:
                self._columns[name] = 0
            else:
                change = Change.MISSING if name in ours else Change.NEW
                values = ("a column", None) if name in ours else (None, "a column")
                self._sum.add(PartDifference(_column(name), change, _column(name), *values))
        return [(name, ours[name], theirs[name]) for name in self._columns]

    def _row(self, number: int, one: Row, other: Row, pairs: list[tuple[str, int, int]]) -> None:
        if not pairs:
            pairs = [(str(at + 1), at, at) for at in range(max(len(one), len(other)))]
        elif one == other and self._headers[0] == self._headers[1]:
            for _ in pairs:
                self._sum.same()
            return
        for name, at, there in pairs:
            left = one[at] if at < len(one) else None
            right = other[there] if there < len(other) else None
            self._cell(
                f"row {number}, {_column(name) if self._named else 'column ' + name}", left, right
            )

    def _cell(self, where: str, left: str | None, right: str | None) -> None:
        if left is None or right is None:
            if left is not right:
                change = Change.NEW if left is None else Change.MISSING
                self._sum.add(PartDifference(where, change, where, left, right))
            return
        part = None if left == right else scalars(where, _value(left), _value(right))
        if part is None:
            self._sum.same()
        else:
            self._sum.add(part)


def _are_names(row: Row) -> bool:
    return bool(row) and all(
        name.strip() and not isinstance(_value(name), int | float) for name in row
    )


_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")


def _value(cell: str) -> float | str:
    """A number where it is written as one: 1.0 and 1.00 are the same value; whole ones are exact."""
    if _WHOLE.fullmatch(cell):
        return int(cell)
    try:
        return float(cell) if len(cell) < 60 and "_" not in cell else cell
    except ValueError:
        return cell


def _column(name: str) -> str:
    return f"column {json.dumps(name[:60], ensure_ascii=False)}"
