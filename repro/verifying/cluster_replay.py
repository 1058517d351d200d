"""One replay on a worker of a cluster, in a process that ends when nobody waits for it any more."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from repro import engines, process, records
from repro.errors import ReproError
from repro.process import Peer
from repro.project import Project
from repro.verifying import workers
from repro.verifying.cluster_answers import CAP, Unfit, wanted, welcome
from repro.verifying.tasks import Outcome, Task

GLANCE = 0.5
"""Seconds between two looks at whether the answer is still wanted."""


def demand_engine(name: str) -> None:
    """Raises Unfit where it does not answer."""
    try:
        engines.make(name, os.environ).version()
    except ReproError as error:
        raise Unfit(f"its engine does not answer: {error}", wholly=True) from error


def played(task: Task, is_wanted: Callable[[], bool], tell: Callable[[str], None]) -> Outcome:
    """The replay, made by a process that ends when the answer is wanted no more. ``tell`` hears of each step.
    Raises Unfit where the process was lost."""
    peer = Peer(workers.ARGV, os.environ, workers.NEUTRAL)
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(is_wanted, peer, over), daemon=True)
    watcher.start()
    try:
        found = workers.told(peer, task, lambda label, step: tell(step))
        if found is None:
            # killed, or told to end together with the worker: that says nothing of the run
            raise Unfit(workers.lost(peer, task).error, wholly=False)
        return found
    finally:
        over.set()
        peer.dismiss()
        peer.wait(process.GRACE * 3)


def _watch(is_wanted: Callable[[], bool], peer: Peer, over: threading.Event) -> None:
    while not over.wait(GLANCE):
        if not is_wanted():
            peer.dismiss()
            return


def freight(
    project: Project, run: str, outcome: Outcome, shared: bool
) -> tuple[bytes, dict[str, bytes]]:
    """The record and the blobs that go back with it."""
    store = project.store
    record = outcome.record.encode("utf-8") or store.replay(run, outcome.replay)
    if shared:
        return record, {}
    result = records.of(record, run, outcome.replay).result
    blobs: dict[str, bytes] = {}
    room = CAP - len(record)
    for item in wanted(result):
        room -= item.size
        if room < 0:
            raise ReproError(
                f"the replay's log is larger than the {CAP // 1000**2} MB that go through Dask",
                "let it print less, or replay it in a folder that asker and worker share",
            )
        blobs[item.digest] = store.read(item)
    for item in welcome(result) if outcome.replay else ():
        if item.size <= room and store.has(item.digest):
            room -= item.size
            blobs[item.digest] = store.read(item)
    return record, blobs
