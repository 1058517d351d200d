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
from typing import IO, Any, Protocol

from repro import interrupts
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
    interactive: bool = False,
) -> Completed:
    """Run a helper command and wait for it. ``interactive``: without ``stdin`` it has the caller's own, so
    that it may ask for a passphrase.

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
            stdin=subprocess.DEVNULL if stdin is None and not interactive else None,
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
    stopped: bool = False
    """Ended by the caller's own ``stop``."""


def execute(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    sink: Sink,
    own_group: bool = False,
    stop: threading.Event | None = None,
    fed: bool = True,
) -> Execution:
    """Run the training command, its output going to ``sink`` live, its stdin the caller's, or empty where
    it is not ``fed``.

    On Ctrl-C the command is asked to end (SIGINT, after GRACE seconds SIGKILL) and what it did
    until then is returned with ``interrupted`` set. It is killed when ``stop`` is set. Raises NotFound
    where it cannot be started.
    """
    started, clock = time.time(), time.monotonic()
    with _Interrupts() as interrupts:
        try:
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=None if fed else subprocess.DEVNULL,
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
        interrupts.pass_on_to(child)
        with stopping(stop, interrupts.kill) as stopped:
            _, status, usage = os.wait4(child.pid, 0)
        # tells Popen, and who interrupts, that its child is reaped: its pid may be another's soon
        child.returncode = code = os.waitstatus_to_exitcode(status)
        duration = time.monotonic() - clock
        interrupted = bool(interrupts.heard)
        for pump in pumps:
            pump.drain(interrupts)
    scale = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * scale or None
    code = 128 - code if code < 0 else code
    return Execution(code, started, duration, peak, interrupted, bool(stopped))


@contextlib.contextmanager
def stopping(stop: threading.Event | None, end: Callable[[], None]) -> Iterator[list[bool]]:
    """Within the block ``end`` is called once ``stop`` is set; yields a list that is empty until then."""
    done: list[bool] = []
    over = threading.Event()

    def wait() -> None:
        while stop and not over.is_set():
            if stop.wait(0.1):
                if not over.is_set():
                    done.append(True)
                    end()
                return

    if stop:
        threading.Thread(target=wait, daemon=True).start()
    try:
        yield done
    finally:
        over.set()


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

    def drain(self, interrupts: _Interrupts, patience: float = 2.0) -> None:
        """Wait for the end; not for longer than nothing comes (a background grandchild may hold the
        pipe open for ever, and it is no longer the run), and not against the user's will."""
        heard = interrupts.heard
        while self.is_alive() and interrupts.heard == heard:
            since = self._reading_since
            if since is not None and time.monotonic() - since > patience:
                return
            self.join(0.05)


class _Interrupts:
    """Ctrl-C, and SIGTERM (a CI job cancelled, a batch system's limit), end the command, not repro.

    The handlers forward and return. An exception out of them could come between the command's end
    and the moment when its exit code is in hand, and the run would be lost.
    """

    def __init__(self) -> None:
        self.heard = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}
        self.killer: threading.Timer | None = None

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in interrupts.heard():
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if self.killer:
            self.killer.cancel()

    def pass_on_to(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        if self.heard:
            self._forward()

    def _hear(self, number: int, frame: object) -> None:
        if number == interrupts.HANGUP and self.heard:
            return  # a terminal that goes away says so twice: shell and kernel; nobody asks for haste
        self.heard += 1
        if self._child:
            self._forward()

    def _forward(self) -> None:
        if self.heard > 1:
            self.kill()
            return
        # a terminal sends it to the whole group already; a second SIGINT does no harm
        self._send(signal.SIGINT)
        self.killer = threading.Timer(GRACE, self.kill)
        self.killer.daemon = True
        self.killer.start()

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        # not Popen.send_signal: that one looks first whether the child has ended, and reaps it
        if self._child and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, number)


class Peer:
    """A process of ours that is spoken with, line by line, over its stdin and stdout.

    It has a session of its own: Ctrl-C in the terminal reaches only who started it, who then dismisses it.
    What it says on stderr goes to ours.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self._child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def send(self, line: str) -> None:
        """One line; nothing happens where it is gone, which ``receive`` then says."""
        assert self._child.stdin
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()

    def receive(self) -> str | None:
        """The next line; None once it has ended."""
        assert self._child.stdout
        return self._child.stdout.readline() or None

    def dismiss(self) -> None:
        """Tell it, by the end of its stdin, that nothing more is wanted."""
        assert self._child.stdin
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.close()

    def wait(self, patience: float) -> int:
        """Its exit code; after ``patience`` seconds it is killed."""
        try:
            return self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()
