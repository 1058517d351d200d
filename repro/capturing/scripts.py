"""Commands that hatch, pdm and pipenv know by a name of the project's own: ``hatch run train``."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.capturing.locks import document

_ARGUMENTS = re.compile(r"\{args(?::([^{}]*))?\}")
_DEPTH = 5
_LONGEST = 100_000
"""Characters that one name stands for: scripts of scripts of scripts can come to any number."""
_LARGEST = 4_000_000
"""Bytes."""

Table = Mapping[str, Any]


def behind(tool: str, words: Sequence[str], folders: Iterable[Path]) -> tuple[str, ...] | None:
    """The command that the first of these words stands for, for a shell; None where it is no such name, or
    not one that can be read without the tool. ``folders``: where the project's file may lie, the nearest
    first."""
    known = _KNOWN.get(tool)
    if known is None or not words:
        return None
    file, place = known
    for folder in folders:
        try:
            table: Mapping[str, Any] = document.toml(_text(folder / file))
            for key in place:
                table = document.table(table.get(key))
            line = _line(table, words[0], tuple(words[1:]), _DEPTH)
        except (OSError, ValueError):
            continue
        return ("sh", "-ec", line) if line else None
    return None


def _text(path: Path) -> str:
    """Of a file that a bundle may have brought: no link, nothing that never ends. Raises OSError, ValueError."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise ValueError(f"{path} is no project file")
    return path.read_text("utf-8")


def _line(table: Table, name: str, arguments: tuple[str, ...], depth: int) -> str:
    script = table.get(name)
    if isinstance(script, dict):  # pdm's: {cmd = …} or {shell = …}
        script = script.get("cmd") or script.get("shell")
        if isinstance(script, list) and all(isinstance(word, str) for word in script):
            script = shlex.join(script)
    lines = [script] if isinstance(script, str) else document.texts(script)
    whole = not isinstance(script, list) or len(lines) == len(script)
    if not all(lines) or not whole or not depth:
        return ""
    told, size = [], 0
    for line in lines:
        told.append(_given(table, line, arguments, depth))
        size += len(told[-1])
        if size > _LONGEST:
            raise ValueError(f"{name} stands for too much")
    return "\n".join(told)


def _given(table: Table, line: str, arguments: tuple[str, ...], depth: int) -> str:
    """The line with the arguments at their place, else at its end; one script may begin with another's name."""
    given = shlex.join(arguments)
    if _ARGUMENTS.search(line):
        line = _ARGUMENTS.sub(lambda match: given or match[1] or "", line)
    else:
        line = f"{line} {given}".rstrip()
    first, _, rest = line.partition(" ")
    if first in table and (other := _line(table, first, (), depth - 1)):
        return f"{other} {rest}".rstrip()
    return line


_KNOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "hatch": ("pyproject.toml", ("tool", "hatch", "envs", "default", "scripts")),
    "pdm": ("pyproject.toml", ("tool", "pdm", "scripts")),
    "pipenv": ("Pipfile", ("scripts",)),
}
"""The file and the place in it where the scripts stand."""
