"""The comparison for a machine: specs/comparison.md. Canonical JSON: same input, same bytes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from repro import canonical
from repro.comparison import Comparison
from repro.report.heading import Heading

SCHEMA = "repro/comparison/v1"


def render(comparison: Comparison, heading: Heading | None = None) -> str:
    """The document as one line of canonical JSON, ending in a newline."""
    return canonical.dumps(document(comparison, heading)).decode("utf-8") + "\n"


def document(comparison: Comparison, heading: Heading | None = None) -> dict[str, Any]:
    """The document as plain dicts and lists; every field is there, null where there is nothing."""
    body: dict[str, Any] = plain(comparison)
    sides = heading or Heading.of(comparison)
    body["sides"] = {
        "a": {**plain(sides.a), "called": comparison.sides[0]},
        "b": {**plain(sides.b), "called": comparison.sides[1]},
    }
    return {
        **body,
        "schema": SCHEMA,
        "passed": comparison.verdict.passed,
        "exit_code": comparison.exit_code,
    }


def plain(noun: Any) -> Any:
    """Every field, also those at their default: who reads this has no defaults to fill in."""
    if is_dataclass(noun) and not isinstance(noun, type):
        return {item.name: plain(getattr(noun, item.name)) for item in fields(noun)}
    if isinstance(noun, Enum):
        return noun.value
    if isinstance(noun, dict):
        return {key: plain(value) for key, value in noun.items()}
    if isinstance(noun, tuple | list):
        return [plain(value) for value in noun]
    return noun
