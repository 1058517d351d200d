"""The one place that starts a subprocess (git apart, which capturing/git.py runs through GitPython)."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from repro.errors import NotFound, ReproError

GRACE = 10.0
"""Seconds that an interrupted command gets to end by itself before it is killed."""


class CommandFailed(ReproError):
    """A helper command (uv, dvc, …) did not end well; carries what it printed."""

    def __init__(self, message: str, stderr: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.stderr = stderr


@dataclass(frozen=True)
class Completed:
    """A finished helper command."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Completed:
    """Run a helper command and wait for it.

    Raises CommandFailed where it cannot be started, runs past ``timeout`` seconds, or (with
    ``check``) ends with another code than 0.
    """
    words = tuple(os.fspath(word) for word in argv)
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=None if env is None else dict(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{words[0]} did not end within {timeout:g} s", "") from error
    except OSError as error:
        raise CommandFailed(f"cannot start {words[0]}: {error.strerror}", "") from error
    if check and done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        last = said.splitlines()[-1] if said else f"exit code {done.returncode}"
        raise CommandFailed(f"{' '.join(words[:3])} failed: {last}", said)
    return Completed(words, done.returncode, done.stdout, done.stderr)


class Sink(Protocol):
    """Takes what a command prints, as it prints it."""

    def stdout(self, chunk: bytes) -> None: ...

    def stderr(self, chunk: bytes) -> None: ...


@dataclass(frozen=True)
class Execution:
    """A finished training command. ``exit_code`` is 128 + n where signal n ended it, as in a shell."""

    exit_code: int
    started: float
    """Seconds since the epoch."""
    duration: float
    peak_memory: int | None
    """Bytes: the largest resident set among the command and its waited-for children."""
    interrupted: bool = False


def execute(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], sink: Sink, own_group: bool = False
) -> Execution:
    """Run the training command, its output going to ``sink`` live, its stdin the caller's.

    On Ctrl-C the command is asked to end (SIGINT, after GRACE seconds SIGKILL) and what it did
    until then is returned with ``interrupted`` set. Raises NotFound where it cannot be started.
    """
    started, clock = time.time(), time.monotonic()
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=own_group,
        )
    except OSError as error:
        raise _not_started(argv[0], error) from error
    assert child.stdout and child.stderr
    pumps = [_Pump(child.stdout, sink.stdout), _Pump(child.stderr, sink.stderr)]
    for pump in pumps:
        pump.start()
    with _forwarding_termination(child):
        status, peak, interrupted = _wait(child)
    duration = time.monotonic() - clock
    with contextlib.suppress(KeyboardInterrupt):
        for pump in pumps:
            pump.drain()
    code = os.waitstatus_to_exitcode(status)
    return Execution(128 - code if code < 0 else code, started, duration, peak, interrupted)


def _not_started(name: str, error: OSError) -> NotFound:
    match error.errno:
        case errno.ENOENT:
            reason, hint = "it, or the interpreter that its first line names, is not there", ""
        case errno.ENOEXEC:
            reason, hint = "it is neither a program nor does it begin with #!", f"sh {name}"
        case _:
            reason, hint = (error.strerror or str(error)).lower(), ""
    return NotFound(f"cannot start {name}: {reason}", hint)


class _Pump(threading.Thread):
    """Passes on what comes through a pipe until its end."""

    def __init__(self, stream: IO[bytes], take: Callable[[bytes], None]) -> None:
        super().__init__(daemon=True)
        self._stream, self._take = stream, take
        self._reading_since: float | None = None
        """None: it has something in hand, and whoever takes it may be slow."""

    def run(self) -> None:
        # a sink that fails must not stop this: nobody would empty the pipe, and the command would hang
        with contextlib.suppress(OSError, ValueError):
            while chunk := self._read():
                with contextlib.suppress(OSError, ValueError):
                    self._take(chunk)

    def _read(self) -> bytes:
        self._reading_since = time.monotonic()
        chunk = os.read(self._stream.fileno(), 1 << 16)
        self._reading_since = None
        return chunk

    def drain(self, patience: float = 2.0) -> None:
        """Wait for the end, or until nothing more has come for a while: a background grandchild may
        hold the pipe open for ever, and it is no longer the run."""
        while self.is_alive():
            since = self._reading_since
            if since is not None and time.monotonic() - since > patience:
                return
            self.join(0.05)


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, int | None, bool]:
    interrupted = False
    deadline: float | None = None
    while True:
        try:
            if deadline is None:
                pid, status, usage = os.wait4(child.pid, 0)
            else:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                # tells Popen that its child is reaped, so that it never signals a reused pid
                child.returncode = os.waitstatus_to_exitcode(status)
                scale = 1 if sys.platform == "darwin" else 1024
                return status, usage.ru_maxrss * scale or None, interrupted
            assert deadline is not None
            if time.monotonic() > deadline:
                child.kill()
                deadline += GRACE
            time.sleep(0.02)
        except KeyboardInterrupt:
            if interrupted:
                child.kill()
            else:
                # a terminal sends it to the whole group already; a second SIGINT does no harm
                child.send_signal(signal.SIGINT)
            interrupted = True
            deadline = deadline or time.monotonic() + GRACE


@contextlib.contextmanager
def _forwarding_termination(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """SIGTERM to repro (a CI job cancelled, a batch system's limit) ends the command as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
