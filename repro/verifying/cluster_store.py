"""Where a worker of a cluster has a run: in the asker's own store, where it is at hand, else in one of the
worker's, once the run came there."""

from __future__ import annotations

import os
from pathlib import Path

from repro import canonical, importing, pushing, sessions
from repro.engines import uv
from repro.errors import ReproError
from repro.project import Project, standalone
from repro.verifying.cluster_answers import Request, Unfit

STORE = "REPRO_WORKER_STORE"
"""Environment variable of a worker: the folder for runs from elsewhere. Where it is set, it is used even by
a worker that sees the asker's folder: a disk of its own is faster than a network's."""


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


def had(project: Project, request: Request) -> bool:
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


def taken(run: str, bundle: bytes) -> str:
    """Take in a run that came as a bundle; what is wrong, or nothing."""
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
