"""Starts a command that is watched by seccomp, hears of its calls, and ends as it ends.

The command is its child, dies with it, and keeps the process group that it would have had. Signals that are
sent to the supervisor go to the command, and the supervisor ends as the command ended. A third process lets
the calls of those go on who are left when both are gone: without, they would fail.
"""

from __future__ import annotations

import _socket  # what lies above it takes longer to import than all else here
import _thread
import os
import sys

from repro.watching.calls import Calls
from repro.watching.machines import MACHINES
from repro.watching.notifications import Kernel, Listener

TYPE_CHECKING = False  # typing itself takes its time to import
if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence
else:
    import _signal as signal

RELAYED = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH),
)
_HEARD = (*RELAYED, signal.SIGCHLD)
_DIE_WITH_PARENT, _DUMPABLE = 1, 4
PATIENCE = 100
"""Milliseconds that children of the command's get to end after it."""


class _Passing:
    """Errors of these kinds are passed over (``contextlib`` would double the time that the start takes)."""

    def __init__(self, *kinds: type[BaseException]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._kinds)


class Journal:
    """A file of lines: a word and paths, quoted. Each thing once, as it happens: no more than that is
    lost where the supervisor is killed."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._told: set[bytes] = set()
        self.lost = 0

    def tell(self, kind: bytes, *paths: bytes) -> None:
        line = b" ".join((kind, *map(_quoted, paths)))
        if line not in self._told:
            self._told.add(line)
            self._write(line)

    def tell_each(self, kind: bytes, *paths: bytes) -> None:
        self._write(b" ".join((kind, *map(_quoted, paths))))

    def _write(self, line: bytes) -> None:
        try:
            whole = os.write(self._file, line + b"\n") == len(line) + 1
        except OSError:
            whole = False
        self.lost += not whole


def _quoted(path: bytes) -> bytes:
    """As the audit hook quotes."""
    return (
        path.replace(b"%", b"%25")
        .replace(b" ", b"%20")
        .replace(b"\n", b"%0a")
        .replace(b"\r", b"%0d")
    )


class Supervisor:
    """One command, from its start to its end."""

    def __init__(self, journal: Journal, kernel: Kernel, argv: Sequence[str]) -> None:
        self._journal, self._kernel = journal, kernel
        self._argv, self._environ = [os.fsencode(word) for word in argv], _environment()
        self._failed = 0
        self._calls = Calls(kernel, journal, kernel.has_rings())
        self._names = {number: name for name, number in kernel.machine.calls.items()}
        self._listener: Listener | None = None

    def run(self) -> None:
        """Never returns."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ours, theirs = _socket.socketpair()
        tries = _candidates(self._argv[0], self._environ)
        self._child = os.fork()
        if self._child == 0:
            ours.close()
            signal.signal(signal.SIGCHLD, children)
            self._begin(theirs, tries, before)
        theirs.close()
        for number in (signal.SIGINT, signal.SIGPIPE):  # as what it ends by may be one of these
            if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGPIPE:
                signal.signal(number, signal.SIG_DFL)
        with _Passing(OSError):  # the leader of a session stays what it is
            os.setpgid(0, 0)
        self._meet(ours)
        _thread.start_new_thread(self._attend, ())
        self._answer()
        while True:
            signal.pause()

    def _begin(self, theirs: _socket.socket, tries: Sequence[bytes], mask: set[int]) -> None:
        """In the child: from under the filter to the command. Nothing here opens a file."""
        code = 127
        try:
            with _Passing(OSError):
                self._kernel.option(_DIE_WITH_PARENT, signal.SIGKILL)
            for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, for itself
                signal.signal(ignored, signal.SIG_DFL)
            try:
                number, stripped = self._kernel.install()
            except OSError as error:
                theirs.send(b"!" + str(error.errno).encode())
            else:
                rights = _socket.SOL_SOCKET, _socket.SCM_RIGHTS, number.to_bytes(4, sys.byteorder)
                theirs.sendmsg([b"s" if stripped else b"f"], [rights])
                os.close(number)
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for path in tries:
                with _Passing(OSError):
                    os.execve(path, self._argv, self._environ)
            code = 126
        finally:
            os._exit(code)

    def _meet(self, ours: _socket.socket) -> None:
        """Take the listener that the child has, if it has one."""
        with _Passing(OSError):
            said, rights, _, _ = ours.recvmsg(16, _socket.CMSG_SPACE(4))
            ours.close()
            if said not in (b"s", b"f") or not rights:
                self._journal.tell(b"refused", said)
                return
            self._listener = Listener(self._kernel, int.from_bytes(rights[0][2][:4], sys.byteorder))
            os.set_inheritable(self._listener.descriptor, False)
            self._stand_in(self._listener)
            self._listener.wake_at_once()
            self._journal.tell(b"stripped" if said == b"s" else b"free")

    def _stand_in(self, listener: Listener) -> None:
        """A process that does nothing as long as this one lives."""
        alive, ours = os.pipe()
        if os.fork() == 0:
            try:
                os.setsid()
                os.chdir("/")
                keep = sorted((listener.descriptor, alive))
                os.closerange(0, keep[0])
                os.closerange(keep[0] + 1, keep[1])
                os.closerange(keep[1] + 1, 1 << 16)
                while os.read(alive, 1):
                    pass
                _let_all_go_on(listener)
            finally:
                os._exit(0)
        os.close(alive)
        self._alive = ours

    def _answer(self) -> None:
        """Until nobody is left to ask; whatever goes wrong, the other process is to go on with it."""
        try:
            if self._listener:
                self._hear(self._listener)
        except Exception as error:
            self._journal.tell(b"broken", str(error).encode())
            os.close(self._alive)

    def _hear(self, listener: Listener) -> None:
        while True:
            notice = listener.hear()
            if notice is None:
                if listener.deserted():
                    return
                continue
            try:
                self._calls.take(self._names[notice[2]], notice[1], notice[3])
            except Exception:  # whatever it is, the command goes on
                self._failed += 1
            listener.go_on(notice[0])

    def _attend(self) -> None:
        """Pass signals on, and end as the command does; whatever goes wrong, end."""
        try:
            self._wait()
        finally:
            os._exit(1)

    def _wait(self) -> None:
        while True:
            number = signal.sigwaitinfo(_HEARD).si_signo
            if number != signal.SIGCHLD:
                with _Passing(ProcessLookupError, PermissionError):
                    os.kill(self._child, number)
                continue
            ended, status = os.waitpid(self._child, os.WNOHANG)
            if ended:
                self._end(status)

    def _end(self, status: int) -> None:
        with _Passing(Exception):  # the journal then has no end
            left = self._listener is not None and not self._listener.deserted(PATIENCE)
            counts = (int(left), self._calls.unresolved, self._failed, self._journal.lost)
            self._journal.tell(b"end", *(str(count).encode() for count in counts))
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            self._kernel.option(_DUMPABLE, 0)  # one core is enough
            with _Passing(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            os.kill(os.getpid(), number)
            os._exit(128 + number)
        os._exit(os.WEXITSTATUS(status))


def _let_all_go_on(listener: Listener) -> None:
    while not listener.deserted():
        notice = listener.hear()
        if notice:
            listener.go_on(notice[0])


def _environment() -> dict[bytes, bytes]:
    """As it was given: Python may have added to its own (LC_CTYPE)."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
        pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if b"=" in pair]
    return {name: value for name, _, value in pairs}


def _candidates(name: bytes, environ: dict[bytes, bytes]) -> list[bytes]:
    """What to try to start, in order."""
    if b"/" in name:
        return [name]
    folders = environ.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    return [folder + b"/" + name if folder else name for folder in folders]


def main(words: Sequence[str]) -> None:
    journal, *argv = words
    try:
        supervisor = Supervisor(Journal(journal), Kernel(MACHINES[os.uname().machine]), argv)
    except (
        Exception
    ):  # the command is to run in any case; that nothing was seen is told by an empty journal
        os.execvp(argv[0], argv)
    supervisor.run()
