"""What lay there before the run and is added to by it: a log, a table of results, a study's database.

Such a file is an input, and gone as it was once the run has begun: small ones are copied before.
"""

from __future__ import annotations

import contextlib
import posixpath
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from repro.capturing.files import Scan
from repro.trackers import places

EACH, ALL, MOST = 4 * 1000**2, 32 * 1000**2, 200
"""Bytes of one file, bytes of all, and files: the last ones written are taken."""
_ADDED_TO = frozenset(
    (
        ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt", ".log", ".md", ".yaml", ".yml",
        ".db", ".sqlite", ".sqlite3", ".xlsx", ".parquet", ".feather", ".pkl", ".joblib",
    )
)  # fmt: skip
_DATABASES = (".db", ".sqlite", ".sqlite3")
_MLFLOWS = b"CREATE TABLE latest_metrics"
"""In a database of MLflow's, whose earlier runs are told from this one's."""
_NUMBERED = frozenset(f".{number}" for number in range(1, 10))
"""Of logs that are rotated."""


@dataclass(frozen=True)
class Earlier:
    """Copies of files as they were, by path relative to the workspace."""

    copies: dict[str, Path] = field(default_factory=dict)


def keep(workspace: Path, before: Scan, folder: Path) -> Earlier:
    """Copies, in ``folder``, of what a run may add to. What cannot be copied is passed over."""
    kept: dict[str, Path] = {}
    left = ALL
    chosen = [path for path in before.files if _may_be_added_to(path)]
    for path in sorted(chosen, key=lambda path: -before.files[path].mtime_ns)[:MOST]:
        size = before.files[path].size
        source, target = workspace / path, folder / str(len(kept))
        if not 0 < size <= min(EACH, left) or source.is_symlink():
            continue
        with contextlib.suppress(OSError):
            if path.endswith(_DATABASES) and _MLFLOWS in source.read_bytes():
                continue
            shutil.copyfile(source, target)
            kept[path] = target
            left -= size
    return Earlier(kept)


def _may_be_added_to(path: str) -> bool:
    """What a tracker keeps is not: it holds the runs of earlier times, and this one's are told from them."""
    if places.is_bookkeeping(path):
        return False
    suffix = PurePosixPath(path).suffix.lower()
    return suffix in _ADDED_TO or suffix in _NUMBERED


def added_to(
    earlier: Earlier, workspace: Path, written: Collection[str], deleted: Collection[str]
) -> Iterator[str]:
    """The paths of the copies whose whole content still begins a file that the run wrote: the same one,
    or one beside it, as where a log is rotated."""
    beside: dict[str, list[str]] = {}
    for path in sorted(written):
        beside.setdefault(posixpath.dirname(path), []).append(path)
    changed = {*written, *deleted}
    for path in sorted(changed & earlier.copies.keys()):
        near = [other for other in beside.get(posixpath.dirname(path), ()) if other != path]
        stem = PurePosixPath(path).name.split(".")[0]
        alike = [other for other in near if PurePosixPath(other).name.startswith(stem)]
        same = [path] if path in written else []
        if any(_begins(earlier.copies[path], workspace / other) for other in (*same, *alike)):
            yield path


def _begins(copy: Path, path: Path) -> bool:
    """Whether the file begins with all that the copy holds; the very same bytes alone are no addition."""
    try:
        start = copy.read_bytes()
        with path.open("rb") as stream:
            return stream.read(len(start)) == start and bool(stream.read(1))
    except OSError:
        return False
