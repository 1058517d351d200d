"""Watching with seccomp's user notifications: the kernel stops a process at the few calls that name files
and asks a supervisor, which takes them down and lets them go on. As complete as strace, at a fraction of its cost.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import struct
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from repro import process
from repro.process import CommandFailed
from repro.watching import hook
from repro.watching.ledger import Ledger
from repro.watching.limits import of_programs
from repro.watching.machines import MACHINES
from repro.watching.nouns import PARTLY, Seen
from repro.watching.starting import startable

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
"""Not imported here: what it needs is needed in no other process."""


class SeccompWatch:
    """One command, watched by seccomp."""

    method = "seccomp"

    def __init__(self, folder: Path) -> None:
        self._journal = folder / "journal"
        self._started = False

    def wrapped(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """A command that cannot be started stays as it is: to say so is its starter's part."""
        if not startable(argv[0], env, os.path.realpath(cwd or ".")):
            return list(argv), dict(env)
        self._started = True
        return command(self._journal, argv), dict(env)

    def seen(self) -> Seen:
        if not self._started:
            said = "the command was not watched: it is of a kind that a watch cannot start"
            return Seen("none", limits=(said,))
        found = Reading()
        found.read(self._journal)
        if not found.begun:
            said = (
                f"the command was not watched: seccomp failed{found.why}; what it read is not known"
            )
            return Seen("none", limits=(said,))
        programs = tuple(found.programs)
        stripped = self.method if found.stripped else ""
        return Seen(
            self.method if found.whole else PARTLY,
            found.ledger.accesses(),
            programs,
            tuple(sorted(found.connections)),
            (*_limits(found), *of_programs(programs, stripped_by=stripped), *_foreign(programs)),
        )


def command(journal: Path, argv: Sequence[str]) -> list[str]:
    """The supervisor and its options, up to and with the command that it starts."""
    return [sys.executable, "-I", "-S", _SUPERVISOR, str(journal), *argv]


@functools.cache
def probe() -> str:
    """Empty where it works here; else why not. Some 25 ms, once."""
    if sys.platform != "linux" or os.uname().machine not in MACHINES or struct.calcsize("P") != 8:
        return f"only Linux on {' and '.join(MACHINES)} is known"
    if not sys.executable:
        return "there is no Python to start"
    if _is_traced():
        return "a tracer (strace, a debugger) follows this process, and would not see what a listener holds"
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        journal = Path(folder, "journal")
        try:
            # a child of a child: only an ancestor may be allowed to read its memory
            process.run(command(journal, ["/bin/sh", "-c", "(: </etc/passwd); :"]), timeout=5)
        except CommandFailed as error:
            return str(error)
        found = Reading()
        found.read(journal)
    return _unfit(found)


def _is_traced() -> bool:
    try:
        return "\nTracerPid:\t0\n" not in Path("/proc/self/status").read_text("utf-8", "replace")
    except OSError:
        return True


def _unfit(found: Reading) -> str:
    if not found.begun:
        return f"the kernel refuses a listener{found.why}"
    if found.left or not found.ended:
        return "the kernel does not tell when a filter is out of use (since 5.9)"
    if not found.programs or found.unresolved or found.failed:
        return "the memory of the watched cannot be read"
    return ""


class Reading:
    """A journal, and what is in it."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.programs: dict[str, None] = {}
        self.connections: set[str] = set()
        self.begun = self.ended = self.stripped = self.ring = self.fuse = self.left = False
        self.why = self.broken = ""
        self.unresolved = self.failed = self.lost = self.damaged = 0

    @property
    def whole(self) -> bool:
        """Whether it was watched to its end, and nothing of that was lost."""
        return self.ended and not (self.broken or self.lost or self.damaged or self.failed)

    def read(self, journal: Path) -> None:
        if not journal.is_file():
            return
        with journal.open("rb") as lines:
            for line in lines:
                try:
                    if not line.endswith(b"\n"):
                        raise ValueError("cut off")
                    kind, *words = map(_unquoted, line[:-1].split(b" "))
                    self.take(kind, words)
                except ValueError:
                    self.damaged += 1

    def take(self, kind: str, words: list[str]) -> None:
        match kind, words:
            case "read", [path]:
                self.ledger.read(path)
            case "write", [path]:
                self.ledger.written(path)
            case "append", [path]:
                self.ledger.appended(path)
            case "move", [source, target]:
                self.ledger.moved(source, target)
            case "run", [place, path]:
                self.programs.setdefault(place)
                self.ledger.read(path)
            case "connect", [address]:
                if said := _address(os.fsencode(address)):
                    self.connections.add(said)
            case _:
                self._told(kind, words)

    def _told(self, kind: str, words: list[str]) -> None:
        match kind, words:
            case "later-read" | "later-write" | "later-run", [path]:
                self._later(kind, os.path.realpath(path), path)
            case (("free" | "stripped"), []):
                self.begun, self.stripped = True, kind == "stripped"
            case "refused", [said]:
                self.why = _refusal(said)
            case "broken", [said]:
                self.broken = said
            case "ring", []:
                self.ring = True
            case "fuse", []:
                self.fuse = True
            case "end", [left, *counts] if len(counts) == 3:
                self.ended, self.left = True, left != "0"
                self.unresolved, self.failed, self.lost = map(int, counts)
            case _:
                self.damaged += 1

    def _later(self, kind: str, real: str, path: str) -> None:
        if not os.path.isfile(real):  # noqa: PTH113
            return
        if kind == "later-write":
            self.ledger.written(real)
            return
        self.ledger.read(real)
        if kind == "later-run" and os.access(real, os.X_OK):
            self.programs.setdefault(path)


def _unquoted(word: bytes) -> str:
    return hook.unquoted(word) if b"%" in word else os.fsdecode(word)


def _refusal(said: str) -> str:
    number = said.removeprefix("!")
    if not number.isdigit():
        return ""
    if int(number) == 16:
        return " (it is watched that way already: only one can be at a time)"
    return f" ({os.strerror(int(number)).lower()})"


def _address(raw: bytes) -> str:
    """A socket's address as the kernel has it; empty: of no kind that is told."""
    family, rest = int.from_bytes(raw[:2], sys.byteorder), raw[2:]
    port = int.from_bytes(rest[:2], "big")
    if family == 1 and rest[:1] == b"\0":
        return "unix:@" + os.fsdecode(rest[1:].rstrip(b"\0")) if len(rest) > 1 else ""
    if family == 1:
        return "unix:" + os.fsdecode(rest.split(b"\0")[0]) if rest else ""
    if family == 2 and len(rest) >= 6:
        return f"{ipaddress.IPv4Address(rest[2:6])}:{port}"
    if family == 10 and len(rest) >= 22:
        return f"[{ipaddress.IPv6Address(rest[6:22])}]:{port}"
    return ""


def _limits(found: Reading) -> tuple[str, ...]:
    said = []
    if not found.ended:
        said.append(
            "the process that watched the command was ended, and the command with it: what is known of the "
            "files that it read may be incomplete"
        )
    if found.broken:
        said.append(f"the kernel stopped telling what the command opens ({found.broken})")
    if found.left:
        said.append(
            "processes that the command left behind were still running: what they read later is not known"
        )
    if found.lost or found.damaged:
        said.append(
            "what was seen could not all be written down (is the disk full?): files may be missing"
        )
    if found.unresolved or found.failed:
        count = found.unresolved + found.failed
        said.append(f"{count} calls named a file that could not be told: files may be missing")
    if found.fuse:
        said.append(
            "the command served a file system of its own (FUSE): from then on files were looked up after "
            "the command only, and those that were gone by then are not known"
        )
    if found.ring:
        said.append("the command used io_uring: files that it opened that way were not seen")
    return tuple(said)


def _foreign(programs: Sequence[str]) -> tuple[str, ...]:
    """Programs of 32 bits make their calls in another way, which is let pass."""
    names = [path for path in programs if _head(path)[:5] == b"\x7fELF\x01"]
    if not names:
        return ()
    return (
        f"the command ran {', '.join(names)}, of 32 bits: which files these opened was not seen",
    )


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(5)
    except OSError:
        return b""
