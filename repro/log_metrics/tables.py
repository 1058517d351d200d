"""Tables: a header, then rows of numbers; cut by bars, by tabs or by blanks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repro.log_metrics import asides, labels, numbers
from repro.log_metrics.items import Counter, Found, Item, SetAside
from repro.manifest import Aside, Scalar

_RULE = re.compile(r"^[\s\-=+|:─━═┃│╇╪┼┡┢┩╞╡├┤└┘┴┌┐┬┏┓┳┗┛┻╔╗╚╝╠╣╦╩╬║~_*.╒╕╘╛╤╧┠┨┯┷╭╮╰╯┆╌╎]+$")
_BAR = re.compile(r"[|│┃║┆]")
_BARS = "|│┃║┆"
_WIDE = re.compile(r"\S+(?: \S+)*")
_NARROW = re.compile(r"\S+")
_ROW_BAR = re.compile(r":?\s{1,4}\d{1,3}%(?:\||\s[━─╸ ]{3,}).*$")
_STARS = re.compile(r"\s(?:\*{1,3}|\.)\s*$")
_LESS = re.compile(r"<\s{0,2}(?=[\d.])")
_CELL = re.compile(
    r"(?:[<>~]\s?)?[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?|[-+]?(?:nan|NaN|inf|Inf|NA|None|null|-|--|N/A)|\d+(?::\d\d){1,2}(?:\.\d+)?|\d+/\d+|\d[\d.]*(?:[kKMGTB]i?B?|m?s|%)"
)
_NAMED = re.compile(r":\s+[-+]?[\d.][\w.+-]*\s{2,}\S")
"""A label that holds a value of its own: a line of names and values below a table, and no row of it."""
_INDEX = re.compile(r"\d{1,9}\s{1,20}(?=\D)")
_SHARE = re.compile(r"\d{1,3}(?:\.\d{1,3})?%")
_QUANTILE = re.compile(rf"\s{{0,8}}({_SHARE.pattern})\s{{2,60}}(-?\d\S{{0,40}})\s{{0,8}}")
_DIGIT = re.compile(r"\d")
_FAR = 3
_CLOCKS = frozenset({"user", "user.self", "system", "sys.self"})
"""Columns of R's ``system.time`` and ``proc.time``, beside ``elapsed``."""


@dataclass(frozen=True)
class Cell:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """What the rows that follow are read by."""

    columns: tuple[Cell, ...]
    bars: bool
    labelled: bool
    """Whether the first column of the header names the rows."""
    coded: bool = False
    """Rows begin with a name, which may be a number: classes in a report."""
    indexed: bool = False
    """Rows begin with a number that the header does not name: pandas' index."""


def is_rule(text: str) -> bool:
    """Whether the line only draws."""
    return bool(text.strip()) and _RULE.match(text) is not None


def header(texts: list[str], at: int) -> tuple[Table, int] | None:
    """The table whose header is that line, and the line of its first row; None: it is none."""
    if not any(map(_DIGIT.search, texts[at + 1 : at + 1 + _FAR])):
        return None
    text = _ROW_BAR.sub("", texts[at]) if "%" in texts[at] else texts[at]
    if len(text) > 2000 or not any(map(str.isalpha, text)):
        return None
    if sum(text.count(bar) for bar in _BARS) >= 2 and (found := _barred(texts, at)):
        return found
    if any(numbers.tokens(text.replace("[0.025", "").replace("0.975]", ""))) and not _ruled(
        texts, at
    ):
        return None
    return _spaced(texts, at)


def row(table: Table, text: str) -> Found | None:
    """A row of the table; None where the line is none."""
    if "%" in text:
        text = _ROW_BAR.sub("", text)
    cells = _bar_cells(text) if table.bars else _space_cells(text)
    if not cells:
        return None
    if table.bars:
        if len(cells) == len(table.columns) + 1 and cells[0].text.isdigit():
            cells = cells[1:]
        if len(cells) != len(table.columns) or not any(map(str.isdigit, text)):
            return None
        return _found(list(zip(table.columns, cells)), table)
    values = _values(cells)
    if not values or len(values) > len(table.columns) + 1:
        return None
    first = values[0].start
    label = text[:first].strip()
    if label and (_BAR.search(label) or _NAMED.search(label)):
        return None
    return _space_row(table, values, label)


def quantile(text: str) -> Found | None:
    """A line of nothing but a share and a number: ``25%    0.75``, as pandas describes a column."""
    if "%" not in text or not (match := _QUANTILE.fullmatch(text)):
        return None
    found = list(numbers.tokens(" " + match[2]))
    if len(found) != 1 or found[0].end != len(match[2]) + 1 or found[0].reason:
        return None
    return Found((Item(match[1], found[0].value),))


def _barred(texts: list[str], at: int) -> tuple[Table, int] | None:
    cells = _bar_cells(texts[at])
    numbered = any(any(numbers.tokens(cell.text)) for cell in cells)
    if numbered and not _ruled(texts, at):
        return None
    if len(cells) < 2 or not all(_is_name(cell.text) for cell in cells[1:]):
        return None
    if cells[0].text and not _is_name(cells[0].text):
        return None
    first = _next(texts, _below_types(texts, at, len(cells)))
    if first is None or len(_bar_cells(texts[first])) - len(cells) not in (0, 1):
        return None
    if not any(map(str.isdigit, texts[first])) and not is_rule(texts[at + 1]):
        return None
    if sum(map(str.isalpha, cells[0].text)) and cells[0].text.endswith("/"):
        return None  # a section of a table of names and values
    return Table(tuple(cells), True, True), first


def _below_types(texts: list[str], at: int, count: int) -> int:
    """The header's last line: the next one, where between two rules the columns' types stand below
    their names (duckdb)."""
    if not (0 < at < len(texts) - 2 and is_rule(texts[at - 1]) and is_rule(texts[at + 2])):
        return at
    types = _bar_cells(texts[at + 1])
    return at + 1 if len(types) == count and all(_is_name(cell.text) for cell in types) else at


def _ruled(texts: list[str], at: int) -> bool:
    """Whether the line stands between two rules, as only a header does."""
    between = 0 < at < len(texts) - 1
    return between and is_rule(texts[at - 1]) and is_rule(texts[at + 1])


def _is_name(text: str) -> bool:
    return (
        bool(text) and not _CELL.fullmatch(text) and any(map(str.isalpha, text))
    ) or text in "#%"


def _bar_cells(text: str) -> list[Cell]:
    if is_rule(text):
        return []
    out, start = [], 0
    for match in [*_BAR.finditer(text), None]:
        end = match.start() if match else len(text)
        out.append(Cell(text[start:end].strip().strip("*"), start, end))
        start = end + 1
    if len(out) > 1 and not out[0].text:
        out = out[1:]
    if len(out) > 1 and not out[-1].text:
        out = out[:-1]
    return out if len(out) > 1 else []


def _space_cells(text: str) -> list[Cell]:
    text = _LESS.sub(lambda match: match.group().replace(" ", "\x00"), _STARS.sub("", text))
    return [
        Cell(match.group().replace("\x00", ""), match.start(), match.end())
        for match in _NARROW.finditer(text)
    ]


def _values(cells: list[Cell]) -> list[Cell]:
    """The cells at the end that are numbers."""
    at = len(cells)
    while at and _CELL.fullmatch(cells[at - 1].text):
        at -= 1
    return cells[at:]


def _next(texts: list[str], at: int) -> int | None:
    """The next line that is neither blank nor a rule, if it is near."""
    for index in range(at + 1, min(at + 1 + _FAR, len(texts))):
        if texts[index].strip() and not is_rule(texts[index]):
            return index
    return None


def _spaced(texts: list[str], at: int) -> tuple[Table, int] | None:
    text = texts[at]
    text = _ROW_BAR.sub("", text)
    if text.rstrip().endswith((":", ".", "!", "?", ";")):
        return None
    first = _next(texts, at)
    if first is None:
        return None
    cells = _space_cells(_ROW_BAR.sub("", texts[first]))
    values = _values(cells)
    label = texts[first][: values[0].start].strip() if values else ""
    if not values or len(values) < len(cells) - 6 or "=" in label or ":" in label[-1:]:
        return None
    ruled = texts[at + 1] if is_rule(texts[at + 1]) else ""
    for columns, sure in _headers(text, ruled, values):
        count = len(columns)
        if len(values) < 2 and not (label and sure and count == 2):
            continue
        if label and count == len(values):
            return Table(tuple(columns), False, False), first
        if label and count == len(values) + 1:
            return Table(tuple(columns), False, True), first
        if not label and count == len(values) and (sure or _aligned(columns, values)):
            return Table(tuple(columns), False, False), first
        if not label and count + 1 == len(values) and values[0].text.isdigit():
            labelled = _has_labels(texts, first, columns)
            return Table(tuple(columns), False, False, indexed=not labelled, coded=labelled), first
    return None


def _has_labels(texts: list[str], first: int, columns: list[Cell]) -> bool:
    """Whether a later row of the table begins with a text: then the numbers of others are names."""
    for text in texts[first : first + 200]:
        cells = _space_cells(text)
        values = _values(cells)
        if not cells or is_rule(text):
            continue
        if not values or len(values) > len(columns) + 1:
            return False
        if len(values) < len(cells):
            return values[-1].end == columns[-1].end
    return False


def _headers(text: str, ruled: str, values: list[Cell]) -> list[tuple[list[Cell], bool]]:
    """Ways to cut a header into columns; whether each is sure without the rows' alignment."""
    ways = []
    if ruled and len(groups := list(_NARROW.finditer(ruled))) > 1:
        ways.append(
            ([Cell(text[m.start() : m.end()].strip(), m.start(), m.end()) for m in groups], True)
        )
    wide = [Cell(m.group(), m.start(), m.end()) for m in _WIDE.finditer(text.replace("\t", "  "))]
    ways.append((wide, len(wide) > 1))
    narrow = [Cell(m.group(), m.start(), m.end()) for m in _NARROW.finditer(text)]
    ways.append((narrow, "  " in text.strip()))
    ends = {value.end for value in values}
    joined, start = [], None
    for cell in narrow:
        start = cell.start if start is None else start
        if cell.end in ends:
            joined.append(Cell(text[start : cell.end], start, cell.end))
            start = None
    if start is None:
        ways.append((joined, True))
    return [(way, sure) for way, sure in ways if way]


def _aligned(columns: list[Cell], values: list[Cell]) -> bool:
    return all(
        column.end == value.end or column.start == value.start
        for column, value in zip(columns, values)
    )


def _space_row(table: Table, values: list[Cell], label: str) -> Found | None:
    columns = list(table.columns[1:] if table.labelled else table.columns)
    if table.indexed:
        if label or len(values) != len(columns) + 1 or not values[0].text.isdigit():
            return None
        index = Counter("row", int(values[0].text), told=False)
        return _with(_found(list(zip(columns, values[1:])), table), index)
    named = table.coded or _SHARE.fullmatch(values[0].text)  # 25%, as pandas describes a frame
    if named and not label and len(values) == len(columns) + 1:
        label, values = values[0].text, values[1:]
    if label and (index := _INDEX.match(label)):  # type: ignore[assignment]
        label = label[index.end() :]
    if len(values) == len(columns):
        cells = list(zip(columns, values))
    elif label:
        cells = [
            (column, value) for value in values for column in columns if column.end == value.end
        ]
        if len(cells) != len(values):
            return None
    else:
        return None
    if label:
        cells.insert(0, (Cell("", 0, 0), Cell(label, 0, 0)))
    return _found(cells, table)


def _with(found: Found, counter: Counter) -> Found:
    counters = (*found.counters, counter)
    items = tuple(Item(item.name, item.value, counters, weak=item.weak) for item in found.items)
    return Found(items, found.asides, counters)


def _found(cells: list[tuple[Cell, Cell]], table: Table) -> Found:
    """The cells of a row: the first may name it, or count it."""
    counters: list[Counter] = []
    told: list[SetAside] = []
    values: list[tuple[str, Scalar]] = []
    name = ""
    pair = len(cells) == 2
    clocks = _CLOCKS if any(column.text == "elapsed" for column, _ in cells) else frozenset()
    for at, (column, cell) in enumerate(cells):
        if at == 0 and not column.text and cell.text:
            name = cell.text
            continue
        if at == 0 and cell.text and not _CELL.fullmatch(cell.text):
            name = labels.cleaned(cell.text) or cell.text
            continue
        if column.text in clocks:
            told.append(SetAside(column.text, Aside.DURATION, cell.text[:80]))
            continue
        named = "" if asides.LISTED.search(column.text) else name
        _cell(column.text, cell.text, named if pair else "", counters, told, values)
    items = tuple(
        Item(".".join(filter(None, (name, column))), value, tuple(counters), weak=value is None)
        for column, value in values
    )
    return Found(items, tuple(told), tuple(counters))


def _cell(
    column: str,
    text: str,
    name: str,
    counters: list[Counter],
    told: list[SetAside],
    values: list[tuple[str, Scalar]],
) -> None:
    found = list(numbers.tokens(" " + text))
    if not found:
        return
    token = found[0]
    counted = labels.counter(column) or (
        ("#", "") if column == "#" else ("E", "") if column == "E" else None
    )
    if counted and isinstance(token.value, int):
        counters.append(Counter(counted[0], token.value))
        if len(found) == 2:
            told.append(SetAside(f"{counted[0]} (of)", Aside.PROGRESS, text[:80]))
        return
    for at, token in enumerate(found):
        label = column if at == 0 else f"{column} ({at + 1})"
        reason = token.reason or asides.by_name(column) or (asides.by_name(name) if name else None)
        if reason:
            told.append(SetAside(".".join(filter(None, (name, label))), reason, text[:80]))
        else:
            values.append((label, token.value))
