"""Small files that share one layer: a tar of blobs, and beside it a listing that says which they are.

The tar is a function of the listing and the contents. A reader knows every byte of it that is no content
before it reads the first one; nothing in it is interpreted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from repro import canonical
from repro.bundles import layout
from repro.bundles.layout import Layer
from repro.bundles.refusing import refused
from repro.bundles.tar_writing import BLOCK, END, blob_name, header, padding
from repro.strict_json import shown

TAR_TYPE = "application/vnd.repro.group.v1.tar"
LISTING_TYPE = "application/vnd.repro.members.v1+json"
SCHEMA = "repro/members/v1"
ROLE = "groups"
MOST_MEMBERS = 1 << 16
LARGEST_LISTING = 1 << 26
"""Bytes that a listing may unpack to."""
_PATH = re.compile(r"groups/([0-9]{5})\.(tar|json)")


@dataclass(frozen=True)
class Group:
    """A layer with many members. Their blobs are those inside of the tar, none of them compressed."""

    archive: Layer
    listing: Layer
    members: tuple[Layer, ...]


def paths(number: int) -> tuple[str, str]:
    """Of the tar and of the listing; ``number`` counts from 1."""
    return f"{ROLE}/{number:05}.tar", f"{ROLE}/{number:05}.json"


def distinct(members: Iterable[Layer]) -> dict[str, int]:
    """What the tar holds, in its order: each content once, size by digest."""
    found: dict[str, int] = {}
    for item in members:
        found.setdefault(item.content_digest, item.content_size)
    return found


def tar_size(members: Iterable[Layer]) -> int:
    """Bytes of the tar."""
    sizes = distinct(members).values()
    return sum(BLOCK + size + len(padding(size)) for size in sizes) + len(END)


# --- the listing ----------------------------------------------------------------------------


def dump_listing(members: Iterable[Layer]) -> bytes:
    """The canonical JSON of a listing: layers as the bundle's manifest has them."""
    layers = [layout.describe_layer(item) for item in members]
    return canonical.dumps({"schema": SCHEMA, "layers": layers})


def load_listing(content: bytes, name: str) -> tuple[Layer, ...]:
    """The inverse of ``dump_listing``. Raises Refused."""
    document = layout.read_object(content, name)
    if document.get("schema") != SCHEMA:
        raise refused(f"{name} has the schema {shown(document.get('schema'))}")
    entries = layout.read_list(document.get("layers"), name)
    if not 0 < len(entries) <= MOST_MEMBERS:
        raise refused(f"{name} has {len(entries)} members")
    members = tuple(layout.read_layer(item) for item in entries)
    sizes: dict[str, int] = {}
    for item in members:
        if item.is_compressed:
            raise refused(f"{shown(item.path)} is compressed inside of a group")
        if sizes.setdefault(item.content_digest, item.content_size) != item.content_size:
            raise refused(f"{shown(item.path)} has another size in another place")
    return members


def pairs(layers: Iterable[Layer]) -> tuple[tuple[Layer, Layer], ...]:
    """The tar and the listing of each group of a bundle. Raises Refused where one lacks the other."""
    found: dict[str, dict[str, Layer]] = {}
    for layer in layers:
        if layer.role == ROLE:
            match = _PATH.fullmatch(layer.path)
            wanted = {"tar": TAR_TYPE, "json": LISTING_TYPE}.get(match[2]) if match else None
            if match is None or layer.media_type != wanted:
                raise refused(f"it has no group like {shown(layer.path)} ({layer.media_type})")
            found.setdefault(match[1], {})[match[2]] = layer
    for number, both in found.items():
        if len(both) != 2:
            raise refused(f"the group {number} is not whole: it lacks its tar or its listing")
    return tuple((found[number]["tar"], found[number]["json"]) for number in sorted(found))


def joined(archive: Layer, listing: Layer, members: tuple[Layer, ...]) -> Group:
    """Raises Refused where the tar cannot be the one of these members."""
    size = tar_size(members)
    if archive.content_size != size:
        raise refused(
            f"{archive.path} has {archive.content_size} bytes, and its members make it {size}"
        )
    return Group(archive, listing, members)


# --- the tar --------------------------------------------------------------------------------


def unpack(
    chunks: Iterator[bytes],
    group: Group,
    place: Callable[[str], AbstractContextManager[IO[bytes]]],
) -> None:
    """Write each member's content where ``place`` says for its digest, verified, in constant memory.

    Raises Refused where the tar is not the one that the listing makes it, to the last byte.
    """
    stream, name = _Stream(chunks, group.archive.path), group.archive.path
    paths = {item.content_digest: item.path for item in reversed(group.members)}
    for digest, size in distinct(group.members).items():
        if stream.whole(BLOCK) != header(blob_name(digest), size):
            raise refused(f"{name} does not hold {shown(paths[digest])} where its listing says so")
        state = hashlib.sha256()
        with place(digest) as out:
            for part in stream.take(size):
                state.update(part)
                out.write(part)
        if "sha256:" + state.hexdigest() != digest:
            raise refused(f"{shown(paths[digest])} in {name} has another digest than it states")
        if stream.whole(len(padding(size))).strip(b"\0"):
            raise refused(f"{name} hides something behind {shown(paths[digest])}")
    if stream.whole(len(END)) != END or stream.goes_on():
        raise refused(f"{name} goes on behind its last member")


class _Stream:
    """Chunks of any length, read in lengths that are asked for."""

    def __init__(self, chunks: Iterator[bytes], name: str) -> None:
        self._chunks, self._name, self._rest = chunks, name, memoryview(b"")

    def take(self, count: int) -> Iterator[memoryview]:
        while count:
            if not self._rest and not self._next():
                raise refused(f"{self._name} ends too early")
            part = self._rest[:count]
            self._rest = self._rest[len(part) :]
            count -= len(part)
            yield part

    def whole(self, count: int) -> bytes:
        """A small piece."""
        return b"".join(self.take(count))

    def goes_on(self) -> bool:
        """Whether anything is left. Reads to the end, where whoever gives the chunks verifies them."""
        return bool(self._rest) or self._next()

    def _next(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._rest = memoryview(chunk)
                return True
        return False
