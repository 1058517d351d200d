"""What a command keeps while it works, and what clears it away when the command was killed.

A session is a folder in the store's `tmp/`, held by a lock (a file in `locks/`) that the kernel drops when
its owner ends, however it ends. Whoever opens the store next sees the folders whose lock is free, and
removes them with the containers that carry their name.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import canonical, interrupts, locks
from repro.errors import Busy
from repro.store import Store, remove_tree

CONTAINERS = "containers"
"""A file of this name in a session says that the engine may hold containers of it."""
_LEFT = "left"
"""And one of this name, that it does, and that nobody could remove them."""


@dataclass(frozen=True)
class Session:
    """A folder of one command's own; gone when the command is."""

    name: str
    path: Path

    def folder(self, name: str) -> Path:
        """A new empty folder inside."""
        path = self.path / name
        path.mkdir(parents=True)
        return path

    def expect_containers(self) -> None:
        """To be called before the first container is made, so that a kill leaves a trace."""
        (self.path / CONTAINERS).touch()

    def leave_containers(self) -> None:
        """The engine would not remove them: whoever sweeps next finds the session, with nothing else in it."""
        (self.path / _LEFT).touch()


@contextlib.contextmanager
def session(store: Store, *, keep: Callable[[], bool] = lambda: False) -> Iterator[Session]:
    """A session for the length of the block; with ``keep()`` true at its end the folder stays."""
    name = f"{os.getpid()}-{canonical.PROCESS}{os.urandom(4).hex()}"
    path = store.root / "tmp" / name
    for folder in (path.parent, _lock(path).parent):
        folder.mkdir(parents=True, exist_ok=True)
    # outside of the folder and before it, so that nobody can ever see it unlocked
    try:
        with _lock(path).open("w") as lock:
            locks.acquire(lock)
            try:
                with _gate(store):
                    path.mkdir()
                yield Session(name, path)
            finally:
                if path.exists() and not keep():
                    with interrupts.ignored():
                        _removed(path)
    finally:
        _lock(path).unlink(missing_ok=True)


def _removed(path: Path) -> None:
    left = (path / _LEFT).exists()
    remove_tree(path)
    if left:
        path.mkdir()
        (path / CONTAINERS).touch()


def is_at_work(root: Path, name: str) -> bool:
    """Whether the store at ``root`` has a session of that name that somebody holds, on this machine or on
    another one that shares the folder and its locks. What is no store has none."""
    path = root / "tmp" / Path(name).name
    return path.is_dir() and _lock(path).is_file() and not _is_free(path)


def abandoned(store: Store) -> tuple[Session, ...]:
    """The sessions whose owner is gone."""
    found = []
    folder = store.root / "tmp"
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or not path.is_dir():
                continue
            if (path / "kept").exists() or not _is_free(path):
                continue
            found.append(Session(path.name, path))
    return tuple(found)


def sweep(store: Store, remove_containers: Callable[[str], None]) -> tuple[str, ...]:
    """Clear what killed commands left; returns a line for each thing that a person should know."""
    lines = []
    for left in abandoned(store):
        if (left.path / CONTAINERS).exists():
            try:
                remove_containers(left.name)
            except Exception as error:  # the engine may be down: try again at the next command
                lines.append(f"containers of a killed repro may remain ({left.name}): {error}")
                continue
        unfinished = left.path / "unfinished.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(unfinished.read_bytes())
            lines.append(
                f"a run started {document['started']} was killed before it could be recorded: "
                f"{document['command']}"
            )
        _remove_half_written(store, left.name)
        remove_tree(left.path)
        _lock(left.path).unlink(missing_ok=True)
    return tuple(lines)


def _remove_half_written(store: Store, session_name: str) -> None:
    process = session_name.partition("-")[2][: len(canonical.PROCESS)]
    for pattern in (f".writing-{process}-*", f".pending-{process}-*"):
        for path in store.root.rglob(pattern):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusively(store: Store, purpose: str) -> Iterator[None]:
    """Only one command at a time may observe the project's files. Raises Busy."""
    path = store.root / "running"
    with path.open("a+b") as lock:
        if not locks.acquire(lock):
            lock.seek(0)
            holder = lock.read(500).decode("utf-8", "replace").strip() or "another repro"
            raise Busy(
                f"a run is being recorded in this project already: {holder}",
                "wait for it, or record in a work tree of its own: git worktree add ../second",
            )
        lock.truncate(0)
        line = f"pid {os.getpid()}, since {time.strftime('%H:%M:%S')}: {' '.join(purpose.split())}"
        lock.write(line.encode("utf-8", "backslashreplace"))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


@contextlib.contextmanager
def alone(store: Store) -> Iterator[None]:
    """Nobody else works in this store, nor begins to. Raises Busy where somebody does."""
    with _gate(store):
        for path in (store.root / "tmp").iterdir():
            if path.is_dir() and not (path / "kept").exists() and not _is_free(path):
                raise Busy(
                    f"another repro is at work in {store.root} (pid {path.name.partition('-')[0]})",
                    "try again when it is done",
                )
        yield


@contextlib.contextmanager
def _gate(store: Store, patience: float = 60.0) -> Iterator[None]:
    """What every session passes through when it begins, and whoever wants to be alone holds."""
    with (store.root / "gate").open("a") as gate:
        if not locks.wait(gate, patience):
            raise Busy(f"repro gc is at work in {store.root}", "try again when it is done")
        yield


def note_unfinished(session: Session, started: str, command: str) -> None:
    """Leave a note that survives a kill, for ``sweep`` to read."""
    canonical.write_bytes(
        session.path / "unfinished.json", canonical.dumps({"started": started, "command": command})
    )


def _lock(path: Path) -> Path:
    return path.parent.with_name("locks") / path.name


def _is_free(path: Path) -> bool:
    try:
        with _lock(path).open("r+") as lock:
            return locks.acquire(lock)
    except FileNotFoundError:
        return path.is_dir()
    except OSError:
        return False
