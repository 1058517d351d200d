"""Readers of metric and parameter files: bytes of one format in, values by dotted name out.

A new source is one function and one line in ``READERS``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from repro import plain_yaml, strict_json
from repro.capturing import flattening
from repro.manifest import Metric, MetricType, Scalar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def reader_of(path: str) -> Callable[[bytes, str], tuple[Metric, ...]] | None:
    """The reader for a file of this name; None where its format is not known."""
    return READERS.get(PurePosixPath(path).suffix.lower())


def declared_reader_of(path: str) -> Callable[[bytes, str], tuple[Metric, ...]] | None:
    """The same for a file that is declared to hold metrics: then a ``.log`` may be a table too."""
    return reader_of(path) or (read_table if path.lower().endswith(".log") else None)


def decoded(content: bytes) -> str:
    """The text of a file. Raises ValueError where it is none, or not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("UTF-16 text, where UTF-8 is expected")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: byte {error.start}") from error
    if "\0" in text:
        raise ValueError("no text: it holds NUL bytes")
    return text


def _float(text: str) -> float | str:
    """The number; its text where a float cannot hold it: 1e400 and 1e500 are not the same."""
    number = float(text)
    return text if math.isinf(number) and any(map(str.isdigit, text)) else number


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError("a number has too many digits") from error


def _most(content: bytes) -> int:
    return max(flattening.MOST, len(content))


def read_json(content: bytes, source: str) -> tuple[Metric, ...]:
    """A JSON document; NaN and Infinity as Python's json writes them are read.

    Several objects, one in a line, are read as JSON lines: some tools call those ``.json`` too.
    """
    text = decoded(content)
    if not text.strip():
        return ()
    try:
        document = _parsed(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" or not text.lstrip().startswith("{"):
            raise
        try:
            return read_json_lines(content, source)
        except ValueError:
            raise error from None
    return () if document is None else flattening.flatten(document, source, _most(content))


def read_json_lines(content: bytes, source: str) -> tuple[Metric, ...]:
    """An object in each line: a series per key, nested ones flattened, by the step that all of them
    have or else the number of the row."""
    rows: list[dict[Any, Any]] = []
    for number, line in enumerate(decoded(content).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _parsed(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is no object")
        rows.append(row)
    return tuple(flattening.series(rows, flattening.step_key(rows), source, most=_most(content)))


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=strict_json.unique, parse_float=_float, parse_int=_int
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_yaml(content: bytes, source: str) -> tuple[Metric, ...]:
    """A YAML document, in the core schema of YAML 1.2."""
    document = plain_yaml.load(decoded(content))
    return () if document is None else flattening.flatten(document, source, _most(content))


def read_toml(content: bytes, source: str) -> tuple[Metric, ...]:
    """A TOML document; dates become ISO 8601 text."""
    try:
        document = tomllib.loads(decoded(content), parse_float=_float)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return flattening.flatten(document, source, _most(content)) if document else ()


def read_csv(content: bytes, source: str) -> tuple[Metric, ...]:
    """A table with a header: one series per column, by the step column or else the row number."""
    return _table(content, source, ",")


def read_tsv(content: bytes, source: str) -> tuple[Metric, ...]:
    """The same, separated by tabs."""
    return _table(content, source, "\t")


def read_table(content: bytes, source: str) -> tuple[Metric, ...]:
    """A log that is a table with a header, as Keras' CSVLogger writes: commas, semicolons or tabs.

    Raises ValueError where its first line is no header, or no column holds numbers.
    """
    first = decoded(content).lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    if len(names) < 2 or any(not name or type(cell(name)) is not str for name in names):
        raise ValueError("it is no table: its first line is no header")
    found = _table(content, source, delimiter)
    if found and not any(flattening.is_number(value) for item in found for value in item.values):
        raise ValueError("it is no table of numbers")
    return found


def _table(content: bytes, source: str, delimiter: str) -> tuple[Metric, ...]:
    reader = csv.reader(io.StringIO(decoded(content)), delimiter=delimiter)
    try:
        lines = _rows([(reader.line_num, row) for row in reader])
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    if len(lines) < 2:
        if any(flattening.is_number(cell(text)) for _, row in lines for text in row):
            raise ValueError("its only line has numbers, where a header is expected")
        return ()
    header, body = _header(lines[0][1]), [row for _, row in lines[1:]]
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise ValueError(f"line {number} has {len(row)} fields, the header has {len(header)}")
    columns = {name: tuple(cell(row[at]) for row in body) for at, name in enumerate(header)}
    label = _step_column(columns)
    steps = columns[label] if label is not None else tuple(range(len(body)))
    return tuple(
        Metric(source, flattening.escaped(name), MetricType.SERIES, steps=steps, values=values)
        for name, values in columns.items()
        if name != label
    )


def _rows(lines: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows without blank lines; but in a table of one column a blank line is a missing value."""
    while lines and not lines[-1][1]:
        lines.pop()
    filled = [(number, row) for number, row in lines if any(map(str.strip, row)) or len(row) > 1]
    if not filled or len(filled[0][1]) > 1:
        return filled
    first = lines.index(filled[0])
    return [(number, row or [""]) for number, row in lines[first:]]


def _header(row: list[str]) -> list[str]:
    header = [name.strip() for name in row]
    if len(set(header)) != len(header):
        raise ValueError("two columns have the same name")
    # pandas writes its index without a name
    return header if "index" in header else [name or "index" for name in header]


def _step_column(columns: dict[str, tuple[Scalar, ...]]) -> str | None:
    for wanted in flattening.STEP_COLUMNS:
        for name, values in columns.items():
            if name.lower() == wanted and len(set(values)) == len(values) and len(columns) > 1:
                return name
    return None


def cell(text: str) -> Scalar:
    """The number that a text is, else the text; None for an empty one."""
    text = text.strip()
    if "_" in text:
        return text  # Python would read 1_000 as a number, no table means that
    try:
        return flattening.bounded(int(text))
    except ValueError:
        pass
    try:
        return _float(text)
    except ValueError:
        return text or None


READERS: dict[str, Callable[[bytes, str], tuple[Metric, ...]]] = {
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".toml": read_toml,
    ".csv": read_csv,
    ".tsv": read_tsv,
}
