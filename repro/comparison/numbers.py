"""Values set side by side: equal, how far apart, near enough. Exact for integers of any size."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeGuard

from repro.manifest import MetricType, Scalar, Tolerance

_EXACT = 1 << 53
"""Below this every integer is a float, so that arithmetic on a mix of both loses nothing."""


def kind(value: Scalar) -> MetricType:
    """The type of a single value. An integer and a float are both numbers; a boolean is not."""
    match value:
        case None:
            return MetricType.NULL
        case bool():
            return MetricType.BOOLEAN
        case str():
            return MetricType.TEXT
    return MetricType.NUMBER


def is_number(value: Scalar) -> TypeGuard[int | float]:
    return kind(value) is MetricType.NUMBER


def is_nan(value: Scalar) -> bool:
    return isinstance(value, float) and math.isnan(value)


def equal(a: Scalar, b: Scalar) -> bool:
    """Same type and same value; NaN equals NaN, 1 equals 1.0, 0.0 equals -0.0, True is not 1."""
    if kind(a) is not kind(b):
        return False
    return a == b or (is_nan(a) and is_nan(b))


def distance(a: Scalar, b: Scalar) -> float | None:
    """``|a - b|``; None where it is not finite, or one of them is not a number."""
    if not (is_number(a) and is_number(b)) or not (_finite(a) and _finite(b)):
        return None
    if isinstance(a, int) and isinstance(b, int):
        return _representable(abs(a - b))
    if max(abs(a), abs(b)) < _EXACT:
        return abs(a - b)
    far = _representable(abs(Fraction(a) - Fraction(b)))
    return None if far is None else float(far)


def relative(a: Scalar, b: Scalar) -> float | None:
    """``|a - b| / max(|a|, |b|)``, 0 for 0 and 0; None where there is no finite distance."""
    if not (is_number(a) and is_number(b)) or not (_finite(a) and _finite(b)):
        return None
    largest = max(abs(a), abs(b))
    if a == b:
        return 0.0
    if isinstance(a, float) and isinstance(b, float) and largest < _EXACT:
        return abs(a - b) / largest
    return float(abs(Fraction(a) - Fraction(b)) / Fraction(largest))


def within(a: Scalar, b: Scalar, tolerance: Tolerance | None) -> bool:
    """Whether two values that are not equal lie near enough: ``|a - b| <= max(absolute,
    relative * max(|a|, |b|))``. Never for NaN, infinity, or anything but numbers."""
    if tolerance is None:
        return False
    far, ratio = distance(a, b), relative(a, b)
    # "> 0": a ratio so small that it rounds to 0 is not exactly equal; a NaN bound passes nothing
    return (tolerance.absolute > 0 and far is not None and far <= tolerance.absolute) or (
        tolerance.relative > 0 and ratio is not None and ratio <= tolerance.relative
    )


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _representable(value: int | Fraction) -> float | None:
    """The value, an integer as it is, when a float can hold one as large."""
    try:
        rounded = float(value)
    except OverflowError:
        return None
    return value if isinstance(value, int) else rounded
