"""Readers of metric and parameter files: bytes of one format in, values by dotted name out.

A new source is one function and one line in ``READERS``.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from repro import plain_yaml
from repro.manifest import Metric, MetricType, Scalar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STEP_COLUMNS = (
    "step",
    "steps",
    "epoch",
    "epochs",
    "iter",
    "iteration",
    "iterations",
    "batch",
    "round",
)
"""Columns of a table that number its rows rather than measure something; the first one found wins."""


def reader_of(path: str) -> Callable[[bytes, str], tuple[Metric, ...]] | None:
    """The reader for a file of this name; None where its format is not known."""
    return READERS.get(PurePosixPath(path).suffix.lower())


def type_of(value: Scalar) -> MetricType:
    """What kind of value it is: a bool is no number, an int and a float both are."""
    match value:
        case None:
            return MetricType.NULL
        case bool():
            return MetricType.BOOLEAN
        case int() | float():
            return MetricType.NUMBER
        case _:
            return MetricType.TEXT


def flatten(document: Any, source: str) -> tuple[Metric, ...]:
    """The leaves of nested keys, as metrics in the document's order. A list of numbers is a series."""
    return tuple(_leaves(document, source, ""))


def _leaves(node: Any, source: str, name: str) -> Iterator[Metric]:
    match node:
        case dict() if not node:
            yield Metric(source, name, MetricType.EMPTY_OBJECT)
        case list() if not node:
            yield Metric(source, name, MetricType.EMPTY_ARRAY)
        case dict():
            for key, value in node.items():
                yield from _leaves(value, source, _join(name, _key(key)))
        case list() if all(_is_number(item) for item in node):
            yield Metric(
                source, name, MetricType.SERIES, steps=tuple(range(len(node))), values=tuple(node)
            )
        case list():
            for position, value in enumerate(node):
                yield from _leaves(value, source, _join(name, str(position)))
        case None | bool() | int() | float() | str():
            yield Metric(source, name, type_of(node), node)
        case _:  # TOML's dates and times
            yield Metric(source, name, MetricType.TEXT, node.isoformat())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(key: Any) -> str:
    match key:
        case None:
            text = "null"
        case bool():
            text = str(key).lower()
        case _:
            text = str(key)
    return text.replace("\\", "\\\\").replace(".", "\\.")


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: byte {error.start}") from error


def read_json(content: bytes, source: str) -> tuple[Metric, ...]:
    """A JSON document; NaN and Infinity as Python's json writes them are read."""
    if not content.strip():
        return ()
    try:
        return flatten(json.loads(_text(content), object_pairs_hook=_unique), source)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return document


def read_yaml(content: bytes, source: str) -> tuple[Metric, ...]:
    """A YAML document, in the core schema of YAML 1.2."""
    document = plain_yaml.load(_text(content))
    return () if document is None else flatten(document, source)


def read_toml(content: bytes, source: str) -> tuple[Metric, ...]:
    """A TOML document; dates become ISO 8601 text."""
    document = tomllib.loads(_text(content))
    return flatten(document, source) if document else ()


def read_csv(content: bytes, source: str) -> tuple[Metric, ...]:
    """A table with a header: one series per column, by the step column or else the row number."""
    return _table(content, source, ",")


def read_tsv(content: bytes, source: str) -> tuple[Metric, ...]:
    """The same, separated by tabs."""
    return _table(content, source, "\t")


def _table(content: bytes, source: str, delimiter: str) -> tuple[Metric, ...]:
    try:
        rows = [row for row in csv.reader(io.StringIO(_text(content)), delimiter=delimiter) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(rows) < 2:
        return ()
    header, body = [name.strip() for name in rows[0]], rows[1:]
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} fields, the header has {len(header)}")
    if len(set(header)) != len(header):
        raise ValueError("two columns have the same name")
    columns = {name: tuple(_cell(row[at]) for row in body) for at, name in enumerate(header)}
    label = _step_column(columns)
    steps = columns[label] if label is not None else tuple(range(len(body)))
    return tuple(
        Metric(source, _key(name) or "index", MetricType.SERIES, steps=steps, values=values)
        for name, values in columns.items()
        if name != label
    )


def _step_column(columns: dict[str, tuple[Scalar, ...]]) -> str | None:
    for wanted in STEP_COLUMNS:
        for name, values in columns.items():
            if name.lower() == wanted and len(set(values)) == len(values) and len(columns) > 1:
                return name
    return None


def _cell(text: str) -> Scalar:
    text = text.strip()
    if "_" in text:
        return text  # Python would read 1_000 as a number, no table means that
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text or None


READERS: dict[str, Callable[[bytes, str], tuple[Metric, ...]]] = {
    ".json": read_json,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".toml": read_toml,
    ".csv": read_csv,
    ".tsv": read_tsv,
}
