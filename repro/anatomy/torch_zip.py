"""torch's checkpoints since 1.6: a zip archive with a pickle that says what the tensors are, and a member
for the numbers of each. The pickle is followed step by step and never run (``inside/machine.py``), so it is
read here and not in a container."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.anatomy import streams
from repro.anatomy.inside import machine, walking
from repro.anatomy.inside.values import Array, Refused, Region
from repro.anatomy.nouns import Document, Scalar, Tensor, Unreadable
from repro.anatomy.npy import MEMBERS, tensors

PICKLE = 64 << 20
"""Bytes of the pickle in it."""


def read(path: Path) -> Document:
    """Every tensor and every value. Raises Unreadable, OSError."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MEMBERS:
            raise Unreadable(f"it has more than {MEMBERS} members")
        by_name = {item.filename: item for item in members}
        pickle = next((item for item in members if item.filename.endswith("data.pkl")), None)
        if pickle is None or pickle.file_size > PICKLE:
            raise Unreadable("it has no data.pkl of a size that is read")
        folder = pickle.filename[: -len("data.pkl")]
        order = by_name.get(f"{folder}byteorder")
        big = order is not None and archive.read(order)[:3] == b"big"
        with archive.open(pickle) as file:
            try:
                found = list(walking.leaves(machine.load(file, pickle.file_size)))
                if file.read(1):
                    raise Refused("bytes stand behind the end of its pickle")
            except Refused as error:
                raise Unreadable(str(error)) from error
    leaves = streams.gathered(
        pair for place, leaf in found for pair in _leaf(path, by_name, folder, place, leaf, big)
    )
    return Document("torch checkpoint", leaves)


def _leaf(
    path: Path, members: dict[str, zipfile.ZipInfo], folder: str, place: str, leaf: Any, big: bool
) -> Iterator[tuple[str, Scalar | Tensor]]:
    if not isinstance(leaf, Array):
        yield place, leaf
        return
    fields, data = leaf.fields, leaf.data
    if isinstance(data, Region):
        item = members.get(f"{folder}data/{data.member}") or members.get(f"{folder}{data.member}")
        if item is None or data.offset + data.size > item.file_size:
            raise Unreadable(f"the numbers of {place[:60]} are not in it")
        fields = [(suffix, kind, width, start, big) for suffix, kind, width, start, _ in fields]
        opened = streams.member(path, item, data.offset)
    else:
        opened = streams.held(data)
    yield from tensors(place, fields, leaf.item, leaf.shape, leaf.fortran, opened)
