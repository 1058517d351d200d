"""Documents of keys and values: JSON, JSON lines, YAML, TOML, by path: ``$.a.b[3]``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro import plain_yaml, strict_json
from repro.anatomy import streams
from repro.anatomy.inside.values import Word
from repro.anatomy.nouns import DOCUMENT, LEAVES, Document, Scalar, Unreadable

PATHS = 64 << 20
"""Characters of all paths of a document together."""


def read_json(path: Path) -> Document:
    """Raises Unreadable, OSError; so do those that follow."""
    return _document("JSON", _json(_text(path)))


def read_lines(path: Path) -> Document:
    """A document a line; blank lines do not count."""
    lines = [_json(line) for line in _text(path).split("\n") if line.strip()]
    return Document(
        "JSON lines",
        streams.gathered(
            pair
            for number, line in enumerate(lines, 1)
            for pair in leaves(f"line {number}: $", line)
        ),
    )


def read_yaml(path: Path) -> Document:
    try:
        return _document("YAML", plain_yaml.load(_text(path).encode()))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not YAML: {_short(error)}") from error


def read_toml(path: Path) -> Document:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return _document("TOML", tomllib.loads(_text(path)))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not TOML: {_short(error)}") from error


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(DOCUMENT + 1)
    if len(content) > DOCUMENT:
        raise Unreadable(f"it is larger than {DOCUMENT >> 20} MiB")
    try:
        return content.decode("utf-8-sig")
    except ValueError as error:
        raise Unreadable("it is not UTF-8") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=strict_json.unique)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not JSON: {_short(error)}") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:100]


def _document(format: str, root: Any) -> Document:
    return Document(format, streams.gathered(leaves("$", root)))


_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


def leaves(start: str, root: Any) -> Iterator[tuple[str, Scalar]]:
    """Every value with its path; an empty list or object is a value too. Raises Unreadable where there
    are too many, as with aliases of aliases."""
    stack, count, written = [(start, root)], 0, 0
    while stack:
        path, value = stack.pop()
        inner = _inner(path, value)
        if inner:
            stack.extend(reversed(inner))
            written += sum(len(place) for place, _ in inner)
        else:
            count += 1
            yield path, _scalar(value)
        if count + len(stack) > LEAVES or written > PATHS:
            raise Unreadable(f"it holds more than {LEAVES} values")


def _inner(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        if len(value) > LEAVES:
            raise Unreadable(f"it holds more than {LEAVES} values")
        return [(_joined(path, key), item) for key, item in value.items()]
    if isinstance(value, list):
        if len(value) > LEAVES:
            raise Unreadable(f"it holds more than {LEAVES} values")
        return [(f"{path}[{at}]", item) for at, item in enumerate(value)]
    return []


def _joined(path: str, key: Any) -> str:
    if isinstance(key, str) and _NAME.fullmatch(key):
        return f"{path}.{key}"
    return f"{path}[{json.dumps(key if isinstance(key, str) else str(key), ensure_ascii=False)}]"


def _scalar(value: Any) -> Scalar:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict | list):
        return Word("{}" if isinstance(value, dict) else "[]")
    return str(value)  # a date of TOML
