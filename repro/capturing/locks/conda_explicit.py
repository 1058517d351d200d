"""Explicit lists: one URL of a package's file a line, for one platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from repro.capturing.locks import conda_words
from repro.capturing.requirements import Requirement, Requirements, within


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it has no ``@EXPLICIT``."""
    lines = [line.strip() for line in content.splitlines()]
    if "@EXPLICIT" not in lines:
        raise ValueError("it has no line @EXPLICIT")
    platform = next(
        (match[1] for line in lines if (match := re.match(r"#\s*platform:\s*(\S+)", line))), ""
    )
    files = [line for line in lines if line and not line.startswith(("#", "@"))]
    found = [(line, _entry(line, platform)) for line in files]
    # conda-lock adds what pip is to install as comments
    pip = within("\n".join(_pip(lines)), path)
    return Requirements(
        (*(item for _, item in found if item), *pip.entries),
        tuple(f"{line!r} is no file of a package" for line, item in found if not item),
        complete=True,
    )


def _entry(line: str, platform: str) -> Requirement | None:
    digest = line.partition("#")[2]
    kind = "sha256" if len(digest.removeprefix("sha256:")) == 64 else "md5"
    hashes = (f"{kind}:{digest.removeprefix('sha256:')}",) if digest else ()
    return conda_words.from_file(line, platform, hashes)


def _pip(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if match := re.match(r"#\s*pip\s+(.+)", line):
            yield match[1]
