"""Tar archives that are the same each time: regular files only, owned by nobody, from no time."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import IO

BLOCK = 512
_LARGEST = 8**11 - 1


def header(name: str, size: int) -> bytes:
    """The block in front of a file's content. ``name``: ASCII, at most 99 characters."""
    encoded = name.encode("ascii")
    if len(encoded) > 99:
        raise ValueError(f"too long a name for a tar: {name}")
    fields = (
        encoded.ljust(100, b"\0")
        + b"0000644\0" + b"0000000\0" * 2
        + _number(size) + b"00000000000\0"
        + b" " * 8 + b"0" + b"\0" * 100
        + b"ustar\x0000" + b"\0" * 64
        + b"0000000\0" * 2
    ).ljust(BLOCK, b"\0")  # fmt: skip
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _number(size: int) -> bytes:
    if size <= _LARGEST:
        return b"%011o\0" % size
    return b"\x80" + size.to_bytes(11, "big")  # beyond 8 GiB, as every tar of today reads it


def padding(size: int) -> bytes:
    """What fills the last block of a file's content."""
    return bytes(-size % BLOCK)


END = bytes(2 * BLOCK)


class Sink:
    """Takes one blob's bytes; knows their digest and size."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._state, self.size = stream, hashlib.sha256(), 0

    def write(self, chunk: bytes | memoryview) -> None:
        self._state.update(chunk)
        self.size += len(chunk)
        self._stream.write(chunk)

    @property
    def digest(self) -> str:
        return "sha256:" + self._state.hexdigest()


class Archive:
    """Writes into a stream that can seek: a blob is named by its digest, which is known at its end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._blobs: set[str] = set()

    def file(self, name: str, content: bytes) -> None:
        self._stream.write(header(name, len(content)) + content + padding(len(content)))

    @contextlib.contextmanager
    def blob(self) -> Iterator[Sink]:
        """The block writes into the sink; what is in the archive already is not written again, and of a
        block that fails nothing stays."""
        start = self._stream.tell()
        self._stream.write(bytes(BLOCK))
        sink = Sink(self._stream)
        try:
            yield sink
        except BaseException:
            self._back_to(start)
            raise
        if sink.digest in self._blobs:
            self._back_to(start)
            return
        self._blobs.add(sink.digest)
        self._stream.write(padding(sink.size))
        end = self._stream.tell()
        self._stream.seek(start)
        self._stream.write(header(blob_name(sink.digest), sink.size))
        self._stream.seek(end)

    def put(self, content: bytes) -> str:
        """A small blob; returns its digest."""
        with self.blob() as sink:
            sink.write(content)
        return sink.digest

    def finish(self) -> None:
        self._stream.write(END)

    def _back_to(self, start: int) -> None:
        self._stream.seek(start)
        self._stream.truncate()


def blob_name(digest: str) -> str:
    """Where a blob lies in an OCI image layout."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"
