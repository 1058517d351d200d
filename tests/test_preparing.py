"""Replays beside each other that need the same environment do not build it twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from repro import preparing
from repro.progress import Progress
from repro.store import Store


class Heard(Progress):
    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


def test_the_second_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    store, order = Store.open(tmp_path), []
    heard = Heard()

    def second(key: str, *rest: Any) -> None:
        with preparing._alone(store, key, heard):
            order.append(key)

    with preparing._alone(store, "one", Heard()):
        other = threading.Thread(target=second, args=("two",))
        other.start()
        other.join(20)
        assert order == ["two"] and heard.steps == [], "another environment is not waited for"
        same = threading.Thread(target=second, args=("one",))
        same.start()
        deadline = time.monotonic() + 20
        while not heard.steps and time.monotonic() < deadline:
            time.sleep(0.01)
        assert heard.steps == ["waiting for another replay, which builds the same environment"]
        assert order == ["two"]
    same.join(20)
    assert order == ["two", "one"]


def test_one_that_failed_holds_nobody_up(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for _ in range(2):
        try:
            with preparing._alone(store, "one", Heard()):
                raise OSError
        except OSError:
            continue
    with preparing._alone(store, "one", Heard()):
        pass
