"""Can a command be started at all? To say so where it cannot is not the part of what would watch it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def startable(name: str, env: Mapping[str, str], cwd: str) -> bool:
    """Whether the system would start it: a program, or a script whose interpreter is there."""
    if "/" in name:
        found: str | None = os.path.join(cwd, name)  # noqa: PTH118
    else:
        found = shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        return False
    path = Path(cwd, found)
    try:
        if not path.is_file() or not os.access(path, os.X_OK):
            return False
        with path.open("rb") as file:
            head = file.read(256)
    except OSError:
        return os.access(path, os.X_OK)  # executable, and not readable
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n")[0].split()
        return bool(words) and os.access(os.path.join(cwd, os.fsdecode(words[0])), os.X_OK)  # noqa: PTH118
    return head.startswith(b"\x7fELF")
