"""What the rules share: a part of content to look at, its limits, and the tally that digests it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

HELD = 64 << 20
"""Bytes; what has to be held in memory whole is not looked into beyond this."""
UNPACKED = 1 << 30
"""Bytes that are read out of one file in all, its nested parts included: a zip bomb ends here."""
DEPTH = 2
"""How often a part may lie in a part: a file in a tar in a gzip. Deeper ones count byte by byte."""


@dataclass(frozen=True)
class Essence:
    """What a file holds, without what is cosmetic.

    ``form`` names the rule and its version, ``digest`` is ``sha256:<hex>``. Two files of the same
    form and digest hold the same; digests of different forms say nothing about each other.
    """

    form: str
    digest: str


class Unfit(Exception):
    """The content is not what its rule reads exactly and completely: it gets no essence."""


class Allowance:
    """The bytes that may still be unpacked; shared by a file and everything nested in it."""

    def __init__(self, left: int = UNPACKED) -> None:
        self._left = left

    def spend(self, count: int) -> None:
        """Raises Unfit once more was unpacked than one file is allowed."""
        self._left -= count
        if self._left < 0:
            raise Unfit("too much to unpack")


@dataclass(frozen=True)
class Part:
    """Content to look at: a file, or a member of one. ``file`` stands at its beginning."""

    path: str
    """Of a member: its name in the archive."""
    file: BinaryIO
    size: int
    look: Callable[[Part], Essence | None]
    """How a nested part is looked at."""
    allowance: Allowance = field(default_factory=Allowance)
    depth: int = 0

    def read(self, count: int) -> bytes:
        """Exactly so many bytes. Raises Unfit where the content ends before."""
        content = self.file.read(count)
        if len(content) != count:
            raise Unfit("ends early")
        return content

    def whole(self, largest: int = HELD) -> bytes:
        """All of it. Raises Unfit where it is larger than may be held."""
        if self.size > largest:
            raise Unfit("larger than is held in memory")
        self.allowance.spend(self.size)
        return self.read(self.size)


class Tally:
    """A digest over a sequence of parts, each with its length, so that no two sequences collide."""

    def __init__(self, form: str) -> None:
        self._state = hashlib.sha256()
        self.add(form)

    def add(self, *parts: bytes | str | int) -> None:
        for part in parts:
            content = part if isinstance(part, bytes) else str(part).encode("utf-8")
            self._state.update(f"{type(part).__name__}{len(content)}:".encode("ascii"))
            self._state.update(content)

    def digest(self) -> str:
        return "sha256:" + self._state.hexdigest()


def exactly(read: Callable[[int], bytes], count: int) -> bytes:
    """So many bytes from ``read``. Raises Unfit where it has fewer."""
    content = read(count)
    if len(content) != count:
        raise Unfit("ends early")
    return content
