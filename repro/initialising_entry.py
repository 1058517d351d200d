"""What a proposed repro.yaml says of one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro import plain_yaml

Value = str | tuple[str, ...] | Mapping[str, str]
"""What stands behind a key: text, a list, or keys and values (already written as YAML)."""

MOST = 8
"""More than this of a kind, and nobody could have meant them one by one."""


@dataclass(frozen=True)
class Entry:
    """One key of repro.yaml: what to write, whether it is set or an example, and why."""

    key: str
    value: Value
    set: bool
    why: str
    seen: str = ""
    """What was found in the project, for the comment and the summary."""

    @classmethod
    def found(cls, value: Value, why: str, seen: str) -> Entry:
        """Set; whoever asked gives it its key."""
        return cls("", value, True, why, seen)

    @classmethod
    def example(cls, value: Value, why: str, seen: str = "") -> Entry:
        """Not set: what it could be."""
        return cls("", value, False, why, seen)


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first of the names, and how many there are more."""
    shown = ", ".join(plain_yaml.comment(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
