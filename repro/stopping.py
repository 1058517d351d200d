"""Stops a training once it has written the steps that are to be compared."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from repro.comparison import prefix
from repro.comparison.prefix import Name
from repro.manifest import Metric, MetricSource

Seen = tuple[tuple[MetricSource, ...], tuple[Metric, ...]]

PAUSE = 0.5
"""Seconds between two looks at what was written, at least."""
SHARE = 20
"""A look that took a while is followed by so many times as much rest."""


@dataclass
class Stopper:
    """Looks at what a command writes while it works. To be used as a context manager around it.

    ``seen`` is what was there when the command was told to stop: a file may be half rewritten by the time
    that it has ended.
    """

    steps: int
    wanted: frozenset[Name]
    look: Callable[[], Seen]
    stop: threading.Event = field(default_factory=threading.Event)
    seen: Seen | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Stopper:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        rest = PAUSE
        while not self._over.wait(rest):
            clock = time.monotonic()
            try:
                seen = self.look()
            except OSError:
                continue  # something was taken away while it was looked at
            if prefix.is_reached(self.steps, self.wanted, seen[1]):
                self.seen = seen
                self.stop.set()
                return
            rest = max(PAUSE, SHARE * (time.monotonic() - clock))
