"""Locks on open files: one owner at a time, and none once the owner is gone."""

from __future__ import annotations

import threading
from pathlib import Path

from repro import locks


def test_a_lock_is_one_owners_and_free_when_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as first, path.open("a") as second:
        assert locks.acquire(first)
        assert not locks.acquire(second)
        first.close()
        assert locks.acquire(second)


def test_waiting_ends_with_the_lock_or_with_patience(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as first, path.open("a") as second:
        assert locks.wait(first, 0)
        assert not locks.wait(second, 0)
        waiting = threading.Thread(target=first.close)
        waiting.start()
        assert locks.wait(second, 60)
        waiting.join()
