"""What strace writes, taken apart: its lines, joined to whole calls, and the words in them.

strace quotes as C does and escapes what could be taken for its own punctuation; a call that another
process came in between with is on two lines; the last line may be cut.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_UNFINISHED = b"<unfinished ...>"
_RESUMED = re.compile(rb"<\.\.\. \w+ resumed> ?")
_FORK = re.compile(rb"(?:clone3?|v?fork)\(.* = (\d+)$", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}


Call = tuple[int, bytes]
"""Process and call, whole: ``openat(…) = 3</path>``; and ``+++ exited with 0 +++``."""


@dataclass
class Processes:
    """Who started whom, and who still runs."""

    first: int | None = None
    """The process of the command itself."""
    parents: dict[int, tuple[int, bool]] = field(default_factory=dict)
    """By process or thread: what started it, and whether the two share their working directory."""
    running: set[int] = field(default_factory=set)
    """Those of which no end is written."""

    def note(self, calls: Iterable[Call]) -> None:
        for pid, text in calls:
            if text.startswith(b"+++ "):
                self.running.discard(pid)
                continue
            self.first = self.first or pid
            self.running.add(pid)
            if text.startswith((b"clone", b"fork", b"vfork")) and (match := _FORK.match(text)):
                self.parents[int(match.group(1))] = (pid, b"CLONE_FS" in text)


class Lines:
    """A trace's lines, as they come, joined to calls."""

    def __init__(self) -> None:
        self.damaged = 0
        """Lines that strace did not write this way."""
        self._pending: dict[int, bytes] = {}

    def calls(self, lines: Iterable[bytes]) -> Iterator[Call]:
        for line in lines:
            number, _, text = line.partition(b" ")
            if not number.isdigit() or not text.endswith(b"\n"):
                self.damaged += 1
                continue
            pid, text = int(number), text.strip()
            if text.endswith(_UNFINISHED):
                self._pending[pid] = text[: -len(_UNFINISHED)].rstrip()
                continue
            if text.startswith(b"<... "):
                text = self._pending.pop(pid, b"") + _RESUMED.sub(b"", text, count=1)
            yield pid, text


def unescaped(text: bytes) -> str:
    """A quoted or bracketed word's content, as ``os.fsdecode`` gives it."""
    if b"\\" in text:
        text = _ESCAPE.sub(_byte, text)
    return os.fsdecode(text)


def _byte(match: re.Match[bytes]) -> bytes:
    word = match.group(1)
    if word[:1].isdigit():
        return bytes([int(word, 8) & 0xFF])
    if word[:1] == b"x" and len(word) == 3:
        return bytes([int(word[1:], 16)])
    return _NAMED.get(word, word)
