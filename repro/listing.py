"""Selects and orders runs by what they measured, how they were set, and how their replay came out."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from repro.errors import UsageError
from repro.index import Row
from repro.manifest import Scalar

_CONDITION = re.compile(r"\s*(\S.*?)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OWN = ("verdict", "outcome", "duration", "created", "command", "commit", "name")


def select(rows: Iterable[Row], conditions: Iterable[str], sort: str | None) -> list[Row]:
    """The rows that meet all conditions, newest first or as ``sort`` says.

    Raises UsageError for a condition that cannot be read, or a name that no run has.
    """
    everything = found = list(rows)
    for text in conditions:
        name, test = _condition(text)
        _known(name, everything)
        found = [row for row in found if test(value_of(row, name))]
    if sort:
        name = sort.removeprefix("-")
        _known(name, everything)
        # a run without a value, or with one that has no place in an order, comes last both ways
        with_value = [row for row in found if _has_place(value_of(row, name))]
        without = [row for row in found if not _has_place(value_of(row, name))]
        with_value.sort(
            key=lambda row: _orderable(value_of(row, name)), reverse=sort.startswith("-")
        )
        found = with_value + without
    return found


def columns(conditions: Iterable[str], sort: str | None) -> tuple[str, ...]:
    """The names that the conditions and the order speak of: worth a column."""
    names = [_condition(text)[0] for text in conditions]
    if sort:
        names.append(sort.removeprefix("-"))
    return tuple(dict.fromkeys(name for name in names if name not in _OWN))


def value_of(row: Row, name: str) -> Scalar:
    """A run's own field, metric or parameter of that name; None where it has none.

    A metric that several files have is called ``file:name``; see metric_names.
    """
    match name:
        case "verdict":
            return row.verdict or "none"
        case "outcome" | "duration" | "created" | "command" | "commit":
            value: Scalar = getattr(row, name)
            return value
        case "name":
            return row.names[0] if row.names else None
    if name in row.metrics or name in row.params:
        return row.metrics.get(name, row.params.get(name))
    found = [value for key, value in row.metrics.items() if key.endswith(f":{name}")]
    return found[0] if len(found) == 1 else None


def _condition(text: str) -> tuple[str, Callable[[Scalar], bool]]:
    match = _CONDITION.fullmatch(text)
    if not match or not match[3]:
        raise UsageError(
            f"cannot read the condition {text!r}", "for example --where 'accuracy>0.9'"
        )
    name, sign, wanted = match.groups()
    compare = _OPERATORS[sign]

    def test(value: Scalar) -> bool:
        number = _number(wanted)
        if name == "created":
            return compare(str(value), wanted)  # ISO 8601 sorts as text
        if isinstance(value, bool) or value is None or isinstance(value, str) or number is None:
            if sign in ("<", "<=", ">", ">="):
                return False
            word = wanted.lower() if isinstance(value, bool) else wanted
            return compare(_word(value), word) if value is not None else sign == "!="
        if number != number and sign in ("=", "==", "!="):
            return compare(value != value, True)  # NaN is NaN
        return compare(value, number)

    return name, test


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _orderable(value: Scalar) -> tuple[int, Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, value)
    return (1, str(value))


def _has_place(value: Scalar) -> bool:
    return value is not None and value == value


def _known(name: str, rows: list[Row]) -> None:
    if name in _OWN or not rows:
        return
    names = {key for row in rows for key in (*row.metrics, *row.params)}
    if name not in names and not any(key.endswith(f":{name}") for key in names):
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        raise UsageError(
            f"no run has a metric or parameter {name!r}",
            f"did you mean {' or '.join(close)}?"
            if close
            else f"there are: {', '.join(sorted(names)[:10])}",
        )
