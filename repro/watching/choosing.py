"""Which way of watching works here?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from repro.errors import EngineError
from repro.watching.nouns import Mode, Unwatched, Watch
from repro.watching.python import PythonWatch
from repro.watching.strace import StraceWatch, probe


def choose(mode: Mode, folder: Path, environ: Mapping[str, str]) -> Watch:
    """A watch that keeps what it needs in ``folder``, an empty one of its own.

    Raises EngineError where strace is asked for and does not work here.
    """
    match mode:
        case Mode.OFF:
            return Unwatched()
        case Mode.PYTHON:
            return _python(folder)
    strace = shutil.which("strace", path=environ.get("PATH"))
    if mode is Mode.STRACE:
        return _demanded(strace, folder, environ)
    if strace is None:
        return _python(folder, "strace is not installed")
    said = probe(strace, folder, environ, filtered=True)
    return (
        _python(folder, f"strace does not work here ({said})")
        if said
        else StraceWatch(strace, folder)
    )


def _python(folder: Path, why: str = "") -> Watch:
    if ":" in str(folder):
        return Unwatched((f"Python cannot be given a folder with a colon in its name: {folder}",))
    return PythonWatch(folder, why)


def _demanded(strace: str | None, folder: Path, environ: Mapping[str, str]) -> Watch:
    if strace is None:
        raise EngineError(
            "strace is not installed, and the run is to be watched by it",
            "apt-get install strace; or watch by python",
        )
    said = probe(strace, folder, environ, filtered=True)
    if not said:
        return StraceWatch(strace, folder)
    if not probe(strace, folder, environ, filtered=False):
        return StraceWatch(strace, folder, filtered=False)
    raise EngineError(
        f"strace does not work here: {said}",
        "a container needs --cap-add SYS_PTRACE; or watch by python",
    )
