"""What a scan returns: a secret by its place and never by its value, and what could not be scanned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from repro.manifest import REDACTED as REDACTED

BY_NAME = "a secret by its name"
"""The kind of what has no format of its own."""
FINGERPRINT = 12
"""Hex digits: enough to tell the values of one project apart."""


@dataclass(frozen=True)
class Secret:
    """Something that looks like a secret. Its value is in no field."""

    where: str
    """For a person: ``environment variable WANDB_API_KEY``, ``untracked notes/keys.txt``."""
    line: int | None
    """Counted from 1; None where the place has no lines."""
    kind: str
    """What it looks like, with its article: ``a GitHub token``."""
    name: str
    """The name that the value was given; empty where it has none."""
    pointer: str | None
    """JSON pointer to the value in the manifest; None where it is not in it, or cannot be replaced."""
    fingerprint: str
    """The first hex digits of the value's SHA-256: what an allow-list names it by."""

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        named = f", {self.name}" if self.name else ""
        return f"{self.where}{line}: {self.kind}{named} ({self.fingerprint})"


@dataclass(frozen=True)
class Unscanned:
    """A place that was not, or not wholly, looked through."""

    where: str
    reason: str
    blocking: bool = True
    """False for binary content that was searched for the formats of tokens, and only for those."""

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True)
class Span:
    """A secret within a piece of content, by its position (bytes), before it has a place."""

    start: int
    end: int
    kind: str
    name: str = ""


def fingerprint(value: str | bytes) -> str:
    """Names a value without telling it. A short password can be guessed from it, a token cannot."""
    content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(content).hexdigest()[:FINGERPRINT]
