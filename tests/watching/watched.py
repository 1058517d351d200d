"""Runs a command as recording does, with a watch around it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repro import process
from repro.process import Execution
from repro.watching import Access, Mode, Seen, choose
from repro.watching.seccomp import probe

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (apt-get install strace)"
)
needs_seccomp = pytest.mark.skipif(bool(probe()), reason=f"seccomp: {probe()}")
WHOLE = (
    pytest.param(Mode.SECCOMP, marks=needs_seccomp),
    pytest.param(Mode.STRACE, marks=needs_strace),
)
ALL = pytest.mark.parametrize("mode", [*WHOLE, Mode.PYTHON])
SEEING_ALL = pytest.mark.parametrize("mode", WHOLE)


@dataclass
class Kept:
    """A sink that keeps what is printed."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    def stdout(self, chunk: bytes) -> None:
        self.out += chunk

    def stderr(self, chunk: bytes) -> None:
        self.err += chunk


@dataclass(frozen=True)
class Watched:
    seen: Seen
    execution: Execution
    out: str
    err: str

    def get(self, path: Path | str) -> Access | None:
        """What happened to that file."""
        return next((item for item in self.seen.accesses if item.path == os.fspath(path)), None)

    def short(self, path: Path | str) -> str:
        """``r``, ``w``, ``rw`` or ``wr`` in order, ``-`` for nothing."""
        found = self.get(path)
        if found is None:
            return "-"
        if found.read and found.written:
            return "rw" if found.first == "read" else "wr"
        return "r" if found.read else "w"


def watch(mode: Mode, cwd: Path, *argv: str, env: Mapping[str, str] | None = None) -> Watched:
    """``argv`` executed in ``cwd`` while watched; the trace lies beside."""
    environ = {**os.environ, **(env or {})}
    folder = cwd.parent / f"{cwd.name}-watch-{len(list(cwd.parent.iterdir()))}"
    folder.mkdir()
    watcher = choose(mode, folder, environ)
    wrapped, given = watcher.wrapped(argv, environ, cwd)
    kept = Kept()
    execution = process.execute(wrapped, cwd=cwd, env=given, sink=kept)
    return Watched(watcher.seen(), execution, kept.out.decode(), kept.err.decode())


def python(mode: Mode, cwd: Path, text: str, **env: str) -> Watched:
    """A script of Python."""
    script = cwd / "script.py"
    script.write_text(text)
    return watch(mode, cwd, sys.executable, "script.py", env=env)
