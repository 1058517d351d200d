"""safetensors: a header in JSON that says where each tensor lies, then the bytes. No code, by design."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repro import strict_json
from repro.anatomy import streams
from repro.anatomy.elements import KINDS
from repro.anatomy.nouns import LEAVES, Document, Scalar, Tensor, Unreadable, counted
from repro.anatomy.tensors import exactly

HEADER = 100_000_000
"""Bytes; the format's own limit."""
_NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}  # fmt: skip


def read(path: Path) -> Document:
    """Every tensor and every entry of the metadata. Raises Unreadable, OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(exactly(file, 8), "little")
        if length > min(HEADER, size - 8):
            raise Unreadable("its header is longer than the file")
        header = exactly(file, length)
    try:
        document = json.loads(header, object_pairs_hook=strict_json.unique)
    except (ValueError, RecursionError) as error:
        raise Unreadable("its header is not JSON") from error
    if not isinstance(document, dict) or len(document) > LEAVES:
        raise Unreadable("its header is none")
    leaves: dict[str, Scalar | Tensor] = {}
    covered = 8 + length
    for name, entry in document.items():
        if name == "__metadata__" and isinstance(entry, dict):
            leaves |= {f"__metadata__.{key}": str(value) for key, value in entry.items()}
        else:
            leaves[name] = tensor = _tensor(path, name, entry, 8 + length, size)
            covered += tensor.size
    if covered != size:
        raise Unreadable("its tensors are not all of its bytes")
    return Document("safetensors", leaves)


def _tensor(path: Path, name: str, entry: Any, start: int, size: int) -> Tensor:
    try:
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        kind = _NAMES.get(entry["dtype"], str(entry["dtype"])[:20])
        numbers = (begin, end, *shape)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a number that is none")
        return _checked(path, name, kind, shape, start + begin, start + end, size)
    except (TypeError, KeyError, ValueError) as error:
        raise Unreadable(f"the header says nothing sensible of {name[:60]!r}") from error


def _checked(
    path: Path, name: str, kind: str, shape: tuple[int, ...], begin: int, end: int, size: int
) -> Tensor:
    if not begin <= end <= size:
        raise Unreadable(f"{name[:60]!r} lies beyond the end of the file")
    count, length = counted(shape), end - begin
    known = KINDS.get(kind)
    if known and count * known.size != length:
        raise ValueError("its shape and its size do not fit together")
    if known is None and (not count or length % count):
        # smaller than a byte each: all that is known is where they lie
        kind, shape, count = f"{kind}, packed", (length,), length
    width = known.size if known else length // count if count else 1
    return Tensor(kind, shape, length, streams.at(path, begin), width, 0, width)
