"""Files of records: TFRecord, as TensorBoard's event files are, and LevelDB's log, as W&B's are.

A last record that was cut off is what a killed run leaves; anything else that is wrong is an error.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from repro.trackers.checksum import masked

LARGEST = 256 * 1000**2
"""Bytes of one record; a scalar needs a hundred."""
CHECKED = 1000**2
"""Bytes up to which the checksum of a record is made; beyond, it is a picture, which is not compared."""


class Truncated(Exception):
    """The last record is not whole; all before it are."""


def tfrecords(stream: BinaryIO) -> Iterator[bytes]:
    """The records in their order. Raises ValueError where one is damaged, Truncated at a cut-off end."""
    count = 0
    while header := stream.read(12):
        count += 1
        if len(header) < 12:
            raise Truncated
        size, checksum = struct.unpack("<QI", header)
        if masked(header[:8]) != checksum:
            raise ValueError(f"record {count} is damaged: the checksum of its length is wrong")
        if size > LARGEST:
            raise ValueError(f"record {count} has {size} bytes, at most {LARGEST} are read")
        body = stream.read(size + 4)
        if len(body) < size + 4:
            raise Truncated
        content = body[:-4]
        if size <= CHECKED and masked(content) != struct.unpack("<I", body[-4:])[0]:
            raise ValueError(f"record {count} is damaged: its checksum is wrong")
        yield content


BLOCK = 32768
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def wandb_records(stream: BinaryIO) -> Iterator[bytes]:
    """The records of a ``.wandb`` file: LevelDB's framing, but a header of 7 bytes before the first
    block and a plain CRC-32 over type and content."""
    header = stream.read(7)
    if len(header) < 7:
        raise Truncated
    if header[:4] != b":W&B":
        raise ValueError("it is no file of W&B: its first bytes are others")
    parts: list[bytes] = []
    room = BLOCK - 7
    while True:
        if room < 7:
            stream.read(room)  # what is left of a block is padding
            room = BLOCK
        head = stream.read(7)
        if not head:
            break
        if len(head) < 7:
            raise Truncated
        checksum, size, kind = struct.unpack("<IHB", head)
        if kind == 0 and size == 0 and checksum == 0:
            stream.read(room - 7)
            room = BLOCK
            continue
        content = stream.read(size)
        room -= 7 + size
        if len(content) < size:
            raise Truncated
        if room < 0 or zlib.crc32(bytes([kind]) + content) != checksum:
            raise ValueError("a record of it is damaged: its checksum is wrong")
        yield from _assembled(parts, kind, content)
    if parts:
        raise Truncated


def _assembled(parts: list[bytes], kind: int, content: bytes) -> Iterator[bytes]:
    if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or (kind in (_FULL, _FIRST)) is bool(parts):
        raise ValueError("a record of it is damaged: its parts do not belong together")
    parts.append(content)
    if sum(map(len, parts)) > LARGEST:
        raise ValueError(f"a record of it has more than {LARGEST} bytes")
    if kind in (_FULL, _LAST):
        yield b"".join(parts)
        parts.clear()
