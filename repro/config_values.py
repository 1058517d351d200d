"""The values that stand behind the keys of repro.yaml, each checked.

What reads one raises ValueError: what was expected, and what was found.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from repro import sizes

SHOWN = 60
"""Characters of a wrong value that a message shows."""


def kind(value: Any) -> str:
    """What a wrong value is, for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()}"
        case dict():
            return "keys and values"
        case list():
            return "a list"
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."


_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")


def text(value: Any, expected: str = "text") -> str:
    """One line."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected {expected}, found {kind(value)}")
    if _CONTROL.search(value):
        raise ValueError(f"expected {expected} in one line, found {kind(value)}")
    return value


def texts(value: Any, expected: str = "text", many: str = "a list") -> tuple[str, ...]:
    """A list of such lines; of one without brackets too."""
    if isinstance(value, str):
        return (text(value, expected),)
    if not isinstance(value, list):
        raise ValueError(f"expected {many}, found {kind(value)}")
    return tuple(text(item, expected) for item in value)


def folder(value: Any, expected: str = "a folder") -> str:
    """A path inside the project, or the project itself."""
    place = PurePosixPath(text(value, expected))
    if place.is_absolute() or ".." in place.parts or place.parts[:1] == ("~",):
        raise ValueError(f"{kind(value)} is outside the project; paths are relative to repro.yaml")
    return place.as_posix()


def path(value: Any) -> str:
    """A path inside the project."""
    found = folder(value, "a path")
    if found == ".":
        raise ValueError("expected a path inside the project, found the project itself")
    return found


def places(value: Any) -> tuple[str, ...]:
    """Paths inside the project, or absolute ones: what a run writes elsewhere is an output too."""
    return tuple(
        item if PurePosixPath(item).is_absolute() and ".." not in item.split("/") else path(item)
        for item in texts(value, "a path", "a path, or a list of paths")
    )


def paths(value: Any) -> tuple[str, ...]:
    """One such path, or several."""
    return tuple(path(item) for item in texts(value, "a path", "a path, or a list of paths"))


def word(value: Any) -> str:
    """A word may be empty, or have several lines: sh -c takes such ones."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"expected words as text, numbers in quotes, found {kind(value)}")
    return value


def size(value: Any) -> int:
    """Bytes from ``1000``, ``"50 MB"`` or ``"1GiB"``."""
    try:
        return sizes.size(value)
    except ValueError as error:
        raise ValueError(f"{error}, found {kind(value)}") from error
