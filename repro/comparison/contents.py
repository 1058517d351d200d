"""Where two contents first differ, in one line: by key for JSON, by cell for CSV, by line for text.

Whatever cannot be read as what its name promises is compared as the next simpler thing: text, then
bytes. Content is not trusted; every excerpt is short, and the reports escape what is in it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

from repro import strict_json
from repro.comparison.nouns import Sides
from repro.comparison.pairing import count

EXCERPT = 40
"""Characters of a value that are quoted."""


def first_difference(path: str, a: bytes, b: bytes, sides: Sides) -> str:
    """One line on two contents that are not the same; never an exception."""
    for reader in (*_readers(path), _text):
        try:
            if found := reader(a, b, sides):
                return found
        except (ValueError, RecursionError, csv.Error):
            continue  # not what its name promises: the next reader takes it for less
    return _bytes(a, b)


def quoted(text: str) -> str:
    """The text in quotes, shortened at its end."""
    cut = text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "..."
    return json.dumps(cut, ensure_ascii=False)


_Reader = Callable[[bytes, bytes, Sides], str]


def _readers(path: str) -> tuple[_Reader, ...]:
    name = path.lower()
    if name.endswith((".json", ".ipynb", ".geojson", ".webmanifest")):
        return (_json,)
    if name.endswith((".csv", ".tsv")):
        delimiter = "\t" if name.endswith(".tsv") else ","
        return (lambda a, b, sides: _csv(a, b, sides, delimiter),)
    return ()


# --- JSON -----------------------------------------------------------------------------------

_NOT_THERE = object()


def _json(a: bytes, b: bytes, sides: Sides) -> str:
    # with a key that stands twice, the values do not tell the whole content
    hook = strict_json.unique
    ours, theirs = (json.loads(content, object_pairs_hook=hook) for content in (a, b))
    for keys, left, right in _leaves(ours, theirs, ()):
        where = f"at {'.'.join(keys)}: " if keys else ""
        if left is _NOT_THERE or right is _NOT_THERE:
            return f"{where}only in {sides[left is _NOT_THERE]}"
        return f"{where}{_shown(left)} -> {_shown(right)}"
    return "the same values, written differently"


def _leaves(a: Any, b: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The places that differ, in the order of the first side's keys, then the second's."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            yield from _leaves(a.get(key, _NOT_THERE), b.get(key, _NOT_THERE), (*keys, key))
    elif isinstance(a, list) and isinstance(b, list):
        for index, (left, right) in enumerate(zip_longest(a, b, fillvalue=_NOT_THERE)):
            yield from _leaves(left, right, (*keys, str(index)))
    elif type(a) is not type(b) or (a != b and not (a != a and b != b)):
        yield keys, a, b


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


# --- CSV and text ---------------------------------------------------------------------------


def _csv(a: bytes, b: bytes, sides: Sides, delimiter: str) -> str:
    ours, theirs = (
        list(csv.reader(io.StringIO(_decoded(content), newline=""), delimiter=delimiter))
        for content in (a, b)
    )
    header = ours[0] if ours and theirs and ours[0] == theirs[0] else []
    for number, (left, right) in enumerate(zip_longest(ours, theirs), start=1):
        if left is None or right is None:
            only = max(len(ours), len(theirs)) - number + 1
            return f"row {number}: {count(only, 'row')} only in {sides[left is None]}"
        for column, (one, other) in enumerate(zip_longest(left, right)):
            if one != other:
                name = f" ({quoted(header[column])})" if column < len(header) else ""
                where = f"row {number}, column {column + 1}{name}: "
                if one is None or other is None:
                    return f"{where}only in {sides[one is None]}"
                return f"{where}{quoted(one)} -> {quoted(other)}"
    return "the same cells, written differently"


def _text(a: bytes, b: bytes, sides: Sides) -> str:
    ours, theirs = (_decoded(content).split("\n") for content in (a, b))
    for number, (left, right) in enumerate(zip_longest(ours, theirs), start=1):
        if left is None or right is None:
            return f"line {number}: the content goes on in {sides[left is None]}"
        if left != right:
            column = next(
                index for index, pair in enumerate(zip_longest(left, right)) if pair[0] != pair[1]
            )
            start = max(0, column - EXCERPT // 2) if max(len(left), len(right)) > EXCERPT else 0
            prefix = "..." if start else ""
            return f"line {number}: " + " -> ".join(
                quoted(prefix + line[start:]) for line in (left, right)
            )
    return ""


def _decoded(content: bytes) -> str:
    if b"\0" in content:
        raise ValueError("binary")
    return content.decode("utf-8")


# --- bytes ----------------------------------------------------------------------------------


def _bytes(a: bytes, b: bytes) -> str:
    sizes = f"{len(a)} -> {len(b)} bytes" if len(a) != len(b) else f"both {len(a)} bytes"
    return f"first differing byte at offset {_offset(a, b)}; {sizes}"


def _offset(a: bytes, b: bytes) -> int:
    """Length of what the two have in common at the beginning."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # always: what lies before low is the same
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
