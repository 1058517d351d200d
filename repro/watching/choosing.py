"""Which way of watching works here?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from repro.errors import EngineError
from repro.watching import seccomp
from repro.watching.nouns import Mode, Unwatched, Watch
from repro.watching.python import PythonWatch
from repro.watching.seccomp import SeccompWatch
from repro.watching.strace import StraceWatch, probe


def choose(mode: Mode, folder: Path, environ: Mapping[str, str]) -> Watch:
    """A watch that keeps what it needs in ``folder``, an empty one of its own.

    Raises EngineError where seccomp or strace is asked for and does not work here.
    """
    match mode:
        case Mode.OFF:
            return Unwatched()
        case Mode.PYTHON:
            return _python(folder)
        case Mode.SECCOMP:
            return _by_seccomp(folder)
        case Mode.STRACE:
            return _by_strace(folder, environ)
    refused = seccomp.probe()
    return _second_best(refused, folder, environ) if refused else SeccompWatch(folder)


def _second_best(refused: str, folder: Path, environ: Mapping[str, str]) -> Watch:
    """strace sees as much: why it is not seccomp need not be told, unless that fails too."""
    why = f"seccomp does not work here ({refused})"
    strace = shutil.which("strace", path=environ.get("PATH"))
    if strace is None:
        return _python(folder, f"{why}, and strace is not installed")
    said = probe(strace, folder, environ, filtered=True)
    if said:
        return _python(folder, f"{why}, nor does strace ({said})")
    return StraceWatch(strace, folder)


def _by_seccomp(folder: Path) -> Watch:
    if refused := seccomp.probe():
        raise EngineError(
            f"watching by seccomp does not work here: {refused}",
            "watch by strace, or by python",
        )
    return SeccompWatch(folder)


def _python(folder: Path, why: str = "") -> Watch:
    if ":" in str(folder):
        return Unwatched((f"Python cannot be given a folder with a colon in its name: {folder}",))
    return PythonWatch(folder, why)


def _by_strace(folder: Path, environ: Mapping[str, str]) -> Watch:
    strace = shutil.which("strace", path=environ.get("PATH"))
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
