"""Replays beside each other on this machine: a few processes, each making one after the other."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import repro
from repro import canonical, process
from repro.process import Peer
from repro.verifying.tasks import Outcome, Say, Task

ARGV = (sys.executable, "-m", "repro.verifying.worker")
NEUTRAL = Path(repro.__file__).parents[1]
"""Python looks for modules in the current folder first: the project's `json.py` must not be ours."""


class Workers:
    """A Place. To be used as a context manager: its processes are gone afterwards."""

    def __init__(self, jobs: int, environ: Mapping[str, str], say: Say) -> None:
        self._environ, self._say = environ, say
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="replay")
        self._own = threading.local()
        self._peers: list[Peer] = []
        self._guard = threading.Lock()
        self._over = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.cancel()

    def submit(self, task: Task) -> Future[Outcome]:
        return self._threads.submit(self._play, task)

    def cancel(self) -> None:
        with self._guard:
            self._over = True
            peers = list(self._peers)
        for peer in peers:
            peer.dismiss()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for peer in peers:
            peer.wait(process.GRACE * 3)

    def _play(self, task: Task) -> Outcome:
        peer = self._peer()
        if peer is None:
            return Outcome(error="it was not begun any more")
        outcome = told(peer, task, self._say)
        if outcome:
            return outcome
        self._own.peer = None
        return lost(peer, task)

    def _peer(self) -> Peer | None:
        """This thread's process; None once no more is wanted."""
        found: Peer | None = getattr(self._own, "peer", None)
        if found:
            return found
        with self._guard:
            if self._over:
                return None
            self._own.peer = peer = Peer(ARGV, self._environ, NEUTRAL)
            self._peers.append(peer)
        return peer


def told(peer: Peer, task: Task, say: Say) -> Outcome | None:
    """What the process says of the task; None where it ended without a word."""
    peer.send(json.dumps(task.document()))
    while (line := peer.receive()) is not None:
        document: dict[str, Any] = json.loads(line)
        if "step" not in document:
            comparison = canonical.loads(document["comparison"].encode())
            return Outcome(**{**document, "comparison": comparison})
        say(task.label, document["step"])
    return None


def lost(peer: Peer, task: Task) -> Outcome:
    """What stands for a replay whose process ended."""
    code = peer.wait(process.GRACE * 3)
    return Outcome(
        error=f"the process that replayed it ended with exit code {code}",
        hint=f"repro replay {task.run[:12]}",
    )
