"""Sizes as people write them."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TB": 10**12,
    "TIB": 2**40,
}


def size(value: Any) -> int:
    """Bytes from ``1000``, ``"50 MB"`` or ``"1GiB"``. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
        if isinstance(value, str)
        else None
    )
    if not match or match[2].upper() not in _UNITS or len(match[1]) > 18:
        raise ValueError("expected a size such as '50 MB'")
    return int(float(match[1]) * _UNITS[match[2].upper()])
