"""The pieces that a bundle is made of, independent of where they go: into a tar, to a registry.

A piece knows its role, its size and how it is read; writing one verifies it on the way, tells whether it
is worth compressing, and yields its layer.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from repro import canonical
from repro.bundles import coding, layout
from repro.bundles.layout import Blob, Layer
from repro.capturing.hashing import HASHERS, Algorithm
from repro.errors import Corrupt, ReproError

LARGE = 8 << 20
"""Bytes from which on a second thread pays."""


@dataclass(frozen=True)
class Piece:
    """Content with a role. One of ``digest`` and ``md5`` is known; it is verified when it is read."""

    path: str
    """Its role, unique in a bundle."""
    size: int
    sources: tuple[Path, ...]
    """Files that should hold it; the first one that does is taken."""
    media_type: str = "application/octet-stream"
    digest: str | None = None
    """``sha256:…``"""
    md5: str | None = None
    """Hex digits: what DVC knows it by."""
    algorithm: Algorithm = "md5"
    place: str = ""
    """Where it lies in the workspace, where the role does not say so."""


class Sink(Protocol):
    """Where a blob goes: bytes one after the other; it knows their digest and size."""

    def write(self, chunk: bytes | memoryview) -> None: ...

    @property
    def digest(self) -> str: ...

    @property
    def size(self) -> int: ...


class Blobs(Protocol):
    """Where blobs go."""

    def blob(self) -> AbstractContextManager[Sink]:
        """Takes one blob; what it has already may be dropped, of a block that fails nothing may stay."""

    def put(self, content: bytes) -> str:
        """A small blob; returns its digest."""


class Target(Blobs, Protocol):
    """Where a whole bundle goes."""

    def file(self, name: str, content: bytes) -> None:
        """``oci-layout`` or ``index.json``."""

    def finish(self) -> None:
        """All of it was written."""


class Damaged(Exception):
    """A source that does not hold what it should; another one may."""


def written(
    piece: Piece, source: Path, sink: Sink, heard: Callable[[int], None] = lambda count: None
) -> Layer:
    """Write what ``source`` holds into the sink, compressed where that helps; its layer.

    ``heard`` hears of the bytes that were read. Raises Damaged where it is not the piece, OSError.
    """
    with source.open("rb") as stream:
        if coding.is_worth(stream, source.stat().st_size):
            state, encoder = hashlib.sha256(), coding.Encoder(sink.write)
            size, md5 = _passed(piece, stream, encoder.write, state.update, heard)
            encoder.finish()
            digest, kind = "sha256:" + state.hexdigest(), piece.media_type + layout.ZSTD
        else:
            # the sink hashes what it is given: once is enough
            size, md5 = _passed(piece, stream, lambda view: None, sink.write, heard)
            digest, kind = sink.digest, piece.media_type
    if not _is_right(piece, digest, md5):
        raise Damaged(piece.path)
    return Layer(piece.path, Blob(sink.digest, sink.size, kind), digest, size)


def copied(piece: Piece, source: Path, write: Callable[[memoryview], object]) -> None:
    """Copy what ``source`` holds as it is. Raises Damaged where it is not the piece, OSError."""
    state = hashlib.sha256()
    with source.open("rb") as stream:
        _, md5 = _passed(piece, stream, write, state.update, lambda count: None)
    if not _is_right(piece, "sha256:" + state.hexdigest(), md5):
        raise Damaged(piece.path)


def written_bytes(content: bytes, path: str, media_type: str, sink: Sink) -> Layer:
    """Write a document of our own, compressed where that helps."""
    digest = canonical.digest_bytes(content)
    if len(content) < coding.SMALL or not coding.shrinks(content[:LARGE]):
        sink.write(content)
        return Layer(path, Blob(digest, len(content), media_type), digest, len(content))
    encoder = coding.Encoder(sink.write)
    encoder.write(content)
    encoder.finish()
    blob = Blob(sink.digest, sink.size, media_type + layout.ZSTD)
    return Layer(path, blob, digest, len(content))


def small(piece: Piece) -> tuple[bytes, str]:
    """The content of a piece that fits into memory, and its digest, from the first source that has it.

    Raises Corrupt where none has, ReproError where one cannot be read.
    """
    for source in piece.sources:
        try:
            if source.stat().st_size > 2 * piece.size:
                continue  # it is another file now; line endings make it at most twice as large
            content = source.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ReproError(f"cannot read {source}: {error.strerror}") from error
        digest = canonical.digest_bytes(content)
        if _is_right(piece, digest, _read(piece, io.BytesIO(content).readinto)):
            return content, digest
    raise damaged(piece)


def _passed(
    piece: Piece,
    stream: IO[bytes],
    here: Callable[[memoryview], object],
    beside: Callable[[bytes | memoryview], object],
    heard: Callable[[int], None],
) -> tuple[int, str]:
    """Read to the end; both get all of it. The size, and the md5 where the piece is known by one.

    ``beside`` works in a thread of its own where the piece is large: hashing and compressing both let other
    threads work.
    """
    size = 0
    aside = ThreadPoolExecutor(1) if piece.size >= LARGE else None
    pending: Future[object] | None = None

    def readinto(view: memoryview) -> int:
        nonlocal size, pending
        count: int = stream.readinto(view)  # type: ignore[attr-defined]
        if pending:
            pending.result()
        if aside:
            pending = aside.submit(beside, bytes(view[:count]))
        else:
            beside(view[:count])
        here(view[:count])
        size += count
        heard(count)
        return count

    try:
        found = _read(piece, readinto)
        if pending:
            pending.result()
    finally:
        if aside:
            aside.shutdown()
    return size, found


def _read(piece: Piece, readinto: Callable[[memoryview], int]) -> str:
    if piece.md5 is not None:
        return HASHERS[piece.algorithm](readinto, piece.size, None)
    view = memoryview(bytearray(canonical.CHUNK))
    while readinto(view):
        pass
    return ""


def _is_right(piece: Piece, digest: str, md5: str) -> bool:
    if piece.md5 is not None:
        return md5 == piece.md5.removesuffix(".dir")
    return piece.digest in (None, digest)


def damaged(piece: Piece) -> Corrupt:
    """What to say of a piece that no source has any more."""
    places = ", ".join(map(str, piece.sources[:3])) or "nowhere"
    return Corrupt(
        f"{piece.path} is not what was recorded ({places}): it was changed or damaged since",
        "take it from a copy; for data: dvc fetch",
    )
