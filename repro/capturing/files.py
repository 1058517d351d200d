"""The project's files before and after a run: which of them did it create, change or delete?

Two scans of the tree, compared by what the kernel says of each file. A file counts as written when its
modification time, size, inode or mode moved: also when the run wrote the very same bytes again.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".repro",
        "__pycache__",
        ".ipynb_checkpoints",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
    }
)
"""Folders that hold no results: version control, and what tools rebuild at will."""
ENVIRONMENTS = frozenset({"node_modules"})
"""Folders that are an environment by their name; Python's are known by what lies in them."""
SKIPPED_IN_DVC = frozenset({"cache", "tmp"})
TICK = 0.012
"""Seconds, a little more than the kernel's clock for files takes for a step."""


class Stamp(NamedTuple):
    """What the kernel says of a file; two equal stamps: not written in between.

    A tuple, because there is one for each of ten thousand files: it is made, and compared, faster.
    """

    size: int
    mtime_ns: int
    inode: int
    mode: int
    ctime_ns: int
    links: int


@dataclass(frozen=True)
class Scan:
    """The files below a project, by path relative to the workspace."""

    files: Mapping[str, Stamp]
    environments: tuple[str, ...]
    """Environments inside the project (Python's, node_modules): no part of the results."""
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What happened between two scans. Sorted."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    touched: frozenset[str] = frozenset()
    """Those of the written that may have been left alone: all that moved is what a chmod, a chown or a
    rename moves too, the mode and the time of change."""


def scan(workspace: Path, project: Path) -> Scan:
    """All files of the project, symbolic links not followed."""
    files: dict[str, Stamp] = {}
    environments: list[str] = []
    unreadable: list[str] = []
    prefix = project.relative_to(workspace).as_posix()
    pending = [(str(project), "" if prefix == "." else f"{prefix}/")]
    while pending:
        folder, prefix = pending.pop()
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            continue  # gone since it was listed
        except OSError:
            unreadable.append(prefix.rstrip("/") or ".")
            continue
        names = {entry.name for entry in entries}
        if folder != str(project) and ("pyvenv.cfg" in names or "conda-meta" in names):
            environments.append(prefix.rstrip("/"))
            continue
        in_dvc = folder.endswith("/.dvc")
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name in ENVIRONMENTS:
                    environments.append(prefix + name)
                elif name not in SKIPPED and not (in_dvc and name in SKIPPED_IN_DVC):
                    pending.append((entry.path, f"{prefix}{name}/"))
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone between the listing and the look
            if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                files[prefix + name] = _stamp(status)
    _let_clock_step(files)
    return Scan(files, tuple(sorted(environments)), tuple(sorted(unreadable)))


def stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    """Of single files, by path; what is not there has none."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = _stamp(os.lstat(path))
    _let_clock_step(found)
    return found


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
        status.st_mode,
        status.st_ctime_ns,
        status.st_nlink,
    )


def _let_clock_step(files: Mapping[str, Stamp]) -> None:
    """Until what is written next gets a later time than any file has; else it could go unseen."""
    newest = max((stamp.ctime_ns for stamp in files.values()), default=0) / 1e9
    rest = newest + TICK - time.time()
    if 0 < rest <= TICK:
        time.sleep(rest)


def changes(before: Scan, after: Scan) -> Changes:
    """Which files were written or deleted between the two scans."""
    written = sorted(_written(before.files, after.files))
    return Changes(
        tuple(written),
        tuple(sorted(before.files.keys() - after.files.keys())),
        frozenset(
            path
            for path in written
            if path in before.files and _is_content_same(before.files[path], after.files[path])
        ),
    )


def _is_content_same(earlier: Stamp, stamp: Stamp) -> bool:
    return earlier[:3] == stamp[:3]  # size, time of modification, inode


def _written(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> Iterator[str]:
    for path, stamp in after.items():
        earlier = before.get(path)
        if earlier is None or (stamp != earlier and not _only_linked(earlier, stamp)):
            yield path


def _only_linked(earlier: Stamp, stamp: Stamp) -> bool:
    """A hard link made or removed elsewhere moves the change time, and is no write."""
    same = stamp._replace(ctime_ns=earlier.ctime_ns, links=earlier.links) == earlier
    return same and stamp.links != earlier.links
