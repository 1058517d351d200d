"""A content of any size as pieces of UTF-8, each with some of what stands before and after it.

So nothing is missed at the edge of a piece, and a line may be as long as it likes.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

PIECE = 1 << 20
BEFORE, AFTER = 4096, 16384
"""Bytes around a piece that a secret at its edge may need; no rule looks further."""
_HEAD = 8192
"""Bytes by which it is told what a content is."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")


@dataclass(frozen=True)
class Piece:
    """What is searched at once: the part of ``content`` from ``start`` to ``end`` (bytes)."""

    content: bytes
    start: int
    end: int
    line: int
    """Number of the line in which ``content`` begins, from 1."""
    offset: int = 0
    """Where ``content`` begins in the whole (bytes), as long as that needs no decoding."""


@dataclass(frozen=True)
class Nature:
    """What kind of content it is: text in some encoding, or not text."""

    encoding: str = ""
    """Empty: ASCII or something that agrees with it on ASCII."""
    binary: str = ""
    """What it is, where it is no text."""


def opened(content: str | bytes | IO[bytes]) -> IO[bytes]:
    """The content as a binary stream; it need not be one that can seek."""
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return io.BytesIO(content) if isinstance(content, bytes | bytearray) else content


def head_of(stream: IO[bytes]) -> bytes:
    """The first bytes: as many as tell what a content is, fewer at its end."""
    head = b""
    while len(head) < _HEAD and (more := stream.read(_HEAD - len(head))):
        head += more
    return head


def nature(head: bytes) -> Nature:
    """Told by its first bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Nature(encoding)
    if b"\0" not in head:
        return Nature(binary="packed" if head.startswith(_PACKED) else "")
    for encoding, zeros, letters in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if zeros.count(0) > 0.7 * len(zeros) and letters.count(0) < 0.05 * len(letters) + 1:
            return Nature(encoding)
    return Nature(binary="packed" if head.startswith(_PACKED) else "binary")


def pieces(stream: IO[bytes], head: bytes, encoding: str, cap: int) -> Iterator[Piece]:
    """The content's first ``cap`` bytes, whole and in order. Raises OSError as the stream does."""
    window, start, line, offset = b"", 0, 1, 0
    for chunk in _chunks(stream, head, encoding, cap):
        window += chunk
        end = len(window) - AFTER
        if end - start < PIECE:
            continue
        yield Piece(window, start, end, line, offset)
        cut = max(0, end - BEFORE)
        line += window.count(b"\n", 0, cut)
        window, start, offset = window[cut:], end - cut, offset + cut
    yield Piece(window, start, len(window), line, offset)


def _chunks(stream: IO[bytes], head: bytes, encoding: str, cap: int) -> Iterator[bytes]:
    """In UTF-8; what cannot be decoded is replaced, and ends no secret that stands beside it."""
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    left = cap
    chunk = head
    while chunk and left > 0:
        chunk = chunk[:left]
        left -= len(chunk)
        yield decoder.decode(chunk).encode("utf-8", "replace") if decoder else chunk
        chunk = stream.read(min(PIECE, left)) if left else b""
