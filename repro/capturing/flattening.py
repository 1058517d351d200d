"""A parsed document as named values: keys joined by dots, lists of numbers and tables of steps as series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from repro.manifest import Metric, MetricType, Scalar

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

DEEPEST = 200
"""Levels of nesting; a limit of our own, because Python's depends on who calls."""
MOST = 100_000
"""Values that YAML's aliases may make of a few lines; a file without any has one in two bytes at most."""
BITS = 14_000
"""Of an integer: Python writes no longer one down."""


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


def flatten(document: Any, source: str, most: int = MOST) -> tuple[Metric, ...]:
    """The leaves of nested keys, as metrics in the document's order. A list of numbers is a series.

    Raises ValueError where it is too deep, or has more values than ``most``.
    """
    leaves, count = [], 0
    for leaf in _leaves(document, source, None, 0, most):
        leaves.append(leaf)
        count += 1 + len(leaf.values)
        if count > most:
            raise ValueError("its aliases make too many values of it")
    return tuple(leaves)


def _leaves(node: Any, source: str, name: str | None, depth: int, most: int) -> Iterator[Metric]:
    label = name or ""
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    match node:
        case dict() if not node:
            yield Metric(source, label, MetricType.EMPTY_OBJECT)
        case list() if not node:
            yield Metric(source, label, MetricType.EMPTY_ARRAY)
        case dict():
            for key, value in node.items():
                yield from _leaves(value, source, _join(name, escaped(key)), depth + 1, most)
        case list() if (label_of := step_key(node)) is not None:
            yield from series(node, label_of, source, name, depth + 1, most=most)
        case list() if all(is_number(item) for item in node):
            values = tuple(bounded(item) for item in node)
            yield Metric(
                source, label, MetricType.SERIES, steps=tuple(range(len(node))), values=values
            )
        case list():
            for position, value in enumerate(node):
                yield from _leaves(value, source, _join(name, str(position)), depth + 1, most)
        case None | bool() | int() | float() | str():
            yield Metric(source, label, type_of(node), bounded(node))
        case _:  # TOML's dates and times
            yield Metric(source, label, MetricType.TEXT, node.isoformat())


def step_key(rows: list[Any]) -> str | None:
    """The key by which a list of objects is a history: all of them have it, and it is a number."""
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    for wanted in STEP_COLUMNS:
        for key in rows[0]:
            if str(key).lower() == wanted and all(is_number(row.get(key)) for row in rows):
                return str(key) if len({len(row) for row in rows} - {1}) else None
    return None


def series(
    rows: list[dict[Any, Any]],
    label: str | None,
    source: str,
    name: str | None = None,
    depth: int = 0,
    *,
    most: int,
) -> Iterator[Metric]:
    """A series per key over the rows that have it, by the value of the label or else the row's number.

    A step that stands there twice is kept twice.
    """
    found: dict[str, list[tuple[Scalar, Scalar]]] = {}
    count = 0
    for at, row in enumerate(rows):
        step = bounded(row[label]) if label is not None else at
        for key, value in row.items():
            if key == label:
                continue
            for leaf in _leaves(value, source, _join(name, escaped(key)), depth + 1, most):
                count += 1 + len(leaf.values)
                if count > most:
                    raise ValueError("its aliases make too many values of it")
                for inner, scalar in _scalars(leaf):
                    found.setdefault(inner, []).append((step, scalar))
    for inner, points in found.items():
        steps, values = zip(*points)
        yield Metric(source, inner, MetricType.SERIES, steps=steps, values=values)


def _scalars(leaf: Metric) -> Iterator[tuple[str, Scalar]]:
    """The values of a leaf, each with its name; what is empty is so in words."""
    match leaf.type:
        case MetricType.SERIES:
            yield from ((f"{leaf.name}.{at}", value) for at, value in enumerate(leaf.values))
        case MetricType.EMPTY_OBJECT:
            yield leaf.name, "{}"
        case MetricType.EMPTY_ARRAY:
            yield leaf.name, "[]"
        case _:
            yield leaf.name, leaf.value


def bounded(value: Scalar) -> Scalar:
    """The value. Raises ValueError where it is a number that could not be written down again."""
    if isinstance(value, int) and value.bit_length() > BITS:
        raise ValueError("a number has too many digits")
    return value


def is_number(value: Any) -> bool:
    """Also NaN; no bool, though Python takes one for a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def escaped(key: Any) -> str:
    """A key as a part of a dotted name: its own dots and backslashes marked."""
    match key:
        case None:
            text = "null"
        case bool():
            text = str(key).lower()
        case _:
            text = str(bounded(key))
    return text.replace("\\", "\\\\").replace(".", "\\.") or "\\e"  # an empty key is one too


def _join(name: str | None, key: str) -> str:
    return key if name is None else f"{name}.{key}"
