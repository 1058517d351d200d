"""PNG: the picture and everything said about it count, but for the program and the time."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

from repro.canonical import CHUNK
from repro.cosmetics.nouns import HELD, Part, Tally, Unfit, exactly

FORM = "png/1"
MAGIC = (b"\x89PNG\r\n\x1a\n",)

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_COSMETIC = frozenset(
    (b"Software", b"Creation Time", b"date:create", b"date:modify", b"date:timestamp")
)


def digest(part: Part) -> str:
    """The digest of the chunks, the picture's own as it unpacks. Raises Unfit."""
    if part.read(8) != MAGIC[0]:
        raise Unfit("no PNG")
    tally, picture = Tally(FORM), _Picture(part)
    kind = b""
    for kind, content in _chunks(part):
        if kind == b"IDAT":
            picture.add(content)
            continue
        picture.closed = picture.begun
        if not _is_cosmetic(kind, content):
            tally.add("behind the picture" if picture.begun else "before it", kind, content)
    if kind != b"IEND":
        raise Unfit("no end")
    tally.add("picture", *picture.done())
    return tally.digest()


def _is_cosmetic(kind: bytes, content: bytes) -> bool:
    keyword, separator, _ = content.partition(b"\0")
    return kind == b"tIME" or (kind in _TEXTS and bool(separator) and keyword in _COSMETIC)


def _chunks(part: Part) -> Iterator[tuple[bytes, bytes]]:
    """All chunks up to the end of the file; IHDR first, IEND last, each with its checksum."""
    first, left = True, part.size - 8
    while left:
        size, kind = struct.unpack(">L4s", part.read(8))
        left -= 12 + size
        if left < 0 or size > HELD or (kind == b"IHDR") != first or (kind == b"IEND" and left):
            raise Unfit("chunks that are not in order")
        part.allowance.spend(size)
        content = exactly(part.file.read, size)
        if struct.unpack(">L", part.read(4))[0] != zlib.crc32(content, zlib.crc32(kind)):
            raise Unfit("a checksum is wrong")
        yield kind, content
        first = False


class _Picture:
    """The IDAT chunks, which are one zlib stream wherever it was cut."""

    def __init__(self, part: Part) -> None:
        self._allowance = part.allowance
        self._engine = zlib.decompressobj()
        self._state = hashlib.sha256()
        self._size = 0
        self.begun = False
        self.closed = False

    def add(self, raw: bytes) -> None:
        self.begun = True
        if self.closed or (self._engine.eof and raw):
            raise Unfit("data behind the picture")
        while raw and not self._engine.eof:
            self._count(self._engine.decompress(raw, CHUNK))
            raw = self._engine.unconsumed_tail
        if self._engine.unused_data:
            raise Unfit("data behind the picture")

    def _count(self, piece: bytes) -> None:
        self._allowance.spend(len(piece))
        self._state.update(piece)
        self._size += len(piece)

    def done(self) -> tuple[int, str]:
        while not self._engine.eof:
            piece = self._engine.decompress(self._engine.unconsumed_tail, CHUNK)
            if not piece and not self._engine.eof:
                raise Unfit("the picture ends early")
            self._count(piece)
        return self._size, self._state.hexdigest()
