"""Keeps a trace from filling the disk: a training that opens a million files in every epoch writes one of
many gigabytes, nearly all of it the same again and again."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from repro.watching.trace import Reading

ENOUGH = 64 << 20
"""Bytes that may lie there and are read already."""
_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02


class Compactor(threading.Thread):
    """Reads a trace while it grows, so that little is left to read in the end, and gives back the space of
    what is read.

    The tracer notices nothing: the file keeps its length, with a hole at its beginning.
    """

    def __init__(self, trace: Path, reading: Reading, every: float = 1.0) -> None:
        super().__init__(daemon=True)
        self._trace, self._reading, self._every = trace, reading, every
        self._stopped = threading.Event()

    def run(self) -> None:
        freed = 0
        while not self._stopped.wait(self._every):
            with contextlib.suppress(OSError):
                if self._trace.stat().st_size > self._reading.offset:
                    self._reading.go_on(self._trace)
                if self._reading.offset - freed > ENOUGH:
                    freed = self._reading.offset
                    free(self._trace, freed)

    def stop(self) -> Reading:
        """Ends it; the reading, for the caller to go on with."""
        self._stopped.set()
        if self.ident:
            self.join()
        return self._reading


def free(path: Path, length: int) -> bool:
    """Give back the space of the file's first bytes; False where the file system cannot."""
    import ctypes  # loaded only where a trace grows large

    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return False
    file = os.open(path, os.O_WRONLY)
    try:
        sizes = ctypes.c_int64(0), ctypes.c_int64(length)
        return bool(fallocate(file, _KEEP_SIZE_PUNCH_HOLE, *sizes) == 0)
    finally:
        os.close(file)
