"""Copies of files, proven while they are made. Reflinks where the file system can, else bytes.

Never a hard link: a training that writes into its input would write into the cache. It runs as the user to
whom the cache belongs, or as root in its container; for neither is a read-only mode an obstacle, and
seeing afterwards that a cache was damaged does not mend it.
"""

from __future__ import annotations

import contextlib
import os
import sys

from repro.capturing.hashing import HASHERS, Algorithm, Cancel

FICLONE = 0x40049409
"""Linux: make one file share another's extents (btrfs, xfs)."""


class Mismatch(Exception):
    """The source does not have the digest that it should have; nothing was left at the target."""


class Copier:
    """Copies files; remembers between which devices a reflink was refused."""

    def __init__(self, cancel: Cancel | None = None) -> None:
        self._cancel = cancel
        self._refused: set[tuple[int, int]] = set()

    def copy(self, source: str, target: str, digest: str, algorithm: Algorithm = "md5") -> int:
        """Make ``target``, which must not exist, a copy of ``source``; its size in bytes.

        Raises Mismatch where the content has another digest, OSError where it cannot be read or
        written.
        """
        flags = os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else 0
        reading = os.open(source, os.O_RDONLY | flags)
        try:
            # O_EXCL also refuses a link that somebody planted at the target
            writing = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o666)
            try:
                found, size = self._copy(reading, writing, algorithm)
                if found != digest:
                    raise Mismatch(source)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(target)  # noqa: PTH108
                raise
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        return size

    def _copy(self, reading: int, writing: int, algorithm: Algorithm) -> tuple[str, int]:
        status = os.fstat(reading)
        if self._reflinked(reading, writing, status.st_dev):
            # what is hashed is the clone: nobody else can write to it any more
            reading, copying = writing, False
        else:
            copying = True
        size = 0
        stream = open(reading, "rb", buffering=0, closefd=False)  # noqa: SIM115

        def readinto(view: memoryview) -> int:
            nonlocal size
            count = stream.readinto(view) or 0
            if copying:
                written = 0
                while written < count:
                    written += os.write(writing, view[written:count])
            size += count
            return count

        return HASHERS[algorithm](readinto, status.st_size, self._cancel), size

    def _reflinked(self, reading: int, writing: int, device: int) -> bool:
        if not sys.platform.startswith("linux"):
            return False
        import fcntl

        devices = (device, os.fstat(writing).st_dev)
        if devices in self._refused:
            return False
        try:
            fcntl.ioctl(writing, FICLONE, reading)
        except OSError:
            self._refused.add(devices)
            return False
        return True
