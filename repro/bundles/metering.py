"""Says how far a long copy is: size, rate, time left."""

from __future__ import annotations

import time

from repro.progress import Progress

EVERY = 2.0
"""Seconds between two lines."""


class Meter:
    """Counts bytes; silent for what is done within a moment."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress, self._what, self._total = progress, what, total
        self._done = 0
        self._start = self._said = time.monotonic()

    def add(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._said >= EVERY:
            self._said = now
            self._progress.step(line(self._what, self._done, self._total, now - self._start))


def line(what: str, done: int, total: int, seconds: float) -> str:
    """``writing: 1.2 GB of 4.0 GB, 310 MB/s, 9 s left``."""
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{size(done)} of {size(max(done, total))}", f"{size(int(rate))}/s"]
    if rate and total > done:
        parts.append(f"{_time((total - done) / rate)} left")
    return f"{what}: {', '.join(parts)}"


def size(count: float) -> str:
    """In decimal units, as disks are sold: ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
