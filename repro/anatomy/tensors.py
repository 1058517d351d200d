"""Two tensors side by side: read in chunks, both at once, so that their size does not matter."""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

from repro.anatomy import elements
from repro.anatomy.elements import Kind, Tally, kind_of
from repro.anatomy.inside.values import Word
from repro.anatomy.nouns import EXCERPT, Change, PartDifference, Tensor, Unreadable

CHUNK = 1 << 16
"""Elements that are compared at once,"""
HELD = 4 << 20
"""as long as they are not more bytes than these."""
UNAIDED = 2_000_000
"""Elements in chunks that differ, up to which one comparison goes without numpy: some seconds."""


class Budget:
    """What one comparison of two files may still spend."""

    def __init__(self) -> None:
        self.left = UNAIDED
        self.met = False
        """It was not enough."""

    def allows(self, count: int) -> bool:
        if elements.library():
            return True
        self.left -= count
        self.met |= self.left < 0
        return self.left >= 0


def compare(path: str, a: Tensor, b: Tensor, budget: Budget) -> tuple[PartDifference | None, int]:
    """Where the two differ, None where they do not; and the number of elements that were compared.

    Raises Unreadable where the file ends before the tensor does, OSError.
    """
    if a.shape != b.shape:
        return PartDifference(path, Change.SHAPE, path, described(a), described(b)), 0
    kinds = kind_of(a.dtype, a.width), kind_of(b.dtype, b.width)
    if kinds[0] != kinds[1] and not _comparable(*kinds):
        return PartDifference(path, Change.TYPE, path, described(a), described(b)), 0
    if a.fortran != b.fortran and sum(length > 1 for length in a.shape) > 1:
        left, right = (f"{described(side)}, stored by {_layout(side)}" for side in (a, b))
        return PartDifference(path, Change.LAYOUT, path, left, right), 0
    tally = _tally(a, b, kinds, budget)
    typed = kinds[0] != kinds[1]
    if tally.first is None and not typed:
        return None, tally.compared
    return _difference(path, a, b, tally, typed), tally.compared


def described(tensor: Tensor) -> str:
    """``float32[10, 3]``."""
    return f"{tensor.dtype}[{', '.join(map(str, tensor.shape))}]"


def _layout(tensor: Tensor) -> str:
    return "columns" if tensor.fortran else "rows"


def _comparable(a: Kind, b: Kind) -> bool:
    """Whether numbers of the two types can be set side by side."""
    return all(kind.family in ("int", "float", "bool") for kind in (a, b))


def _difference(path: str, a: Tensor, b: Tensor, tally: Tally, typed: bool) -> PartDifference:
    where, values = path, (described(a), described(b))
    if not typed and tally.first:
        index, *found = tally.first
        where = path + place(index, a.shape, a.fortran)
        values = (shown(found[0], a.dtype), shown(found[1], b.dtype))
    return PartDifference(
        path,
        Change.TYPE if typed else Change.VALUE,
        where,
        *values,
        compared=tally.compared,
        differing=tally.differing,
        absolute=tally.absolute,
        relative=tally.relative,
        ulp=tally.ulp,
    )


def place(index: int, shape: tuple[int, ...], fortran: bool) -> str:
    """``[3, 7]`` of the element with that number; nothing where there is but one."""
    if not shape:
        return ""
    found = []
    for length in shape if fortran else reversed(shape):
        index, rest = divmod(index, length)
        found.append(rest)
    return f"[{', '.join(map(str, found if fortran else reversed(found)))}]"


def shown(value: Any, dtype: str = "") -> str:
    """A value as a person reads it: numbers at full precision, of text and bytes the beginning."""
    if isinstance(value, Word):
        return value[:EXCERPT]
    if isinstance(value, bytes):
        return _bytes_shown(value, dtype)
    if isinstance(value, float) and math.isfinite(value) and dtype in ("float16", "float32"):
        return _shortest(value, dtype)
    if isinstance(value, str):
        cut = value if len(value) <= EXCERPT else value[: EXCERPT - 3] + "..."
        return json.dumps(cut, ensure_ascii=False)
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"an integer of {value.bit_length()} bits"
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def _shortest(value: float, dtype: str) -> str:
    """The fewest digits that still are this very number in its own width."""
    code = "e" if dtype == "float16" else "f"
    for digits in range(3, 10):
        text = f"{value:.{digits}g}"
        try:
            if struct.unpack(code, struct.pack(code, float(text)))[0] == value:
                return repr(float(text))
        except OverflowError:
            continue
    return repr(value)


def _bytes_shown(value: bytes, dtype: str) -> str:
    if dtype.startswith("text"):
        text = value.decode("utf-32-le" if dtype == "text" else "utf-8", "replace").rstrip("\0")
        return shown(text)
    return "0x" + value[:16].hex() + ("..." if len(value) > 16 else "")


# --- reading both ---------------------------------------------------------------------------


def _tally(a: Tensor, b: Tensor, kinds: tuple[Kind, Kind], budget: Budget) -> Tally:
    tally, at, total = Tally(), 0, a.count
    same = kinds[0] == kinds[1] and a.big == b.big
    widest = max(side.item or kind.size for side, kind in ((a, kinds[0]), (b, kinds[1])))
    most = max(1, min(CHUNK, HELD // widest))
    with a.open() as left, b.open() as right:
        while at < total:
            number = min(most, total - at)
            ours, theirs = (
                _chunk(*side, number) for side in ((left, a, kinds[0]), (right, b, kinds[1]))
            )
            if same and ours == theirs:
                tally.compared += number
            elif budget.allows(number):
                ours, theirs = (
                    elements.swapped(content, kind, side.big)
                    for content, kind, side in ((ours, kinds[0], a), (theirs, kinds[1], b))
                )
                elements.compare(tally, kinds, ours, theirs, at)
            else:
                break
            at += number
    return tally


def _chunk(stream: BinaryIO, tensor: Tensor, kind: Kind, number: int) -> bytes:
    """The bytes of the next elements; of a structured type those of the one field."""
    stride = tensor.item or kind.size
    content = exactly(stream, number * stride)
    if stride == kind.size:
        return content
    field = bytearray(number * kind.size)
    for byte in range(kind.size):
        field[byte :: kind.size] = content[tensor.start + byte :: stride]
    return bytes(field)


def exactly(stream: BinaryIO, size: int) -> bytes:
    """That many bytes. Raises Unreadable where there are fewer."""
    content = stream.read(size)
    while len(content) < size and (more := stream.read(size - len(content))):
        content += more
    if len(content) < size:
        raise Unreadable("it ends before its data does")
    return content
