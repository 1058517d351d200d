"""Checks of the store: whole, and nothing left lying about in it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from repro import sessions
from repro.capturing.git import Git
from repro.diagnosis_nouns import (
    Answer,
    State,
    bytes_text,
    counted,
    ok,
    problem,
    warning,
)
from repro.diagnosis_scene import Probe, Scene
from repro.errors import ReproError
from repro.index import Index
from repro.store import FOLDER, Store

VERIFYING = 1.0
"""Seconds spent on reading manifests again; the newest come first."""
MOST = 5
"""Damaged things that are named one by one."""
STALE = 3600.0
"""Seconds after which a file that is still half-written has been given up."""


def _store(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    if scene.store_error:
        yield problem(str(scene.store_error), scene.store_error.hint)
        return
    store = scene.store
    if store is None:
        yield ok(f"none yet: the first run makes {FOLDER}")
        return
    runs, replays = len(store.run_ids()), len(list(store.replay_ids()))
    size = bytes_text(_size(store.root))
    yield ok(f"{counted(runs, 'run')}, {counted(replays, 'replay')}, {size} in {FOLDER}")
    if not os.access(store.root, os.W_OK):
        yield problem(f"{store.root} cannot be written to", "check its owner and permissions")
    damaged = list(dict.fromkeys(_damaged(store)))
    for line in damaged[:MOST]:
        yield problem(line, f"take it from a copy of {FOLDER}, or remove it")
    if len(damaged) > MOST:
        yield problem(f"{len(damaged) - MOST} more are damaged", "check the disk")
    tracked = Git(project.folder).run("ls-files", "-z", "--", FOLDER).split(b"\0")[0]
    if tracked:
        yield warning(
            f"git tracks files of it: {os.fsdecode(tracked)}", f"git rm -r --cached {FOLDER}"
        )


def _damaged(store: Store) -> Iterator[str]:
    """What cannot be read, or is not what was recorded any more, as far as time allows."""
    index = Index(store)
    try:
        yield from index.damaged
        identities = [row.id for row in index.rows()]
    finally:
        index.close()
    until = time.monotonic() + VERIFYING
    for identity in identities:
        if time.monotonic() > until:
            return
        try:
            run = store.run(identity)
        except ReproError as error:
            yield str(error)
            continue
        for item in run.manifest.contents:
            path = store.blob_path(item.digest)
            if not path.is_file():
                yield f"run {run.short}: the blob of {item.path} is missing ({item.digest[:19]})"
            elif path.stat().st_size != item.size:
                yield f"run {run.short}: the blob of {item.path} is damaged ({item.digest[:19]})"


def _leftovers(scene: Scene) -> Iterator[Answer]:
    store = scene.store
    if store is None:
        return
    killed = sessions.abandoned(store)
    if killed:
        seen = f"{counted(len(killed), 'command')} of repro was killed and left things behind"
        yield warning(seen, "any other command of repro clears them: repro list")
    kept = [path.parent for path in (store.root / "tmp").glob("*/kept")]
    if kept:
        size = bytes_text(sum(map(_size, kept)))
        seen = f"{counted(len(kept), 'workspace')} kept with --keep, {size}"
        yield Answer(State.OK, seen, f"when they are not needed: rm -r {kept[0]}")
    half = [path for path in _half_written(store) if time.time() - path.lstat().st_mtime > STALE]
    if half:
        seen = f"{counted(len(half), 'half-written file')} of a killed command"
        yield warning(seen, f"rm {shlex.quote(str(half[0]))}")
    if not (killed or kept or half):
        yield ok("none")


def _half_written(store: Store) -> Iterator[Path]:
    for folder in ("", "blobs", "blobs/sha256", "runs", "names"):
        for pattern in (".writing-*", ".pending-*"):
            yield from (store.root / folder).glob(pattern)


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
            except OSError:
                continue  # gone meanwhile
    return total


STORE = (
    Probe("store", "store", _store),
    Probe("store", "leftovers", _leftovers),
)
