"""Locks on open files that the system drops when their owner ends, however it ends."""

from __future__ import annotations

import time
from typing import IO, Any

STEP = 0.02
"""Seconds between two attempts."""

try:
    import fcntl

    def acquire(stream: IO[Any]) -> bool:
        """Take the lock for as long as the file is open; False where another process has it."""
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

except ImportError:  # Windows
    import msvcrt

    def acquire(stream: IO[Any]) -> bool:
        """Take the lock for as long as the file is open; False where another process has it."""
        try:
            stream.seek(0x7FFFFFFF)  # a byte beyond the content, so that others can still read it
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            stream.seek(0)
        return True


def wait(stream: IO[Any], patience: float) -> bool:
    """The same, tried again for so many seconds."""
    limit = time.monotonic() + patience
    while not acquire(stream):
        if time.monotonic() > limit:
            return False
        time.sleep(STEP)
    return True
