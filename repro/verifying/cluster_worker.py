"""What Dask executes on a worker: a run is taken in, a replay is made.

Dask cannot interrupt a function that it has begun. So the function watches whether Dask still wants its
answer (whoever asked may have cancelled it, or be gone) and has the replay's process end, which clears up
after itself. When the worker dies, the process sees the end of its stdin and does the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import repro
from repro import engines, sessions
from repro.errors import ReproError
from repro.manifest import to_document
from repro.project import standalone
from repro.store import FOLDER
from repro.verifying import cluster_replay, cluster_store
from repro.verifying.cluster_answers import Answer, Kind, Request, Unfit, is_compatible
from repro.verifying.tasks import Outcome

RESOURCE = "repro"
"""Dask's resource that says how many replays at once a worker can make; without it, one."""

_slots: dict[str, threading.Semaphore] = {}
_guard = threading.Lock()

_UNWANTED = "nobody waits for its answer any more"


def identity(address: str, folder: object) -> str:
    """What tells a worker from all others, also from the one that was at its address before: Dask makes a
    folder anew for each, and both the worker and the scheduler know it."""
    return f"{address} {folder}"


def hello() -> str:
    """The version of the repro that is here."""
    return repro.__version__


async def taken(run: str, bundle: bytes) -> str:
    """Take in a run that comes through Dask; what is wrong, or nothing."""
    return await asyncio.to_thread(cluster_store.taken, run, bundle)


def answered(document: dict[str, Any]) -> dict[str, Any]:
    """Make the replay. ``document`` is a Request's, the answer's is an Answer's."""
    from distributed import get_worker

    worker = get_worker()
    given, me = _Self(worker, document.get("key", "")), socket.gethostname()
    try:
        request = Request.of(document)
        with given.at_work(request, me):
            answer = _answer(request, given, worker.address, me)
    except Unfit as error:
        answer = Answer(Kind.UNFIT, worker.address, me, str(error), error.wholly)
    except ReproError as error:
        answer = _failed(worker.address, me, Outcome(error=str(error), hint=error.hint))
    except Exception as error:
        answer = _failed(worker.address, me, given.logged(Outcome.of_bug(error), me))
    return _document(answer)


def _failed(address: str, host: str, outcome: Outcome) -> Answer:
    return Answer(Kind.OUTCOME, address, host, outcome=outcome)


def _document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = to_document(answer)
    return found


class _Self:
    """The worker, as its task sees it."""

    def __init__(self, worker: Any, key: str) -> None:
        self._worker, self._key = worker, key
        self._identity = identity(worker.address, worker.local_directory)

    @property
    def is_wanted(self) -> bool:
        """Whether Dask still waits for this very task of this worker."""
        if self._worker.status.name in ("closing", "closed", "failed"):
            return False
        task = self._worker.state.tasks.get(self._key)
        return task is not None and task.state in ("executing", "long-running")

    def tell(self, request: Request, **what: str) -> None:
        # a worker on its way out can tell nobody
        with contextlib.suppress(Exception):
            self._worker.log_event(
                request.topic, {"key": self._key, "worker": self._worker.address, **what}
            )

    def logged(self, outcome: Outcome, host: str) -> Outcome:
        """The same; the traceback of a bug goes from its file into the worker's log, which it is said of."""
        if not outcome.traceback:
            return outcome
        where = f"the log of the worker {self._worker.name} on {host}"
        try:
            path = Path(outcome.traceback)
            logging.getLogger("distributed.worker").error("%s", path.read_text("utf-8", "replace"))
            path.unlink()
        except OSError:
            where = f"{outcome.traceback} on {host}"
        hint = f"please report it with the traceback in {where}"
        return replace(outcome, hint=hint, traceback="")

    @contextlib.contextmanager
    def at_work(self, request: Request, host: str) -> Iterator[None]:
        """The asker knows that it is being made, and knows when it is not any more."""
        self.tell(request, begun=self._identity, host=host, name=str(self._worker.name))
        try:
            with self._slot():
                yield
        finally:
            self.tell(request, ended=self._identity)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """One replay at once, or as many as the worker says that it has room for, whoever asks."""
        room = int(self._worker.state.total_resources.get(RESOURCE) or 1)
        with _guard:
            slots = _slots.setdefault(self._identity, threading.Semaphore(max(room, 1)))
        while not slots.acquire(timeout=cluster_replay.GLANCE):
            if not self.is_wanted:
                raise Unfit(_UNWANTED, wholly=False)
        try:
            yield
        finally:
            slots.release()


# --- one replay ------------------------------------------------------------------------------


def _answer(request: Request, given: _Self, address: str, host: str) -> Answer:
    _demand_version(request.version)
    task = request.task
    cluster_replay.demand_engine(task.options.engine)
    shared = not os.environ.get(cluster_store.STORE) and cluster_store.shares(
        Path(task.project) / FOLDER, request.token
    )
    project = None if shared else cluster_store.own_store()
    # what a worker that was killed left here
    sessions.sweep((project or standalone(Path(task.project))).store, engines.remover(os.environ))
    if project:
        if not cluster_store.had(project, request):
            return Answer(Kind.ABSENT, address, host)
        task = replace(task, project=str(project.folder))
    if not given.is_wanted:
        raise Unfit(_UNWANTED, wholly=False)
    outcome = cluster_replay.played(
        task, lambda: given.is_wanted, lambda step: given.tell(request, step=step)
    )
    outcome = given.logged(outcome, host)
    if not outcome.replay and not outcome.record:
        cluster_replay.demand_engine(task.options.engine)  # it may have gone in the meantime
        return _failed(address, host, outcome)
    record, blobs = cluster_replay.freight(
        project or standalone(Path(task.project)), task.run, outcome, shared
    )
    outcome = replace(outcome, record="")
    return Answer(
        Kind.OUTCOME, address, host, outcome=outcome, record=record, blobs=blobs, shared=shared
    )


def _demand_version(asked: str) -> None:
    if not is_compatible(repro.__version__, asked):
        raise Unfit(f"it has repro {repro.__version__}, and {asked} asks", wholly=True)
