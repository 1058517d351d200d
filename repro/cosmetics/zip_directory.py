"""The directory at the end of a zip archive, with the 64-bit form that numpy and torch write."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from repro.cosmetics.nouns import HELD, Part, Unfit

_END = struct.Struct("<4sHHHHLLH")
_LOCATOR = struct.Struct("<4sLQL")
_WIDE_END = struct.Struct("<4sQHHLLQQQQ")
_ENTRY = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_WIDE = 0x0001
_COSMETIC = {
    _WIDE,  # sizes, counted as such
    0x000A,  # NTFS times
    0x5455,  # times
    0x5855,  # times and owner
    0x7855,  # owner
    0x7875,  # owner
    0x4246,  # torch's padding
    0xCAFE,  # that it is a jar
}


@dataclass(frozen=True)
class Entry:
    """What the directory says of one member; sizes and the offset in bytes."""

    name: bytes
    made_by: int
    needed: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    internal: int
    external: int
    offset: int
    comment: bytes
    extras: bytes


@dataclass(frozen=True)
class _End:
    count: int
    length: int
    start: int
    position: int
    """Where the directory must end."""


def entries(part: Part) -> tuple[list[Entry], int]:
    """The members in the directory's order, and where the directory begins. Raises Unfit."""
    end = _end(part)
    if end.length > HELD or end.start + end.length != end.position:
        raise Unfit("something stands between the directory and its end")
    part.file.seek(end.start)
    directory = part.read(end.length)
    found, position = [], 0
    while position < len(directory):
        entry, position = _entry(directory, position)
        found.append(entry)
    if len(found) != end.count:
        raise Unfit("the directory has another number of members")
    return found, end.start


def _end(part: Part) -> _End:
    position = part.size - _END.size
    if position < 0:
        raise Unfit("too short")
    part.file.seek(position)
    fields = _END.unpack(part.read(_END.size))
    magic, disk, first_disk, here, count, length, start, comment = fields
    if magic != b"PK\x05\x06" or disk or first_disk or here != count or comment:
        raise Unfit("no plain end of a zip")
    return _wide_end(part, position, (count, length, start)) or _End(count, length, start, position)


def _wide_end(part: Part, position: int, narrow: tuple[int, int, int]) -> _End | None:
    """The 64-bit end, where there is one in front of the other."""
    at = position - _LOCATOR.size
    if at < _WIDE_END.size:
        return None
    part.file.seek(at)
    magic, disk, where, disks = _LOCATOR.unpack(part.read(_LOCATOR.size))
    if magic != b"PK\x06\x07":
        return None
    if disk or disks != 1 or where != at - _WIDE_END.size:
        raise Unfit("no plain 64-bit end of a zip")
    part.file.seek(where)
    fields = _WIDE_END.unpack(part.read(_WIDE_END.size))
    wide_magic, rest, _, _, this, first, here, count, length, start = fields
    if wide_magic != b"PK\x06\x06" or rest != 44 or this or first or here != count:
        raise Unfit("no plain 64-bit end of a zip")
    for said, meant, limit in zip(narrow, (count, length, start), (0xFFFF, *[0xFFFFFFFF] * 2)):
        if said not in (meant, limit):
            raise Unfit("two ends of a zip that disagree")
    return _End(count, length, start, where)


def _entry(directory: bytes, position: int) -> tuple[Entry, int]:
    fields = _ENTRY.unpack_from(directory, position)
    (magic, made_by, needed, flags, method, _, _, crc, packed, size) = fields[:10]
    name_length, extra_length, comment_length, disk, internal, external, offset = fields[10:]
    if magic != b"PK\x01\x02" or disk:
        raise Unfit("no entry of a zip's directory")
    ends = [position + _ENTRY.size]
    for length in (name_length, extra_length, comment_length):
        ends.append(ends[-1] + length)
    if ends[-1] > len(directory):
        raise Unfit("the directory ends early")
    name, extra, comment = (directory[a:b] for a, b in pairwise(ends))
    size, packed, offset = _wide_entry(extra, size, packed, offset)
    entry = Entry(
        name, made_by, needed, flags, method, crc, packed, size,
        internal, external, offset, comment, kept_extras(extra),
    )  # fmt: skip
    return entry, ends[-1]


def _extras(extra: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        content = extra[position + 4 : position + 4 + length]
        if len(content) != length:
            raise Unfit("an extra field ends early")
        found.append((kind, content))
        position += 4 + length
    return found


def kept_extras(extra: bytes) -> bytes:
    """The extra fields that are not known to be cosmetic, as they stand. Raises Unfit."""
    return b"".join(
        struct.pack("<HH", kind, len(content)) + content
        for kind, content in _extras(extra)
        if kind not in _COSMETIC
    )


def wide_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """A member's sizes, from the 64-bit field where the plain ones point there. Raises Unfit."""
    size, packed, _ = _wide_entry(extra, size, packed, 0)
    return size, packed


def _wide_entry(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    fields = [content for kind, content in _extras(extra) if kind == _WIDE]
    if len(fields) > 1:
        raise Unfit("two 64-bit fields")
    values = [size, packed, offset]
    wide = [index for index, value in enumerate(values) if value == 0xFFFFFFFF]
    content = fields[0] if fields else b""
    if wide and len(content) != 8 * len(wide):
        raise Unfit("no plain 64-bit field")
    if wide:
        for index, value in zip(wide, struct.unpack(f"<{len(wide)}Q", content)):
            values[index] = value
    return values[0], values[1], values[2]
