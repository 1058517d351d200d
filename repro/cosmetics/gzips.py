"""gzip: what it unpacks to counts; name, time and system in its header do not."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator

from repro.canonical import CHUNK
from repro.cosmetics import tars
from repro.cosmetics.nesting import count_member
from repro.cosmetics.nouns import HELD, Part, Tally, Unfit

FORM = "gzip/1"
MAGIC = (b"\x1f\x8b\x08",)

_NAME, _CHECKSUM, _EXTRA = 0x08, 0x02, 0x04
_LONGEST_NAME = 256
_MOST_MEMBERS = 1 << 16
_FIRST_STEP = 1 << 14
"""Bytes; members may be tiny, and what was read too far is read again."""


def digest(part: Part) -> str:
    """The digest of what it unpacks to. Raises Unfit where it is not read exactly."""
    tally = Tally(FORM)
    path = part.path.lower()
    if path.endswith((".tar.gz", ".tgz")):
        stream = Stream(_pieces(part))
        tally.add("tar", tars.digest_stream(part, stream.read))
        if stream.read(1):
            raise Unfit("something stands behind the archive")
        return tally.digest()
    _count_plain(tally, part)
    return tally.digest()


def _count_plain(tally: Tally, part: Part) -> None:
    """Held as long as it is small enough to be looked into, otherwise digested as it comes."""
    stream = _pieces(part)
    held = bytearray()
    for piece in stream:
        held += piece
        if len(held) > HELD:
            break
    else:
        name = _inner_name(part.path)
        count_member(tally, part, name, len(held), [bytes(held)])
        return
    state, size = hashlib.sha256(held), len(held)
    del held
    for piece in stream:
        state.update(piece)
        size += len(piece)
    tally.add("bytes", size, state.hexdigest())


def _inner_name(path: str) -> str:
    if path.lower().endswith(".svgz"):
        return path[:-1]
    return path[: -len(".gz")] if path.lower().endswith(".gz") else ""


class Stream:
    """Pieces of content, read by number of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = bytearray()

    def read(self, count: int) -> bytes:
        """So many bytes, fewer only at the end."""
        while len(self._held) < count:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._held += piece
        content = bytes(self._held[:count])
        del self._held[:count]
        return content


def _pieces(part: Part) -> Iterator[bytes]:
    """What all members unpack to, none of it empty; checksums are verified."""
    for _ in range(_MOST_MEMBERS):
        _skip_header(part)
        yield from _member(part)
        if not part.file.read(1):
            return
        part.file.seek(-1, os.SEEK_CUR)
    raise Unfit("too many members")


def _skip_header(part: Part) -> None:
    header = part.read(10)
    flags = header[3]
    if header[:3] != MAGIC[0] or flags & ~(_NAME | _CHECKSUM | _EXTRA):
        raise Unfit("no plain header of gzip")
    if flags & _EXTRA:
        size = part.read(2)
        extra = part.read(struct.unpack("<H", size)[0])
        header += size + extra
        if extra[:4] != b"BC\x02\x00" or len(extra) != 6:
            raise Unfit("an extra field that is not known")
    if flags & _NAME:
        header += _name(part)
    if flags & _CHECKSUM and part.read(2) != struct.pack("<H", zlib.crc32(header) & 0xFFFF):
        raise Unfit("a checksum is wrong")


def _name(part: Part) -> bytes:
    name = bytearray()
    while not name.endswith(b"\0"):
        if len(name) > _LONGEST_NAME:
            raise Unfit("an endless name")
        name += part.read(1)
    return bytes(name)


def _member(part: Part) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    crc, size, step = 0, 0, _FIRST_STEP
    while not engine.eof:
        raw = engine.unconsumed_tail or part.file.read(step)
        step = CHUNK
        if not raw:
            raise Unfit("ends early")
        piece = engine.decompress(raw, CHUNK)
        part.allowance.spend(len(piece))
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if piece:
            yield piece
    part.file.seek(-len(engine.unused_data), os.SEEK_CUR)
    if struct.unpack("<LL", part.read(8)) != (crc, size & 0xFFFFFFFF):
        raise Unfit("a checksum is wrong")
