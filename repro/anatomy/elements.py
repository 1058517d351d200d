"""Elements of tensors: what their bytes stand for, and how far two of them are apart.

With numpy at hand whole chunks are compared at once; without it one element after the other, with the
same results. NaN equals NaN, and -0.0 equals 0.0, as for metrics.
"""

from __future__ import annotations

import array
import math
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

_UNSIGNED = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True)
class Kind:
    """A type of element: its bytes, and what they are."""

    name: str
    size: int
    family: str
    """``float``, ``int``, ``bool``, ``complex`` (two floats each) or ``raw`` (bytes)."""

    @property
    def numeric(self) -> bool:
        return self.family != "raw"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("bool", 1, "bool"),
        *(Kind(f"int{bits}", bits // 8, "int") for bits in (8, 16, 32, 64)),
        *(Kind(f"uint{bits}", bits // 8, "int") for bits in (8, 16, 32, 64)),
        *(Kind(f"float{bits}", bits // 8, "float") for bits in (16, 32, 64)),
        Kind("bfloat16", 2, "float"),
        Kind("float8_e4m3fn", 1, "float"),
        Kind("float8_e5m2", 1, "float"),
        Kind("complex64", 8, "complex"),
        Kind("complex128", 16, "complex"),
    )
}


def kind_of(dtype: str, width: int) -> Kind:
    """The kind of that name; one of plain bytes where there is none."""
    return KINDS.get(dtype) or Kind(dtype, max(width, 1), "raw")


class Tally:
    """What the comparison of two tensors has found so far."""

    def __init__(self) -> None:
        self.compared = self.differing = 0
        self.first: tuple[int, Any, Any] | None = None
        """Index of the element, and the two values."""
        self.absolute: float | None = None
        self.relative: float | None = None
        self.ulp: int | None = None

    def take(self, index: int, x: Any, y: Any) -> None:
        if self.first is None:
            self.first = index, x, y

    def far(self, absolute: float | None, relative: float | None, ulp: int | None) -> None:
        self.absolute = larger(self.absolute, absolute)
        self.relative = larger(self.relative, relative)
        self.ulp = larger(self.ulp, ulp)


def larger(a: Any, b: Any) -> Any:
    """The larger of the two; None counts as nothing."""
    return b if a is None or (b is not None and b > a) else a


def distances(x: float, y: float) -> tuple[float | None, float | None]:
    """Absolute and relative; None where they are not finite."""
    try:
        far, most = float(abs(x - y)), float(max(abs(x), abs(y)))
    except OverflowError:
        return None, None
    if not (math.isfinite(far) and math.isfinite(most)):
        return None, None
    return far, far / most if most else 0.0


# --- bytes to numbers -----------------------------------------------------------------------


def swapped(content: bytes, kind: Kind, big: bool) -> bytes:
    """In this machine's order of bytes."""
    width = kind.size // 2 if kind.family == "complex" else kind.size
    if not kind.numeric or width == 1 or big == (sys.byteorder == "big"):
        return content
    items = array.array(_UNSIGNED[width], content)
    items.byteswap()
    return items.tobytes()


def numbers(content: bytes, kind: Kind) -> list[Any]:
    """The values of elements in this machine's order of bytes; of complex ones the parts."""
    name, size = kind.name, kind.size
    if kind.family == "raw":
        return [content[at : at + size] for at in range(0, len(content), size)]
    if kind.family == "bool":
        return [byte != 0 for byte in content]
    if name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        table = _small_floats(name) if size == 1 else None
        words = array.array(_UNSIGNED[size], content)
        return [table[word] for word in words] if table else [_bfloat16(word) for word in words]
    code = _CODES[name]
    return list(struct.unpack(f"={len(content) // struct.calcsize('=' + code)}{code}", content))


_CODES = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I",
    "uint64": "Q", "float16": "e", "float32": "f", "float64": "d", "complex64": "f", "complex128": "d",
}  # fmt: skip


def _bfloat16(word: int) -> float:
    return float(struct.unpack("=f", struct.pack("=I", word << 16))[0])


@cache
def _small_floats(name: str) -> tuple[float, ...]:
    """The 256 values of an 8-bit float."""
    exponent_bits, bias = (4, 7) if name == "float8_e4m3fn" else (5, 15)
    return tuple(_small_float(byte, exponent_bits, bias) for byte in range(256))


def _small_float(byte: int, exponent_bits: int, bias: int) -> float:
    mantissa_bits = 7 - exponent_bits
    sign = -1.0 if byte & 0x80 else 1.0
    exponent, mantissa = (byte & 0x7F) >> mantissa_bits, byte & ((1 << mantissa_bits) - 1)
    if exponent_bits == 4 and byte & 0x7F == 0x7F:
        return math.nan
    if exponent_bits == 5 and exponent == 31:
        return math.nan if mantissa else sign * math.inf
    whole = float(mantissa) if exponent == 0 else float(mantissa + (1 << mantissa_bits))
    return sign * math.ldexp(whole, max(exponent, 1) - bias - mantissa_bits)


# --- two chunks -----------------------------------------------------------------------------


def compare(tally: Tally, kinds: tuple[Kind, Kind], a: bytes, b: bytes, at: int) -> None:
    """Set as many elements of both side by side, the first of them number ``at``. The bytes are in
    this machine's order; of two kinds both are numeric."""
    numpy = library()
    if numpy and all(kind.numeric for kind in kinds):
        _together(numpy, tally, kinds, a, b, at)
    else:
        _one_by_one(tally, kinds, a, b, at)


def library() -> Any:
    """numpy where it can be had; None: everything is done without."""
    return _numpy()


@cache
def _numpy() -> Any:
    try:
        import numpy
    except Exception:  # a broken one fails in many ways, and nothing here needs it
        return None
    return numpy


def _one_by_one(tally: Tally, kinds: tuple[Kind, Kind], a: bytes, b: bytes, at: int) -> None:
    parts = 2 if kinds[0].family == "complex" else 1
    xs, ys = numbers(a, kinds[0]), numbers(b, kinds[1])
    if kinds[0] != kinds[1] and kinds[0].numeric:
        xs, ys = list(map(float, xs)), list(map(float, ys))
    tally.compared += len(xs) // parts
    ulps = _ulps(kinds, a, b)
    last = -1
    for place, (x, y) in enumerate(zip(xs, ys)):
        if x == y or (x != x and y != y):
            continue
        index = place // parts
        tally.differing += index != last
        last = index
        tally.take(at + index, _at(xs, index, parts), _at(ys, index, parts))
        if kinds[0].numeric:
            tally.far(*distances(x, y), ulps(place) if ulps and x == x and y == y else None)


def _at(values: list[Any], index: int, parts: int) -> Any:
    return complex(values[2 * index], values[2 * index + 1]) if parts == 2 else values[index]


def _ulps(kinds: tuple[Kind, Kind], a: bytes, b: bytes) -> Callable[[int], int] | None:
    if kinds[0] != kinds[1] or kinds[0].family not in ("float", "complex"):
        return None
    width = kinds[0].size // (2 if kinds[0].family == "complex" else 1)
    left, right = (array.array(_UNSIGNED[width], content) for content in (a, b))
    sign = 1 << (8 * width - 1)

    def ordered(word: int) -> int:
        return word if word < sign else sign - word

    return lambda place: abs(ordered(left[place]) - ordered(right[place]))


def _together(
    numpy: Any, tally: Tally, kinds: tuple[Kind, Kind], a: bytes, b: bytes, at: int
) -> None:
    parts = 2 if kinds[0].family == "complex" else 1
    x, y = _array(numpy, a, kinds[0]), _array(numpy, b, kinds[1])
    tally.compared += len(x) // parts
    with numpy.errstate(all="ignore"):
        if kinds[0] != kinds[1]:
            x, y = x.astype("f8"), y.astype("f8")
        apart = ~((x == y) | ((x != x) & (y != y)))
        if not apart.any():
            return
        elements = apart if parts == 1 else apart.reshape(-1, 2).any(axis=1)
        tally.differing += int(numpy.count_nonzero(elements))
        first = int(elements.argmax())
        if tally.first is None:
            ends = slice(first * parts, (first + 1) * parts)
            tally.take(at + first, *(_single(item[ends].tolist()) for item in (x, y)))
        _farthest(numpy, tally, x[apart], y[apart])
        if kinds[0] == kinds[1] and kinds[0].family in ("float", "complex"):
            numbers = apart & (x == x) & (y == y)
            _most_ulps(numpy, tally, kinds[0].size // parts, a, b, numbers)


def _single(values: list[Any]) -> Any:
    return complex(*values) if len(values) == 2 else values[0]


def _array(numpy: Any, content: bytes, kind: Kind) -> Any:
    if kind.family == "bool":
        return numpy.frombuffer(content, "u1") != 0
    if kind.name == "bfloat16":
        words = numpy.frombuffer(content, "u2").astype("u4") << 16
        return words.view("f4")
    if kind.name.startswith("float8"):
        return numpy.array(_small_floats(kind.name))[numpy.frombuffer(content, "u1")]
    return numpy.frombuffer(content, "=" + _CODES[kind.name])


def _farthest(numpy: Any, tally: Tally, x: Any, y: Any) -> None:
    if x.dtype.kind in "iub":
        wide = "i8" if x.dtype.kind == "i" else "u8"
        x, y = x.astype(wide), y.astype(wide)
        # two's complement: the difference of two int64 fits into a uint64
        far = (numpy.maximum(x, y).astype("u8") - numpy.minimum(x, y).astype("u8")).astype("f8")
    else:
        far = numpy.abs(x.astype("f8") - y.astype("f8"))
    most = numpy.maximum(numpy.abs(x.astype("f8")), numpy.abs(y.astype("f8")))
    finite = numpy.isfinite(far) & numpy.isfinite(most)
    if finite.any():
        far, most = far[finite], most[finite]
        ratio = numpy.divide(far, most, out=numpy.zeros_like(far), where=most > 0)
        tally.far(float(far.max()), float(ratio.max()), None)


def _most_ulps(numpy: Any, tally: Tally, width: int, a: bytes, b: bytes, numbers: Any) -> None:
    left, right = (numpy.frombuffer(item, f"u{width}")[numbers] for item in (a, b))
    if not len(left):
        return
    sign = left.dtype.type(1 << (8 * width - 1))
    # the distance from zero on each side of it; two of the same sign subtract, of different add
    crossing = (left & sign) != (right & sign)
    left, right = left & ~sign, right & ~sign
    between = numpy.maximum(left, right) - numpy.minimum(left, right)
    tally.far(None, None, int(numpy.where(crossing, left + right, between).max()))
