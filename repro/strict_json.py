"""JSON from elsewhere, of which every value counts: what Python's reader would pass over is an error."""

from __future__ import annotations

import json
from typing import Any


def table(content: bytes) -> dict[str, Any]:
    """A JSON object without a key twice, in which nothing stands that is no JSON. Raises ValueError, which
    says what the content is instead."""
    try:
        document = json.loads(content, object_pairs_hook=unique, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {shown(str(error))}") from None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An ``object_pairs_hook``: of a key that stands twice, Python's reader takes the last and forgets the
    others. Raises ValueError."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} stands twice")
        found[name] = value
    return found


def shown(value: object, most: int = 100) -> str:
    """A value from elsewhere, fit for one line of an error."""
    text = ascii(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
