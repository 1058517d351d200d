"""Says now and then what long replays are at: a pipeline that prints nothing is taken for one that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

    from repro.verifying.tasks import Outcome, Place, Task

PERIOD = 300.0
"""Seconds; the shortest time after which a CI service is known to end a silent job is ten minutes."""


class Heartbeat:
    """Passes on what is being done for each label, and repeats it where it takes long."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._say, self._clock = say, clock
        self._guard = threading.Lock()
        self._at: dict[str, tuple[str, float, int]] = {}
        """By label: the step, when it began, how often it was repeated."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def step(self, label: str, text: str) -> None:
        """A step begins; said at once."""
        with self._guard:
            self._at[label] = (text, self._clock(), 0)
        self._say(f"{label}: {text}")

    def over(self, label: str) -> None:
        """Nothing more is done for it."""
        with self._guard:
            self._at.pop(label, None)

    def around(self, place: Place) -> Place:
        """The same place, where the end of each replay is heard of."""
        return _Heard(place, self)

    def beat(self) -> None:
        """Repeat each step that began, or was repeated, a period ago."""
        with self._guard:
            due = []
            for label, (text, begun, count) in self._at.items():
                lasted = self._clock() - begun
                if lasted >= PERIOD * (count + 1):
                    self._at[label] = (text, begun, int(lasted // PERIOD))
                    due.append(f"{label}: still {text}, {_minutes(lasted)}")
        for line in due:
            self._say(line)

    def _run(self) -> None:
        while not self._over.wait(5):
            self.beat()


class _Heard:
    def __init__(self, place: Place, beat: Heartbeat) -> None:
        self._place, self._beat = place, beat

    def submit(self, task: Task) -> Future[Outcome]:
        future = self._place.submit(task)
        future.add_done_callback(lambda _: self._beat.over(task.label))
        return future

    def cancel(self) -> None:
        self._place.cancel()


def _minutes(seconds: float) -> str:
    whole = int(seconds // 60)
    return f"{whole // 60} h {whole % 60} min" if whole >= 60 else f"{whole} min"
