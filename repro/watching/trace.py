"""From strace's trace of a command to what was read, written, executed and connected to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from repro.watching.ledger import Ledger
from repro.watching.trace_lines import Lines, Processes, unescaped

CHUNK = 16 << 20
"""Bytes of a trace that are in memory at a time."""

# As strace has them: a file descriptor with the path it stands for, a quoted path.
_FD = rb"(AT_FDCWD|-?\d+)(?:<((?:[^<>\\]|\\.)*)>)?"
_PATH = rb'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?'
_OPENED = re.compile(
    rb"(?:openat2?\(" + _FD + rb",\s*|open\(|creat\()"
    + _PATH + rb",\s*(?:\{flags=)?([A-Z][A-Z_|0-9a-fx]*|0[0-7]*)?.*\)\s+= \d+<(.*)>(\(deleted\))?$",
    re.DOTALL,
)  # fmt: skip
_RENAMED = re.compile(
    rb"(rename|link)(?:at2?)?\((?:" + _FD + rb",\s*)?" + _PATH + rb",\s*(?:" + _FD + rb",\s*)?"
    + _PATH + rb"(?:,\s*([\w|]+))?\)\s+= 0$",
    re.DOTALL,
)  # fmt: skip
_LINKED = re.compile(
    rb"symlink(?:at)?\(" + _PATH + rb",\s*(?:" + _FD + rb",\s*)?" + _PATH + rb"\)\s+= 0$", re.DOTALL
)
_TRUNCATED = re.compile(rb"truncate\(" + _PATH + rb",.*\)\s+= 0$", re.DOTALL)
_EXECUTED = re.compile(
    rb"execve(?:at)?\((?:" + _FD + rb",\s*)?" + _PATH + rb",.*\)\s+= 0$", re.DOTALL
)
_CHANGED = re.compile(
    rb"(?:chdir\(" + _PATH + rb"|fchdir\(\d+<((?:[^<>\\]|\\.)*)>)\)\s+= 0$", re.DOTALL
)
_CONNECTED = re.compile(
    rb"connect\(.*?\{sa_family=AF_(INET6?|UNIX), (.*)\}, \d+\)\s+= (?:0|-1 EINPROGRESS .*)$",
    re.DOTALL,
)
_ADDRESS = re.compile(
    rb'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([0-9a-fA-F.:]+)"',
    re.DOTALL,
)
_SOCKET = re.compile(rb'sun_path=(@?)"((?:[^"\\]|\\.)*)"')


@dataclass
class Folder:
    """A working directory: of a process, or of threads together. None: not known."""

    path: str | None


@dataclass
class Reading:
    """A trace, read as far as it is written; what was in it so far."""

    cwd: str | None
    """Where the command was started."""
    processes: Processes = field(default_factory=Processes)
    lines: Lines = field(default_factory=Lines)
    ledger: Ledger = field(default_factory=Ledger)
    programs: dict[str, None] = field(default_factory=dict)
    connections: set[str] = field(default_factory=set)
    unresolved: int = 0
    """Calls with a relative path from a folder that is not known."""
    io_uring: bool = False
    offset: int = 0
    """How far it is read."""
    _folders: dict[int, Folder] = field(default_factory=dict)
    _parents: dict[str, str] = field(default_factory=dict)

    def go_on(self, trace: Path, *, to_the_end: bool = False) -> None:
        """Read what was added; ``to_the_end``: also a last line that was cut off."""
        with trace.open("rb") as file:
            file.seek(self.offset)
            while lines := file.readlines(CHUNK):
                cut = not lines[-1].endswith(b"\n") and not to_the_end
                if cut:
                    del lines[-1]
                self.offset += sum(map(len, lines))
                calls = list(self.lines.calls(lines))
                # first, as a child may be heard of before the call that started it returns
                self.processes.note(calls)
                if self.processes.first and not self._folders:
                    self._folders[self.processes.first] = Folder(self.cwd)
                for pid, text in calls:
                    self.take(pid, text)
                if cut:
                    return  # its rest, which may have come by now, is no line of its own

    def take(self, pid: int, text: bytes) -> None:
        """One call, in the order of the trace."""
        folder = self._folder(pid)
        handler = _HANDLERS.get(text[: text.find(b"(")])
        if handler:
            handler(self, folder, text)
        elif text.startswith(b"+++ ") and pid != self.processes.first:
            self._folders.pop(pid, None)  # its number may be given to another

    def _folder(self, pid: int) -> Folder:
        folder = self._folders.get(pid)
        if folder is None:
            parent, shared = self.processes.parents.get(pid, (0, False))
            theirs = self._folders.get(parent, Folder(None))
            folder = theirs if shared else Folder(theirs.path)
            self._folders[pid] = folder
        return folder

    def opened(self, folder: Folder, text: bytes) -> None:
        match = _OPENED.match(text)
        if match is None:
            return
        base, base_path, _, flags, real, _ = match.groups()
        if base == b"AT_FDCWD" and base_path is not None:
            folder.path = unescaped(base_path)  # the kernel knows best
        flags = flags or b""
        if text.startswith(b"creat("):
            flags = b"O_WRONLY|O_TRUNC"
        if (
            real[:1] != b"/"
            or b"O_DIRECTORY" in flags
            or b"O_PATH" in flags
            or b"O_TMPFILE" in flags
        ):
            return
        path = unescaped(real)
        if b"O_APPEND" in flags and b"O_RDONLY" not in flags and b"O_TRUNC" not in flags:
            # whether it was there is not told: a new file is none that an earlier run left
            self.ledger.appended(path)
            if b"O_RDWR" in flags:
                self.ledger.read(path)
        elif b"O_WRONLY" in flags:
            self.ledger.written(path)
        elif b"O_RDWR" in flags:
            if b"O_TRUNC" not in flags and b"O_EXCL" not in flags:
                self.ledger.read(path)
            self.ledger.written(path)
            self.ledger.read(path)
        else:
            self.ledger.read(path)

    def renamed(self, folder: Folder, text: bytes) -> None:
        match = _RENAMED.match(text)
        if match is None:
            return
        kind, *words, flags = match.groups()
        source = self._place(folder, words[0], words[1], words[2])
        target = self._place(folder, words[3], words[4], words[5])
        if not source or not target:
            return
        if kind == b"link":
            self.ledger.read(source)
            self.ledger.written(target)
            return
        self.ledger.moved(source, target)
        if flags and b"EXCHANGE" in flags:
            self.ledger.moved(target, source)

    def linked(self, folder: Folder, text: bytes) -> None:
        if match := _LINKED.match(text):
            _, base, base_path, name = match.groups()
            if path := self._place(folder, base, base_path, name):
                self.ledger.written(path)  # the link, not what it leads to

    def truncated(self, folder: Folder, text: bytes) -> None:
        if (match := _TRUNCATED.match(text)) and (
            path := self._place(folder, None, None, match.group(1))
        ):
            self.ledger.written(os.path.realpath(path))

    def executed(self, folder: Folder, text: bytes) -> None:
        match = _EXECUTED.match(text)
        if match is None:
            return
        path = self._place(folder, *match.groups())
        if path is None:
            return
        self.programs.setdefault(path)
        self.ledger.read(os.path.realpath(path))

    def changed(self, folder: Folder, text: bytes) -> None:
        if match := _CHANGED.match(text):
            word, of_fd = match.groups()
            to = unescaped(of_fd if word is None else word)
            if to.startswith("/") or folder.path is not None:
                folder.path = os.path.realpath(os.path.join(folder.path or "/", to))  # noqa: PTH118

    def connected(self, folder: Folder, text: bytes) -> None:
        match = _CONNECTED.match(text)
        if match is None:
            return
        family, rest = match.groups()
        if family == b"UNIX":
            if found := _SOCKET.search(rest):
                self.connections.add(f"unix:{found.group(1).decode()}{unescaped(found.group(2))}")
        elif found := _ADDRESS.search(rest):
            port, host = found.group(1).decode(), found.group(2).decode()
            self.connections.add(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def ring(self, folder: Folder, text: bytes) -> None:
        self.io_uring = self.io_uring or not text.rsplit(b"= ", 1)[-1].startswith(b"-")

    def _place(
        self, folder: Folder, base: bytes | None, base_path: bytes | None, name: bytes
    ) -> str | None:
        """The absolute path of a name, the links in its folder resolved, itself not."""
        path = unescaped(name)
        if not path.startswith("/"):
            if base_path is not None:
                start: str | None = unescaped(base_path)
            else:
                start = folder.path if base in (None, b"AT_FDCWD") else None
            if not start or not start.startswith("/"):
                self.unresolved += 1
                return None
            path = f"{start}/{path}"
        parent, _, last = path.rstrip("/").rpartition("/")
        if parent not in self._parents:
            self._parents[parent] = os.path.realpath(parent or "/")
        if last in ("", ".", ".."):
            return os.path.realpath(path)
        return f"{self._parents[parent].rstrip('/')}/{last}"


_HANDLERS: dict[bytes, Callable[[Reading, Folder, bytes], None]] = {
    b"open": Reading.opened,
    b"openat": Reading.opened,
    b"openat2": Reading.opened,
    b"creat": Reading.opened,
    b"rename": Reading.renamed,
    b"renameat": Reading.renamed,
    b"renameat2": Reading.renamed,
    b"link": Reading.renamed,
    b"linkat": Reading.renamed,
    b"symlink": Reading.linked,
    b"symlinkat": Reading.linked,
    b"truncate": Reading.truncated,
    b"execve": Reading.executed,
    b"execveat": Reading.executed,
    b"chdir": Reading.changed,
    b"fchdir": Reading.changed,
    b"connect": Reading.connected,
    b"io_uring_setup": Reading.ring,
}
CALLS = (*(name.decode() for name in _HANDLERS), "clone", "clone3", "fork", "vfork")
"""What strace is asked to trace; it is told to pass over those that this machine does not have."""


def read(trace: Path, cwd: str | None) -> Reading:
    """The whole trace of a command that was started in ``cwd``."""
    reading = Reading(cwd)
    reading.go_on(trace, to_the_end=True)
    return reading
