"""Writes what was read in a plain form: a line of JSON for every value, and the numbers one after another
in a second file. The last line says that it is whole."""

from __future__ import annotations

import json
from typing import Any

from repro.anatomy.inside.values import Array, Refused, Region, Word

COPIED = 1 << 20
TEXT = 1 << 16
PATH = 4096
"""Characters of a path."""


def write(format: str, leaves: Any, content: str, place: str) -> None:
    """Write ``place``.jsonl and ``place``.bin; ``content`` is the file that regions lie in."""
    with open(place + ".jsonl", "w", encoding="utf-8") as lines, open(place + ".bin", "wb") as data:
        lines.write(json.dumps({"format": format}) + "\n")
        for path, leaf in leaves:
            if len(path) > PATH:
                raise Refused(f"a path of more than {PATH} characters")
            lines.write(json.dumps(_line(path, leaf)) + "\n")
            if isinstance(leaf, Array):
                _copy(leaf.data, content, data)
        lines.write(json.dumps({"end": True}) + "\n")


def _line(path: str, leaf: Any) -> Any:
    if isinstance(leaf, Array):
        return {
            "path": path,
            "fields": leaf.fields,
            "item": leaf.item,
            "shape": leaf.shape,
            "fortran": bool(leaf.fortran),
            "size": leaf.size,
        }
    if isinstance(leaf, Word):
        if len(leaf) > TEXT:
            raise Refused(f"a name of more than {TEXT} characters")
        return {"path": path, "word": str(leaf)}
    return {"path": path, "value": leaf}


def _copy(data: Any, content: str, target: Any) -> None:
    if not isinstance(data, Region):
        target.write(data)
        return
    with open(content, "rb") as file:
        file.seek(data.offset)
        left = data.size
        while left:
            chunk = file.read(min(left, COPIED))
            if not chunk:
                raise Refused("it ends early")
            target.write(chunk)
            left -= len(chunk)
