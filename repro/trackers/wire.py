"""The protobuf wire format, as far as trackers use it: fields by number, nothing of their meaning.

Whatever its lengths say, nothing beyond the message is read; a message is walked once, not copied whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | bytes
Field = tuple[int, int, Value]
"""Number, wire type and value: an int of a varint, the raw bytes of anything else."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields in their order. Raises ValueError where it is no protobuf message."""
    at, end = 0, len(message)
    while at < end:
        tag, at = varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("no protobuf message: a field without a number")
        if kind == VARINT:
            value, at = varint(message, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"no protobuf message: a field of type {kind}")
        if size > end - at:
            raise ValueError("no protobuf message: a field that ends beyond it")
        yield number, kind, message[at : at + size]
        at += size


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The unsigned number at that place, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("no protobuf message: a number without an end")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
        shift += 7


def signed(value: Value) -> int:
    """A varint as int64."""
    assert isinstance(value, int)
    return value - 2**64 if value >= 2**63 else value


def raw(field: Field) -> bytes:
    """The bytes of a field that has to have some."""
    _, kind, value = field
    if kind != BYTES or not isinstance(value, bytes):
        raise ValueError("no message of this kind: a number where bytes belong")
    return value


def text(field: Field) -> str:
    """A text field; what is no UTF-8 in it is kept as Python does for file names."""
    return raw(field).decode("utf-8", "surrogateescape")


def double(field: Field) -> float:
    """A 64-bit float."""
    return _float(field, FIXED64, "<d")


def single(field: Field) -> float:
    """A 32-bit float, as the double that it is."""
    return _float(field, FIXED32, "<f")


def _float(field: Field, kind: int, form: str) -> float:
    if field[1] != kind or not isinstance(field[2], bytes):
        raise ValueError("no message of this kind: a float of another size was expected")
    return float(struct.unpack(form, field[2])[0])


def number(field: Field) -> int:
    """A signed integer of a varint field."""
    if field[1] != VARINT:
        raise ValueError("no message of this kind: an integer was expected")
    return signed(field[2])
