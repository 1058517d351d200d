"""Did the command read its standard input? What came in there is no part of a record."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from repro.manifest import Finding, Severity

try:
    import fcntl
    import termios
except ImportError:  # not on Windows
    fcntl = termios = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Position:
    """How far standard input has been read. Of a file the bytes read so far and its size; of a pipe the
    bytes that wait in it."""

    is_file: bool
    at: int
    size: int = 0


def position(descriptor: int = 0) -> Position | None:
    """None: a terminal, nothing, or something of which it cannot be told."""
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return Position(True, os.lseek(descriptor, 0, os.SEEK_CUR), status.st_size)
        if stat.S_ISFIFO(status.st_mode) and fcntl is not None:
            waiting = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
            return Position(False, struct.unpack("i", waiting)[0])
    except OSError:
        pass
    return None


def findings(before: Position | None, after: Position | None) -> Iterator[Finding]:
    """That it was read, where that is certain: a replay has nothing to give the command there."""
    if before is None or after is None or before.is_file is not after.is_file:
        return
    read = after.at - before.at if before.is_file else before.at - after.at
    if read > 0:
        what = f"a file of {before.size} bytes" if before.is_file else "a pipe"
        yield Finding(
            Severity.BREAKS,
            "standard input",
            f"the command read its standard input, {what} that is no part of the record: a replay gives "
            "it none",
            'let the shell that is recorded open it: repro run -- "COMMAND < FILE"',
        )
