"""The streams that the command was given: closed ones, and readers that go away (`| head -1`).

What a command does, and the code that it ends with, must not depend on whether anybody still listens.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
from typing import Any, TextIO


def prepare() -> None:
    """Called once, before anything is opened: a closed stream becomes an empty one, so that no file that is
    opened later takes its number; a reader that goes away ends nothing."""
    for number in range(3):
        _fill(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", errors="replace")  # noqa: SIM115
    sys.stdout = _lasting(sys.stdout, 1)
    sys.stderr = _lasting(sys.stderr, 2)


def _fill(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        # the lowest free number: those below it have been filled
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _lasting(stream: TextIO | None, number: int) -> TextIO:
    """The stream without an end; one that is no file (a test's) as it is."""
    if stream is None:
        encoding, errors, at_once = "utf-8", "backslashreplace", False
    elif _number(stream) != number or not isinstance(stream, io.TextIOWrapper):
        return stream
    else:
        stream.flush()
        encoding, errors = stream.encoding, stream.errors or "strict"
        at_once = stream.line_buffering or stream.write_through
    # stdout may be of an encoding that lacks a letter: what is said is worth more than how it is spelt
    errors = "backslashreplace" if errors == "strict" else errors
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(number)), encoding, errors, line_buffering=at_once
    )


def _number(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class _Lasting(io.RawIOBase):
    """A file whose reader may go away: what nobody can read any more is dropped, every other error stays."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        while True:
            try:
                return os.write(self._number, content)
            except BlockingIOError:
                # a terminal or pipe that somebody else made non-blocking: wait until there is room
                select.select([], [self._number], [])
            except OSError as error:
                lost = not self._is_left(error)
                self._drop()  # what is lost is said once, and not again while the interpreter winds up
                if lost:
                    raise
                return len(content)

    def _is_left(self, error: OSError) -> bool:
        """A disk may answer EIO as well: there it means that something is lost."""
        if error.errno == errno.EIO:
            return stat.S_ISCHR(os.fstat(self._number).st_mode)
        return error.errno == errno.EPIPE

    def _drop(self) -> None:
        """Whoever inherits the stream from us need not find out as well."""
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), self._number)
