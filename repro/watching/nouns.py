"""What a watched command did to files, and what watches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

SEES_ALL = frozenset(("seccomp", "strace"))
"""Methods that see every file, whatever opened it: what they have not seen was not read."""
PARTLY = "partly"
"""The method of a watch that did not hold to the end: what it has not seen may have been read."""


class Mode(str, Enum):
    """How to watch, as the user asks for it."""

    AUTO = "auto"
    """By seccomp where it works, else by strace, else by Python's audit hook."""
    SECCOMP = "seccomp"
    STRACE = "strace"
    PYTHON = "python"
    OFF = "off"


@dataclass(frozen=True)
class Access:
    """What the command and its children did to one file, all of them together."""

    path: str
    """Absolute, symbolic links resolved. Bytes that are not UTF-8 are surrogates (``os.fsdecode``)."""
    read: bool
    written: bool
    """Opened for writing, created, renamed to or linked to."""
    first: str
    """``read`` or ``write``: what came first. Only what was read first is an input."""
    appended: bool = False
    """Nothing but more was written to it, behind what was in it: that goes into what it is after the run."""


@dataclass(frozen=True)
class Seen:
    """Everything that was seen. Files only, and only what succeeded."""

    method: str
    """``seccomp``, ``strace``, ``python``, ``partly`` or ``none``."""
    accesses: tuple[Access, ...] = ()
    """Sorted by path."""
    programs: tuple[str, ...] = ()
    """Executables that were executed, absolute, in the order of their first execution."""
    connections: tuple[str, ...] = ()
    """``127.0.0.1:5000``, ``[::1]:5000``, ``unix:/path``, ``unix:@abstract``. Sorted."""
    limits: tuple[str, ...] = ()
    """What could not be seen and what that means, each a sentence for the user."""


class Watch(Protocol):
    """Watches one command."""

    @property
    def method(self) -> str: ...

    def wrapped(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """The command line and the environment to start instead, in ``cwd``."""
        ...

    def seen(self) -> Seen:
        """After the command ended, in whatever way."""
        ...


class Unwatched:
    """Watches nothing and says so."""

    method = "none"

    def __init__(self, limits: tuple[str, ...] = ()) -> None:
        self._limits = limits

    def wrapped(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str]]:
        return list(argv), dict(env)

    def seen(self) -> Seen:
        said = "the command was not watched: files that it read outside of what git and DVC track are not known"
        return Seen(self.method, limits=(said, *self._limits))
