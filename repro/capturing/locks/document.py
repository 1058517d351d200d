"""Looks into a parsed document that anybody may have written: what is of another type counts as not there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from repro import plain_yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def toml(content: str) -> dict[str, Any]:
    """A TOML document. Raises ValueError where it is none."""
    return _whole(tomllib.loads, content)


def json_object(content: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError where it is none."""
    return _whole(json.loads, content)


def yaml(content: str) -> dict[str, Any]:
    """A YAML document of keys and values. Raises ValueError where it is none."""
    return _whole(plain_yaml.load, content)


def _whole(load: Callable[[str], Any], content: str) -> dict[str, Any]:
    try:
        found = load(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it does not consist of keys and values")
    return found


def table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> Iterator[Mapping[str, Any]]:
    """The tables of a list."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def version(value: Any) -> str | None:
    """A version; YAML makes a number of one that nobody quoted, and only a whole one keeps its text."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else ()
    return tuple(item for item in found if isinstance(item, str))


def unnamed(value: Any, what: str) -> tuple[str, ...]:
    """Says how many entries of a list have no name, and so could not be read."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return (f"{what} is no list",)
    named = sum(1 for item in rows(value) if text(item.get("name")))
    lost = len(value) - named
    return (f"{lost} of its entries have no name",) if lost else ()
