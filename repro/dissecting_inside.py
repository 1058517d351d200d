"""Has files read in a replay's own container: without network, privileges, or anything of this machine but
the files, which it cannot write. What comes back is a stranger's word and is read as such."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from dataclasses import dataclass
from pathlib import Path

from repro import anatomy
from repro.anatomy import ContentDifference, Unreadable
from repro.engines.base import Engine, Job, Ready
from repro.errors import Interrupted, ReproError
from repro.sessions import Session

SECONDS = 600.0
"""For all files together; each has less (``anatomy/inside/main.py``)."""
LARGEST = 2 << 30
"""Bytes of a file that is read there."""
MEMORY = 1 << 30
"""Bytes that the reader has, and"""
MEMORY_FACTOR = 4
"""times as many more as the largest file has."""
INSIDE, FILES = "/repro/reading", "/repro/files"

_START = (
    'for p in python3 python; do command -v "$p" >/dev/null 2>&1 && exec "$p" -B -m '
    'repro.anatomy.inside.main "$@"; done; echo "there is no Python" >&2; exit 127'
)


@dataclass(frozen=True)
class Pair:
    """Two files that differ: the output's path, and as what they are read."""

    path: str
    form: str
    a: Path
    b: Path


def open_inside(
    engine: Engine, ready: Ready, session: Session, pairs: list[Pair]
) -> dict[str, ContentDifference]:
    """Where the files of each pair differ, by the output's path; those that could not be opened as bytes,
    with the reason. Raises Interrupted."""
    found = {
        pair.path: _as_bytes(pair, f"it is larger than {LARGEST >> 30} GiB")
        for pair in pairs
        if _size(pair) > LARGEST
    }
    small = [pair for pair in pairs if pair.path not in found]
    if not small:
        return found
    folder = session.folder(f"reading-{os.urandom(3).hex()}")
    try:
        said = _run(engine, ready, session, small, folder)
    except (ReproError, OSError) as error:
        if isinstance(error, Interrupted):
            raise
        said = f"the container could not read it: {error}"
    return found | {
        pair.path: _compared(pair, folder / "out", number, said)
        for number, pair in enumerate(small)
    }


def _size(pair: Pair) -> int:
    return max(path.stat().st_size for path in (pair.a, pair.b))


def _as_bytes(pair: Pair, reason: str) -> ContentDifference:
    return anatomy.compare_bytes(pair.a, pair.b, reason)


def _compared(pair: Pair, out: Path, number: int, said: str) -> ContentDifference:
    try:
        return anatomy.compare_plain(out / f"{number}-a", out / f"{number}-b")
    except Unreadable as error:
        return _as_bytes(pair, said or f"it could not be opened as {pair.form}: {error}")


def _run(engine: Engine, ready: Ready, session: Session, pairs: list[Pair], folder: Path) -> str:
    """Read all files; why nothing was read, empty where something was."""
    sealed: dict[str, Path] = {}
    tasks = []
    for number, pair in enumerate(pairs):
        for side, path in (("a", pair.a), ("b", pair.b)):
            name = f"{number}-{side}"
            sealed[f"{FILES}/{name}"] = _readable(path, session)
            tasks.append({"path": f"{FILES}/{name}", "form": pair.form, "name": name})
    install(folder)
    (folder / "tasks.json").write_text(json.dumps(tasks), "utf-8")
    (folder / "out").mkdir()
    engine.adopt(folder)
    words = _Words()
    job = Job(
        _command(ready),
        folder,
        INSIDE,
        session,
        env={"PYTHONPATH": INSIDE, "PYTHONDONTWRITEBYTECODE": "1"},
        memory=MEMORY + MEMORY_FACTOR * max(map(_size, pairs)),
        sealed=sealed,
        stop=threading.Event(),
    )
    assert job.stop
    limit = threading.Timer(SECONDS, job.stop.set)
    limit.daemon = True
    limit.start()
    try:
        done = engine.execute(ready, job, words)
    finally:
        limit.cancel()
    if done.interrupted:
        raise Interrupted("the replay was interrupted; nothing was stored")
    if done.exit_code:
        return f"the reader in the container ended with exit code {done.exit_code}{words.end()}"
    return ""


def _command(ready: Ready) -> tuple[str, ...]:
    words = (f"{INSIDE}/tasks.json", f"{INSIDE}/out")
    if ready.environment:
        python = f"{ready.environment}/bin/python"
        return (python, "-B", "-m", "repro.anatomy.inside.main", *words)
    return ("sh", "-c", _START, "sh", *words)


def install(folder: Path) -> None:
    """The reader's own files, as a package that needs nothing else of repro."""
    source = Path(anatomy.__file__).parent / "inside"
    target = folder / "repro" / "anatomy" / "inside"
    target.mkdir(parents=True)
    for package in (folder / "repro", folder / "repro" / "anatomy"):
        (package / "__init__.py").touch()
    for file in sorted(source.glob("*.py")):
        shutil.copyfile(file, target / file.name)


def _readable(path: Path, session: Session) -> Path:
    """The file, or a copy where whoever the container runs as may not read it."""
    path = path.resolve()
    status = path.stat()
    if os.name != "posix" or os.getuid() != 0 or status.st_mode & stat.S_IROTH:
        return path
    copy = session.folder(f"readable-{os.urandom(3).hex()}") / "file"
    shutil.copyfile(path, copy)
    copy.chmod(0o644)
    return copy


class _Words:
    """What the reader printed: the end of it, for a message."""

    def __init__(self) -> None:
        self._text = b""

    def stdout(self, chunk: bytes) -> None:
        self._text = (self._text + chunk)[-2000:]

    stderr = stdout

    def end(self) -> str:
        lines = self._text.decode("utf-8", "replace").strip().splitlines()
        return f": {lines[-1][:200]}" if lines else ""
