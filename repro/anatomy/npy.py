"""numpy's own files, read without numpy: ``.npy``, and ``.npz``, a zip archive of them."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.anatomy import streams
from repro.anatomy.inside import arrays
from repro.anatomy.inside.values import Refused
from repro.anatomy.nouns import Document, Tensor, Unreadable, counted
from repro.anatomy.streams import Opener
from repro.anatomy.tensors import exactly

HEADER = 1 << 16
MEMBERS = 100_000


class Objects(Unreadable):
    """Its items are pickled objects, which may carry code."""


def read(path: Path) -> Document:
    """One array. Raises Unreadable, Objects, OSError."""
    with path.open("rb") as file:
        fields, item, shape, fortran = _header(file)
        start, size = file.tell(), path.stat().st_size
    if counted(shape) * item != size - start:
        raise Unreadable("its header and its size do not fit together")
    opened = streams.at(path, start)
    return Document("npy", streams.gathered(tensors("", fields, item, shape, fortran, opened)))


def read_archive(path: Path) -> Document:
    """Every array of the archive, by its name. Raises Unreadable, OSError."""
    notes: list[str] = []
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MEMBERS or not all(item.filename.endswith(".npy") for item in members):
            raise Unreadable("it is no archive of arrays alone")
        leaves = streams.gathered(
            pair for item in members for pair in _member(path, archive, item, notes)
        )
    return Document("npz", leaves, tuple(notes))


def _member(
    path: Path, archive: zipfile.ZipFile, item: zipfile.ZipInfo, notes: list[str]
) -> Iterator[tuple[str, Tensor]]:
    name = item.filename.removesuffix(".npy")
    with archive.open(item) as file:
        try:
            fields, width, shape, fortran = _header(file)
        except Objects:
            notes.append(f"{name} holds pickled objects: compared as bytes")
            opened = streams.member(path, item, 0)
            yield name, Tensor("uint8", (item.file_size,), item.file_size, opened)
            return
        start = file.tell()
    if counted(shape) * width != item.file_size - start:
        raise Unreadable(f"the header and the size of {name} do not fit together")
    yield from tensors(name, fields, width, shape, fortran, streams.member(path, item, start))


def tensors(
    name: str,
    fields: list[tuple[str, str, int, int, bool]],
    item: int,
    shape: tuple[int, ...],
    fortran: bool,
    opened: Opener,
) -> Iterator[tuple[str, Tensor]]:
    """One tensor for each field of the type; most have one."""
    size = counted(shape) * item
    for suffix, dtype, width, start, big in fields:
        place = name + suffix if name else suffix.removeprefix(".")
        yield place, Tensor(dtype, shape, size, opened, item, start, width, fortran, big)


def _header(file: Any) -> tuple[list[tuple[str, str, int, int, bool]], int, tuple[int, ...], bool]:
    """Fields, bytes of an item, shape, by columns. The file stands at the data afterwards."""
    begin = exactly(file, 8)
    if begin[:6] != b"\x93NUMPY" or begin[6] not in (1, 2, 3):
        raise Unreadable("it is no npy file")
    length = int.from_bytes(exactly(file, 2 if begin[6] == 1 else 4), "little")
    if length > HEADER:
        raise Unreadable("its header is too long")
    try:
        text = exactly(file, length).decode("utf-8" if begin[6] == 3 else "latin1")
        header = ast.literal_eval(text.strip())
        shape, fortran, dtype = header["shape"], header["fortran_order"], header["descr"]
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("a shape that is none")
        fields, item = _fields(dtype)
    except Unreadable:
        raise
    except (
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        MemoryError,
        RecursionError,
        Refused,
    ) as error:
        raise Unreadable(f"its header is none: {str(error)[:80]}") from error
    return fields, item, tuple(shape), bool(fortran)


def _fields(dtype: Any) -> tuple[list[tuple[str, str, int, int, bool]], int]:
    if isinstance(dtype, str):
        known = arrays.simple(dtype[1:] if dtype[:1] in "<>|=" else dtype)
        if known is None:
            raise Objects("its items are pickled objects")
        return [("", known[0], known[1], 0, dtype[:1] == ">")], known[1]
    found, at = [], 0
    for entry in dtype:
        (name, inner), repeated = entry[:2], entry[2] if len(entry) > 2 else ()
        within, width = _fields(inner)
        title = name[1] if isinstance(name, tuple) else name
        if repeated:
            width *= counted(tuple(repeated))
            within = [("", f"V{width}", width, 0, False)]
        found += [
            (f".{title}{rest}", kind, size, at + start, big)
            for rest, kind, size, start, big in within
        ]
        at += width
    return [field for field in found if field[0] != "."], at
