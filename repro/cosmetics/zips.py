"""Zip archives: names, modes and contents count; times and the way of compression do not.

The layout is read strictly: members one behind the other from the first byte, the directory right
behind them, nothing in between, before or after. Whatever else a zip may be has no essence.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from repro.canonical import CHUNK
from repro.cosmetics.nesting import count_member
from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.zip_directory import Entry, entries, kept_extras, wide_sizes

FORM = "zip/1"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_ENCRYPTED, _COMPRESSION_HINTS, _SIZES_BEHIND = 0x2041, 0x0006, 0x0008


def digest(part: Part) -> str:
    """The digest of a zip's content. Raises Unfit where it is not read exactly."""
    found, end = entries(part)
    if len({entry.name for entry in found}) != len(found):
        raise Unfit("a name stands twice")
    tally = Tally(FORM)
    position = 0
    ends = [entry.offset for entry in found[1:]] + [end]
    for entry, behind in zip(found, ends, strict=True):
        if entry.offset != position or behind <= position:
            raise Unfit("members do not follow each other")
        _count(tally, part, entry, behind)
        position = behind
    if position != end:
        raise Unfit("something stands before the directory")
    return tally.digest()


def _count(tally: Tally, part: Part, entry: Entry, behind: int) -> None:
    if entry.flags & _ENCRYPTED or entry.method not in (0, 8):
        raise Unfit("encrypted, or compressed in another way")
    part.file.seek(entry.offset)
    local = _read_local(part, entry)
    start = entry.offset + local.length
    _check_gap(part, entry, behind - start - entry.packed, start + entry.packed)
    tally.add(entry.name, entry.flags & ~(_COMPRESSION_HINTS | _SIZES_BEHIND))
    tally.add(entry.made_by, entry.needed, local.needed, entry.internal, entry.external)
    tally.add(entry.comment, entry.extras, local.extras)
    part.file.seek(start)
    name = entry.name.decode("utf-8", "replace")
    count_member(tally, part, name, entry.size, _pieces(part, entry))


@dataclass(frozen=True)
class _Local:
    needed: int
    extras: bytes
    length: int


def _read_local(part: Part, entry: Entry) -> _Local:
    """The header in front of a member, once it agrees with the directory."""
    fields = _LOCAL.unpack(part.read(_LOCAL.size))
    magic, needed, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    name, extra = part.read(name_length), part.read(extra_length)
    if (magic, flags, method, name) != (MAGIC[0], entry.flags, entry.method, entry.name):
        raise Unfit("a member's header and the directory disagree")
    size, packed = wide_sizes(extra, size, packed)
    said = (crc, packed, size)
    unknown_yet = (0, 0, 0) if flags & _SIZES_BEHIND else said
    if said not in ((entry.crc, entry.packed, entry.size), unknown_yet):
        raise Unfit("a member's header and the directory disagree")
    if said != (entry.crc, entry.packed, entry.size) and not flags & _SIZES_BEHIND:
        raise Unfit("a member's header and the directory disagree")
    return _Local(needed, kept_extras(extra), _LOCAL.size + name_length + extra_length)


def _check_gap(part: Part, entry: Entry, gap: int, position: int) -> None:
    """Behind the data nothing may stand but the sizes, where the flags announce them there."""
    if not entry.flags & _SIZES_BEHIND:
        if gap != 0:
            raise Unfit("something stands between the members")
        return
    narrow = struct.pack("<LLL", entry.crc, entry.packed & 0xFFFFFFFF, entry.size & 0xFFFFFFFF)
    wide = struct.pack("<LQQ", entry.crc, entry.packed, entry.size)
    allowed = {b"PK\x07\x08" + narrow, b"PK\x07\x08" + wide, narrow, wide}
    if not 0 <= gap <= 24:
        raise Unfit("something stands between the members")
    part.file.seek(position)
    if part.read(gap) not in allowed:
        raise Unfit("something stands between the members")


def _pieces(part: Part, entry: Entry) -> Iterator[bytes]:
    """The member's content, checked against its size and checksum."""
    if entry.method == 0 and entry.packed != entry.size:
        raise Unfit("a stored member has two sizes")
    crc, size = 0, 0
    raw = _stored(part, entry.packed) if entry.method == 0 else _inflated(part, entry.packed)
    for piece in raw:
        part.allowance.spend(len(piece))
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size > entry.size:
            raise Unfit("longer than its size")
        yield piece
    if (crc, size) != (entry.crc, entry.size):
        raise Unfit("a checksum is wrong")


def _stored(part: Part, left: int) -> Iterator[bytes]:
    while left:
        piece = part.read(min(left, CHUNK))
        left -= len(piece)
        yield piece


def _inflated(part: Part, left: int) -> Iterator[bytes]:
    """Pieces of at most CHUNK bytes; the deflate stream must end exactly where the member does."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    for raw in _stored(part, left):
        left -= len(raw)
        if engine.eof:
            raise Unfit("data behind the end of a member")
        while raw and not engine.eof:
            piece = engine.decompress(raw, CHUNK)
            raw = engine.unconsumed_tail
            if piece:
                yield piece
    while not engine.eof:
        piece = engine.decompress(engine.unconsumed_tail, CHUNK)
        if not piece and not engine.eof:
            raise Unfit("a member ends early")
        yield piece
    if engine.unused_data or left:
        raise Unfit("data behind the end of a member")
