"""Watching with strace: the kernel's own word on every file, whatever opened it.

``-D`` makes the tracer a process aside: the command keeps its place as our child, so that its exit code,
signals, peak memory and parent are as without. ``--seccomp-bpf`` lets all other calls pass untraced.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from repro import process
from repro.process import CommandFailed
from repro.watching import trace
from repro.watching.limits import of_programs
from repro.watching.nouns import Seen
from repro.watching.space import Compactor
from repro.watching.starting import startable
from repro.watching.trace import Reading

_OPTIONS = ("-D", "-f", "-q", "-y", "-s", "1", "-e", "signal=!chld")
PATIENCE = 2.0
"""Seconds that the tracer gets to write its last lines."""


class StraceWatch:
    """One command, watched by strace."""

    method = "strace"

    def __init__(self, strace: str, folder: Path, *, filtered: bool = True) -> None:
        """``filtered``: with the kernel's help; without it every call stops, which is slow."""
        self._strace, self._trace, self._filtered = strace, folder / "trace", filtered
        self._reading: Compactor | None = None

    def wrapped(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """A command that cannot be started stays as it is: to say so is its starter's part."""
        here = os.path.realpath(cwd or ".")
        if not startable(argv[0], env, here):
            return list(argv), dict(env)
        self._reading = Compactor(self._trace, Reading(here))
        self._reading.start()
        return [*command(self._strace, self._trace, self._filtered), *argv], dict(env)

    def seen(self) -> Seen:
        if self._reading is None:
            said = "the command was not watched: it is of a kind that strace cannot start"
            return Seen("none", limits=(said,))
        found = self._reading.stop()
        if not self._trace.is_file() or not self._trace.stat().st_size:
            said = "strace left no trace: which files the command read is not known"
            return Seen(self.method, limits=(said,))
        self._await(found)
        found.go_on(self._trace, to_the_end=True)
        programs = tuple(found.programs)
        return Seen(
            self.method,
            found.ledger.accesses(),
            programs,
            tuple(sorted(found.connections)),
            (*self._slow(), *_limits(found), *of_programs(programs, stripped_by=self.method)),
        )

    def _slow(self) -> tuple[str, ...]:
        if self._filtered:
            return ()
        return (
            "this strace cannot pass over calls in the kernel (--seccomp-bpf, since 5.3): "
            "the command was slowed down",
        )

    def _await(self, found: Reading) -> None:
        """Until the tracer has written the end of every process, or nothing more is to be expected."""
        begin = time.monotonic()
        while True:
            found.go_on(self._trace)
            running, first = found.processes.running, found.processes.first
            if first and not running:
                return
            # what the command left behind may run for ever
            patience = PATIENCE if first in (None, *running) else PATIENCE / 10
            if time.monotonic() - begin > patience:
                return
            time.sleep(0.005)


def command(strace: str, output: Path, filtered: bool) -> list[str]:
    """strace and its options, up to the command that it starts."""
    words = [strace, *_OPTIONS, "-e", "trace=" + ",".join(f"?{name}" for name in trace.CALLS)]
    return [*words, *(["--seccomp-bpf"] if filtered else []), "-o", str(output), "--"]


def probe(strace: str, folder: Path, environ: Mapping[str, str], filtered: bool) -> str:
    """Empty where strace works here; else what it said. Some 8 ms."""
    output = folder / "probe"
    try:
        argv = [*command(strace, output, filtered), "/bin/sh", "-c", ":"]
        done = process.run(argv, env=environ, timeout=5)
    except CommandFailed as error:
        return str(error)
    said = done.stderr.decode("utf-8", "replace").strip()
    if said:
        return said.splitlines()[0]
    if not _ended(output):
        return "strace ran, and traced nothing"
    return "" if trace.read(output, "/").programs else "its output is not what repro understands"


def _ended(output: Path) -> bool:
    """Whether the tracer wrote the end of the process that it traced."""
    for _ in range(100):
        if output.is_file() and b"+++ exited with 0 +++" in output.read_bytes():
            return True
        time.sleep(0.002)
    return False


def _limits(found: trace.Reading) -> tuple[str, ...]:
    said = []
    if found.processes.first is None or found.processes.first in found.processes.running:
        said.append(
            "strace ended before the command did: what the command read after that is not known, and its "
            "later attempts to open a file may have failed for it"
        )
    elif others := len(found.processes.running):
        said.append(
            f"{others} processes that the command left behind were still running: "
            "what they read later is not known"
        )
    if found.lines.damaged:
        said.append(
            f"{found.lines.damaged} lines of strace's output could not be read: files may be missing"
        )
    if found.unresolved:
        said.append(f"{found.unresolved} calls named a file relative to a folder that is not known")
    if found.io_uring:
        said.append("the command used io_uring: files that it opened that way were not seen")
    return tuple(said)
