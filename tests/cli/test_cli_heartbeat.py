"""What a log of a pipeline hears of long replays."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from repro.cli.heartbeat import PERIOD, Heartbeat
from repro.replaying import Options
from repro.verifying.tasks import Outcome, Task


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Somewhere:
    """A place where replays end when the test says so."""

    def __init__(self) -> None:
        self.futures: list[Future[Outcome]] = []
        self.cancelled = False

    def submit(self, task: Task) -> Future[Outcome]:
        self.futures.append(Future())
        return self.futures[-1]

    def cancel(self) -> None:
        self.cancelled = True


def test_a_long_step_is_repeated_once_a_period_until_its_replay_ends() -> None:
    said: list[str] = []
    clock: Any = Clock()
    beat, place = Heartbeat(said.append, clock), Somewhere()
    around = beat.around(place)
    for label in ("a 1/2", "a 2/2"):
        around.submit(Task("/p", "0" * 64, label, Options()))
        beat.step(label, "executing")
    beat.beat()
    assert said == ["a 1/2: executing", "a 2/2: executing"]
    said.clear()
    clock.now += PERIOD
    beat.beat()
    beat.beat()
    assert said == ["a 1/2: still executing, 5 min", "a 2/2: still executing, 5 min"]
    said.clear()
    place.futures[0].set_result(Outcome("x"))
    clock.now += 60 * 60
    beat.beat()
    beat.beat()
    assert said == ["a 2/2: still executing, 1 h 5 min"]
    place.futures[1].set_exception(RuntimeError())
    clock.now += PERIOD
    said.clear()
    beat.beat()
    assert said == []
    around.cancel()
    assert place.cancelled


def test_a_new_step_begins_anew() -> None:
    said: list[str] = []
    clock: Any = Clock()
    beat = Heartbeat(said.append, clock)
    beat.step("a", "building")
    clock.now += PERIOD - 1
    beat.step("a", "executing")
    clock.now += 2
    beat.beat()
    assert said == ["a: building", "a: executing"]


def test_it_ends_with_its_block() -> None:
    with Heartbeat(lambda line: None) as beat:
        thread = beat._thread
        assert thread.is_alive()
    thread.join(30)
    assert not thread.is_alive()
