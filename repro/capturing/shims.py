"""What stands behind the shims of pyenv and asdf: shell scripts that choose a version."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import process

TIMEOUT = 30.0


@dataclass(frozen=True)
class Shim:
    """The program behind a shim; no path where none of the selected versions has it."""

    path: Path | None
    how: str


def behind(path: Path, cwd: Path, env: Mapping[str, str]) -> Shim | None:
    """What the shim at ``path`` would run in ``cwd``; None where it is no shim."""
    if path.parent.name != "shims":
        return None
    if path.resolve().name in ("mise", "rtx"):
        return _asked(path, (path.resolve(), "which", path.name), cwd, env)
    head = _head(path)
    if "pyenv" in head:
        return _behind_pyenv(path, cwd, env, head)
    if head.startswith("#!"):
        asdf = re.search(r"exec (\S*asdf) exec", head)
        program = asdf.group(1) if asdf else "asdf"
        return _asked(path, (program, "which", path.name), cwd, env)
    return None


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def _behind_pyenv(path: Path, cwd: Path, env: Mapping[str, str], head: str) -> Shim:
    root = Path(env.get("PYENV_ROOT", path.parent.parent))
    version = _pyenv_version(root, cwd, env)
    how = "pyenv shim"
    if version:
        program = root / "versions" / version / "bin" / path.name
        if os.access(program, os.X_OK):
            return Shim(program, f"{how}, version {version}")
    # several versions, a prefix, `system`, a plugin: pyenv itself knows best
    match = re.search(r'exec "([^"]+/pyenv)" exec', head)
    pyenv = Path(match.group(1)) if match else root / "bin" / "pyenv"
    return _asked(path, (pyenv, "which", path.name), cwd, env)


def _asked(path: Path, question: tuple[str | Path, ...], cwd: Path, env: Mapping[str, str]) -> Shim:
    tool = Path(question[0]).name
    try:
        done = process.run(question, cwd=cwd, env=env, timeout=TIMEOUT)
    except process.CommandFailed as error:
        return Shim(None, f"{tool} shim {path}: {error}")
    program = Path(done.stdout.decode("utf-8", "replace").strip())
    return Shim(program, f"{tool} shim: {program}")


def _pyenv_version(root: Path, cwd: Path, env: Mapping[str, str]) -> str | None:
    """The one version selected, when it is spelled out in full; pyenv's own order of places."""
    text = env.get("PYENV_VERSION", "")
    if not text:
        places = [folder / ".python-version" for folder in (cwd, *cwd.parents)]
        for place in [*places, root / "version"]:
            if place.is_file():
                text = place.read_text("utf-8", "replace")
                break
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    words = [word for line in lines for word in re.split(r"[\s:]+", line) if word]
    return words[0] if words and words[0] != "system" else None
