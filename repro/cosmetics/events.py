"""TensorBoard's event files: every event in its order counts, but for the time it was written."""

from __future__ import annotations

import struct

from repro.cosmetics.nouns import Part, Tally, Unfit

FORM = "events/1"
LARGEST = 4 << 20
"""Bytes; the checksum is computed in Python, some MB a second."""

_WALL_TIME = 0x09
"""Field 1, eight bytes: the first in what every writer makes."""
_FIRST, _LAST = 978_307_200.0, 4_102_444_800.0


def digest(part: Part) -> str:
    """The digest of all events without their wall times. Raises Unfit."""
    content = part.whole(LARGEST)
    tally, position = Tally(FORM), 0
    while position < len(content):
        event, position = _record(content, position)
        if len(event) < 9 or event[0] != _WALL_TIME:
            raise Unfit("an event without its time in front")
        if not _FIRST <= struct.unpack_from("<d", event, 1)[0] < _LAST:
            raise Unfit("a time of no clock")
        tally.add(event[9:])
    if not position:
        raise Unfit("no event")
    return tally.digest()


def _record(content: bytes, position: int) -> tuple[bytes, int]:
    """One record: its length, the length's checksum, its bytes, and their checksum."""
    size, size_sum = struct.unpack_from("<QL", content, position)
    if size_sum != _masked(content[position : position + 8]):
        raise Unfit("a checksum is wrong")
    start = position + 12
    if size > len(content) - start - 4:
        raise Unfit("ends early")
    event = content[start : start + size]
    if struct.unpack_from("<L", content, start + size)[0] != _masked(event):
        raise Unfit("a checksum is wrong")
    return event, start + size + 4


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE = _table()


def _masked(content: bytes) -> int:
    """The CRC-32C, rotated as TensorFlow's records have it."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
