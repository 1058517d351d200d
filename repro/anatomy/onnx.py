"""ONNX: the weights by name and the nodes of the graph, from the protobuf on disk; nothing is held."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from repro.anatomy import streams
from repro.anatomy.nouns import Document, Scalar, Tensor, Unreadable, counted
from repro.anatomy.tensors import exactly

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TEXT = 1 << 16
NUMBERS = 8 << 20
"""Bytes of numbers that stand one by one in the file."""
NESTED = 20

_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
    16: "bfloat16", 17: "float8_e4m3fn", 19: "float8_e5m2",
}  # fmt: skip
_CODES = {"uint8": "B", "int8": "b", "uint16": "H", "int16": "h", "int32": "i", "bool": "B", "int64": "q",
          "float16": "H", "bfloat16": "H", "uint32": "I", "uint64": "Q"}  # fmt: skip
_PACKED = {4: "float32", 10: "float64"}
_VARINTS = (5, 7, 11)
_MODEL = {
    1: "ir_version",
    2: "producer_name",
    3: "producer_version",
    4: "domain",
    5: "model_version",
}
_NODE = {3: "name", 4: "op_type", 7: "domain"}

Leaves = Iterator[tuple[str, Scalar | Tensor]]


@dataclass(frozen=True)
class _Field:
    number: int
    kind: int
    value: int
    """Of a varint; of the others where its bytes begin."""
    size: int = 0


class _File:
    """A message on disk, walked by seeking."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file

    def fields(self, start: int, end: int) -> Iterator[_Field]:
        at = start
        while at < end:
            tag, at = self._varint(at, end)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = self._varint(at, end)
                yield _Field(number, kind, value)
                continue
            if kind == BYTES:
                size, at = self._varint(at, end)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise Unreadable("it is no protobuf message")
            if number == 0 or size > end - at:
                raise Unreadable("it is no protobuf message")
            yield _Field(number, kind, at, size)
            at += size

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        self._file.seek(at)
        content = self._file.read(min(10, end - at))
        value = 0
        for place, byte in enumerate(content):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value & (2**64 - 1), at + place + 1
        raise Unreadable("it is no protobuf message")

    def bytes(self, field: _Field, most: int = TEXT) -> bytes:
        if field.kind == VARINT or field.size > most:
            raise Unreadable("it is no ONNX model")
        self._file.seek(field.value)
        return exactly(self._file, field.size)

    def text(self, field: _Field) -> str:
        return self.bytes(field).decode("utf-8", "replace")

    def varints(self, field: _Field) -> list[int]:
        """Of a repeated field, packed or not."""
        if field.kind == VARINT:
            return [field.value]
        found, at, end = [], field.value, field.value + field.size
        if field.size > NUMBERS:
            raise Unreadable("it holds too many numbers one by one")
        while at < end:
            value, at = self._varint(at, end)
            found.append(value)
        return found


def read(path: Path) -> Document:
    """Raises Unreadable, OSError."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        file = _File(path, stream)
        leaves = streams.gathered(_model(file, size))
    if not any(
        name.startswith("graph") or isinstance(leaf, Tensor) for name, leaf in leaves.items()
    ):
        raise Unreadable("it is no ONNX model: it has no graph")
    return Document("ONNX", leaves)


def _model(file: _File, size: int) -> Leaves:
    for field in file.fields(0, size):
        if field.number in _MODEL:
            value = field.value if field.kind == VARINT else file.text(field)
            yield _MODEL[field.number], value
        elif field.number == 7 and field.kind == BYTES:
            yield from _graph(file, field, "", 0)
        elif field.kind == BYTES:
            yield f"model field {field.number}", _opaque(file, field)


def _graph(file: _File, graph: _Field, prefix: str, depth: int) -> Leaves:
    if depth > NESTED:
        raise Unreadable("its graphs are nested too deeply")
    nodes = 0
    for field in file.fields(graph.value, graph.value + graph.size):
        if field.kind != BYTES:
            continue
        if field.number == 5:
            yield from _tensor(file, field, prefix, "initializer")
        elif field.number == 1:
            yield from _node(file, field, f"{prefix}graph.node[{nodes}]", depth)
            nodes += 1
        elif field.number == 2:
            yield f"{prefix}graph.name", file.text(field)
        else:
            yield f"{prefix}graph field {field.number}", _opaque(file, field)


def _node(file: _File, node: _Field, place: str, depth: int) -> Leaves:
    ends: dict[int, list[str]] = {1: [], 2: []}
    for field in file.fields(node.value, node.value + node.size):
        if field.number in ends:
            ends[field.number].append(file.text(field))
        elif field.number == 5 and field.kind == BYTES:
            yield from _attribute(file, field, place, depth)
        elif field.number in _NODE:
            yield f"{place}.{_NODE[field.number]}", file.text(field)
        elif field.kind == BYTES:
            yield f"{place} field {field.number}", _opaque(file, field)
    yield f"{place}.input", ", ".join(ends[1])
    yield f"{place}.output", ", ".join(ends[2])


def _attribute(file: _File, attribute: _Field, place: str, depth: int) -> Leaves:
    fields = list(file.fields(attribute.value, attribute.value + attribute.size))
    name = next((file.text(field) for field in fields if field.number == 1), "?")
    for field in fields:
        if field.number in (1, 13, 20):
            continue
        if field.number == 5 and field.kind == BYTES:
            yield from _tensor(file, field, f"{place}.", name)
        elif field.number == 6 and field.kind == BYTES:
            yield from _graph(file, field, f"{place}.{name}.", depth + 1)
        elif field.kind == VARINT:
            yield f"{place}.{name}", field.value - (2**64 if field.value >= 2**63 else 0)
        elif field.kind == FIXED32:
            yield f"{place}.{name}", float(struct.unpack("<f", file.bytes(field))[0])
        else:
            yield f"{place}.{name}", _opaque(file, field)


def _opaque(file: _File, field: _Field) -> Tensor:
    return Tensor("uint8", (field.size,), field.size, streams.at(file.path, field.value))


def _tensor(file: _File, tensor: _Field, prefix: str, name: str) -> Leaves:
    shape: list[int] = []
    kind, data, numbers = 0, None, []
    for field in file.fields(tensor.value, tensor.value + tensor.size):
        if field.number == 1:
            shape += file.varints(field)
        elif field.number == 2 and field.kind == VARINT:
            kind = field.value
        elif field.number == 8:
            name = file.text(field) or name
        elif field.number == 9 or (field.number in _PACKED and field.kind == BYTES):
            data = field
        elif field.number in _VARINTS:
            numbers += file.varints(field)
        elif field.number == 13:
            yield f"{prefix}{name} (in another file)", file.bytes(field).decode("latin1")
    yield prefix + name, _numbers(file, tensor, _TYPES.get(kind, ""), tuple(shape), data, numbers)


def _numbers(
    file: _File,
    tensor: _Field,
    kind: str,
    shape: tuple[int, ...],
    data: _Field | None,
    numbers: list[Any],
) -> Tensor:
    from repro.anatomy.elements import KINDS

    known = KINDS.get(kind)
    if known and data and data.kind == BYTES and data.size == counted(shape) * known.size:
        return Tensor(kind, shape, data.size, streams.at(file.path, data.value))
    if known and len(numbers) == counted(shape) and kind in _CODES:
        mask = 2 ** (8 * known.size) - 1
        width = {1: "B", 2: "H", 4: "I", 8: "Q"}[known.size]
        content = struct.pack(f"<{len(numbers)}{width}", *(value & mask for value in numbers))
        return Tensor(kind, shape, len(content), streams.held(content))
    return _opaque(file, tensor)
