"""What Dask executes on a worker: one replay, in a process of its own, in the store that is at hand.

Dask cannot interrupt a function that it has begun. So the function watches whether Dask still wants its
answer (whoever asked may have cancelled it, or be gone) and has the process end, which clears up after itself.
When the worker dies, the process sees the end of its stdin and does the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import repro
from repro import canonical, engines, importing, process, pushing, records, sessions
from repro.engines import uv
from repro.errors import ReproError
from repro.manifest import to_document
from repro.process import Peer
from repro.project import Project, standalone
from repro.store import FOLDER
from repro.verifying import workers
from repro.verifying.cluster_answers import (
    CAP,
    Answer,
    Kind,
    Request,
    is_compatible,
    wanted,
    welcome,
)
from repro.verifying.tasks import Outcome, Task

STORE = "REPRO_WORKER_STORE"
"""Environment variable of a worker: the folder for runs from elsewhere. Where it is set, it is used even by
a worker that sees the asker's folder: a disk of its own is faster than a network's."""
RESOURCE = "repro"
"""Dask's resource that says how many replays at once a worker can make; without it, one."""
GLANCE = 0.5
"""Seconds between two looks at whether the answer is still wanted."""

_slots: dict[str, threading.Semaphore] = {}
_guard = threading.Lock()


class Unfit(Exception):
    """Another worker has to make it. ``wholly``: this one can make none."""

    def __init__(self, reason: str, *, wholly: bool) -> None:
        super().__init__(reason)
        self.wholly = wholly


_UNWANTED = Unfit("nobody waits for its answer any more", wholly=False)


def identity(address: str, folder: object) -> str:
    """What tells a worker from all others, also from the one that was at its address before: Dask makes a
    folder anew for each, and both the worker and the scheduler know it."""
    return f"{address} {folder}"


def hello() -> str:
    """The version of the repro that is here."""
    return repro.__version__


async def taken(run: str, bundle: bytes) -> str:
    """Take in a run that comes through Dask; what is wrong, or nothing."""
    return await asyncio.to_thread(_taken, run, bundle)


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
        while not slots.acquire(timeout=GLANCE):
            if not self.is_wanted:
                raise _UNWANTED
        try:
            yield
        finally:
            slots.release()


# --- one replay ------------------------------------------------------------------------------


def _answer(request: Request, given: _Self, address: str, host: str) -> Answer:
    _demand_version(request.version)
    task = request.task
    _demand_engine(task.options.engine)
    shared = not os.environ.get(STORE) and shares(Path(task.project) / FOLDER, request.token)
    project = None if shared else own_store()
    _swept(project or standalone(Path(task.project)))
    if project:
        if not _had(project, request):
            return Answer(Kind.ABSENT, address, host)
        task = replace(task, project=str(project.folder))
    if not given.is_wanted:
        raise _UNWANTED
    outcome = given.logged(_played(task, given, request), host)
    if not outcome.replay and not outcome.record:
        _demand_engine(task.options.engine)  # it may have gone in the meantime
        return _failed(address, host, outcome)
    record, blobs = _freight(project or standalone(Path(task.project)), task.run, outcome, shared)
    outcome = replace(outcome, record="")
    return Answer(
        Kind.OUTCOME, address, host, outcome=outcome, record=record, blobs=blobs, shared=shared
    )


def _demand_version(asked: str) -> None:
    if not is_compatible(repro.__version__, asked):
        raise Unfit(f"it has repro {repro.__version__}, and {asked} asks", wholly=True)


def _demand_engine(name: str) -> None:
    try:
        engines.make(name, os.environ).version()
    except ReproError as error:
        raise Unfit(f"its engine does not answer: {error}", wholly=True) from error


def shares(root: Path, token: str) -> bool:
    """Whether the asker's store is at hand as it is at the asker's: its session is there, its lock is seen
    from here, and here may be written. Without locks across machines, what one of them is at work on looks
    abandoned to the other."""
    return sessions.is_at_work(root, token) and os.access(root, os.W_OK)


def own_store() -> Project:
    """Where this worker keeps runs from elsewhere, between one verification and the next."""
    folder = Path(os.environ.get(STORE) or uv.user_cache() / "cluster").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return standalone(folder)
    except OSError as error:
        raise Unfit(f"it cannot keep runs in {folder}: {error.strerror}", wholly=True) from error


def _swept(project: Project) -> None:
    """What a worker that was killed left here."""

    def remove_containers(name: str) -> None:
        from repro.engines.docker import DockerEngine

        DockerEngine(os.environ).remove_containers(name)

    sessions.sweep(project.store, remove_containers)


def _played(task: Task, given: _Self, request: Request) -> Outcome:
    """The replay, made by a process that ends when the answer is wanted no more."""
    peer = Peer(workers.ARGV, os.environ, workers.NEUTRAL)
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(lambda: given.is_wanted, peer, over), daemon=True
    )
    watcher.start()
    try:
        found = workers.told(peer, task, lambda label, step: given.tell(request, step=step))
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


def _freight(
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


# --- how the run gets here -------------------------------------------------------------------


def _had(project: Project, request: Request) -> bool:
    """Whether the run is in the worker's own store, once it was pulled from where it was pushed to."""
    run = request.task.run
    mark = _mark(project, run)
    arrived = mark.read_text("ascii") if mark.is_file() else ""
    if run in project.store.run_ids() and arrived and arrived == (request.digest or arrived):
        return True
    if not request.via:
        return False
    try:
        found = pushing.pull(project.store, request.via)
    except ReproError as error:
        raise Unfit(f"it cannot pull from {request.via}: {error}", wholly=False) from error
    if found.run.id != run:
        raise Unfit(f"{request.via} is run {found.run.short} for it", wholly=False)
    _arrived(project, run, request.digest)
    return True


def _taken(run: str, bundle: bytes) -> str:
    try:
        project = own_store()
        with sessions.session(project.store) as session:
            path = session.folder("arriving") / "bundle.tar"
            path.write_bytes(bundle)
            found = importing.import_bundle(project.store, path)
        if found.run.id != run:
            return f"it is run {found.run.short}"
        _arrived(project, run, "through Dask")
    except (ReproError, Unfit, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def _mark(project: Project, run: str) -> Path:
    return project.store.cache / "arrived" / run


def _arrived(project: Project, run: str, how: str) -> None:
    canonical.write_bytes(_mark(project, run), how.encode("ascii"))
