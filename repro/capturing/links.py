"""Symbolic links inside a project: where they end, and whether they stand for content."""

from __future__ import annotations

import os
import re
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
