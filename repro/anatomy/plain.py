"""What was read inside a container, as it wrote it down (``inside/dumping.py``). A stranger wrote it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from repro.anatomy.elements import KINDS
from repro.anatomy.inside.values import Word
from repro.anatomy.nouns import Document, Scalar, Tensor, Unreadable, counted
from repro.anatomy.npy import tensors
from repro.anatomy.streams import gathered

LINES = 1 << 30
"""Bytes of all lines."""
LINE = 1 << 20
_DAMAGED = "what the container wrote is damaged"
FORMATS = ("pickle", "torch checkpoint", "hdf5", "keras", "parquet", "image", "npy")


def read(place: Path) -> Document:
    """The document at ``place``.jsonl and ``place``.bin. Raises Unreadable with the reader's own reason
    where it left one, OSError."""
    reason = _reason(place.with_name(place.name + ".reason"))
    if reason:
        raise Unreadable(reason)
    entries = _entries(place.with_name(place.name + ".jsonl"))
    format = _format(next(entries, {}))
    data = place.with_name(place.name + ".bin")
    return Document(format, gathered(_leaves(entries, data, _size(data))))


def _leaves(
    entries: Iterator[dict[str, Any]], data: Path, size: int
) -> Iterator[tuple[str, Scalar | Tensor]]:
    at = 0
    for entry in entries:
        if entry.get("end") is True:
            return
        found, length = _leaf(entry, data, at)
        at += length
        if at > size:
            raise Unreadable("what the container wrote is not whole")
        yield from found
    raise Unreadable("the reader in the container did not come to its end")


def _reason(path: Path) -> str:
    try:
        with os.fdopen(_descriptor(path), "rb") as file:
            return file.read(400).decode("utf-8", "replace").strip() or "no reason was given"
    except FileNotFoundError:
        return ""


def _descriptor(path: Path) -> int:
    """The file itself: not what a link leads to, and nothing that blocks."""
    found = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Unreadable("what the container wrote is no file")
    return found


def _size(path: Path) -> int:
    with os.fdopen(_descriptor(path), "rb") as file:
        return os.fstat(file.fileno()).st_size


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with os.fdopen(_descriptor(path), "rb") as file:
        if os.fstat(file.fileno()).st_size > LINES:
            raise Unreadable("the container wrote too much")
        while line := file.readline(LINE):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise Unreadable(_DAMAGED) from error
            if not isinstance(entry, dict):
                raise Unreadable(_DAMAGED)
            yield entry


def _format(entry: dict[str, Any]) -> str:
    found = entry.get("format")
    if found not in FORMATS:
        raise Unreadable("what the container wrote is of no known format")
    return str(found)


def _leaf(
    entry: dict[str, Any], data: Path, at: int
) -> tuple[list[tuple[str, Scalar | Tensor]], int]:
    path = entry.get("path")
    if not isinstance(path, str):
        raise Unreadable(_DAMAGED)
    if "size" not in entry:
        return [(path, _value(entry))], 0
    try:
        return list(_tensors(path, entry, data, at)), entry["size"]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise Unreadable(_DAMAGED) from error


def _value(entry: dict[str, Any]) -> Scalar:
    if isinstance(word := entry.get("word"), str):
        return Word(word)
    value = entry.get("value", entry)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise Unreadable(_DAMAGED)


def _tensors(path: str, entry: dict[str, Any], data: Path, at: int) -> Iterator[tuple[str, Tensor]]:
    item, shape, size = entry["item"], tuple(entry["shape"]), entry["size"]
    if not all(type(number) is int and number >= 0 for number in (item, size, *shape)):
        raise ValueError("a number that is none")
    if counted(shape) * item != size or len(entry["fields"]) > 1000:
        raise ValueError("a tensor that is none")
    fields = []
    for suffix, kind, width, start, big in entry["fields"]:
        known = KINDS.get(kind)
        if not (
            type(width) is type(start) is int and start >= 0 and width > 0 and start + width <= item
        ):
            raise ValueError("a field beyond its item")
        if (
            not isinstance(suffix, str)
            or not isinstance(kind, str)
            or (known and known.size != width)
        ):
            raise ValueError("a field that is none")
        fields.append((suffix, kind, width, start, bool(big)))

    def opened() -> BinaryIO:
        stream = os.fdopen(_descriptor(data), "rb")
        stream.seek(at)
        return stream

    return tensors(path, fields, item, shape, bool(entry.get("fortran")), opened)
