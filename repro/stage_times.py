"""How long each stage of a pipeline took, by what DVC prints as it goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from repro.manifest import StageRun
from repro.process import Sink

_RUNNING = re.compile(rb"^Running stage '([^']+)'")
_SKIPPED = re.compile(rb"^Stage '([^']+)' (?:didn't change|is cached)")
_LONGEST = 400
"""Bytes of a line that are looked at."""


class Clock:
    """A sink that passes everything on, and notes when DVC says that a stage begins."""

    def __init__(self, onward: Sink) -> None:
        self._onward = onward
        self._begun: list[tuple[str, float | None]] = []
        self._line = b""

    def stdout(self, chunk: bytes) -> None:
        self._look(chunk)
        self._onward.stdout(chunk)

    def stderr(self, chunk: bytes) -> None:
        self._onward.stderr(chunk)

    def _look(self, chunk: bytes) -> None:
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest[:_LONGEST]
        for line in lines:
            if match := _RUNNING.match(line):
                self._begun.append((match[1].decode("utf-8", "replace"), time.monotonic()))
            elif match := _SKIPPED.match(line):
                self._begun.append((match[1].decode("utf-8", "replace"), None))

    def runs(self, stages: Sequence[str]) -> tuple[StageRun, ...]:
        """The stages that DVC spoke of, in its order, once the command has ended. ``stages``: those of the
        pipeline; another name is none of DVC's."""
        ended = time.monotonic()
        found = []
        times = [at for _, at in self._begun if at is not None]
        for name, at in self._begun:
            if name.rpartition(":")[2] not in stages and name not in stages:
                continue
            if at is None:
                found.append(StageRun(name))
                continue
            following = min((other for other in times if other > at), default=ended)
            found.append(StageRun(name, round(following - at, 3)))
        return tuple(found)
