"""Symbolic links inside a project: where they end, and whether they stand for content."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CACHED = re.compile(r"/[0-9a-f]{2}/[0-9a-f]{30}\Z")


def target(workspace: Path, path: str) -> str | None:
    """Path within the workspace of what stands at the end of all links; None where that is outside."""
    top = os.path.realpath(workspace)
    real = os.path.realpath(workspace / path)
    return os.path.relpath(real, top) if real.startswith(f"{top.rstrip('/')}/") else None


def in_dvc_cache(path: Path) -> bool:
    """Whether it is a link to a file of a DVC cache, whose name is the hash of what it holds."""
    real = Path(os.path.realpath(path))
    return path.is_symlink() and _CACHED.search(str(real)) is not None and real.is_file()


@dataclass(frozen=True)
class Leading:
    """The links of a workspace over which a run came to what it read."""

    targets: dict[str, str]
    """By path within the workspace: where each leads in the end, relative to the workspace or absolute."""
    beyond: frozenset[str]
    """What was read below the home folder, and lies behind a link: its place is the one that the link names,
    wherever the home folder is."""


def leading(
    workspace: Path, paths: Iterable[str], inside: Iterable[str], home: Iterable[str], *more: str
) -> Leading:
    """Which of these links lead to something that was read: inside (relative to the workspace), below the home
    folder, or elsewhere (``more``). Watching names files by their real paths: it does not see the links
    on the way, and a replay without them does not find the files."""
    top = os.path.realpath(workspace)
    read = sorted({*(f"{top}/{path}" for path in inside), *home, *more})
    targets: dict[str, str] = {}
    beyond: set[str] = set()
    for path in sorted(paths):
        real = os.path.realpath(f"{top}/{path}")
        if f"{top}/".startswith(f"{real.rstrip('/')}/"):
            continue  # back to the project itself
        if behind := _behind(real, read):
            targets[path] = os.path.relpath(real, top) if real.startswith(f"{top}/") else real
            beyond.update(behind)
    return Leading(targets, frozenset(beyond.intersection(home)))


def _behind(real: str, read: list[str]) -> list[str]:
    """Of what was read, sorted, the file itself or what lies in the folder."""
    at = bisect_left(read, real)
    if read[at : at + 1] == [real]:
        return [real]
    begin = bisect_left(read, f"{real}/")
    return read[begin : bisect_left(read, f"{real}0")]  # 0 is what follows a slash
