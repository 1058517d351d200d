"""The names, places and sizes of what a bundle's tar holds, read from its headers alone.

Not with ``tarfile``: that one follows links, joins extended headers of any length in memory, and takes
what it does not know for a file. A bundle has regular files under three kinds of names, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from repro.bundles.refusing import refused
from repro.bundles.tar_writing import BLOCK
from repro.strict_json import shown

MOST_MEMBERS = 4_000_000
_EXTENDED = 1 << 16
"""Bytes that an extended header may have; ours have none, other tars write times into them."""
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe",
    b"S": "a sparse file", b"L": "a long name", b"K": "a long link",
}  # fmt: skip
_FILE = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
_FOLDER = re.compile(r"\.?|blobs|blobs/sha256")


@dataclass(frozen=True)
class Member:
    """Where a file's content lies in the archive."""

    offset: int
    size: int


def members(stream: IO[bytes]) -> dict[str, Member]:
    """Every file by its name. Raises Refused; no content is read."""
    found: dict[str, Member] = {}
    length = stream.seek(0, 2)
    for name, member in _entries(stream, length):
        if name in found:
            raise refused(f"{shown(name)} is in it twice")
        if len(found) >= MOST_MEMBERS:
            raise refused("it holds more files than a bundle can have")
        found[name] = member
    return found


def _entries(stream: IO[bytes], length: int) -> Iterator[tuple[str, Member]]:
    position, extended = 0, None
    while block := _block(stream, position):
        kind, size = block[156:157], _size(block[124:136])
        content = position + BLOCK
        if kind in (b"x", b"g"):
            extended = _extended(stream, content, size)
            position = content + size + -size % BLOCK
            continue
        size = size if extended is None else extended
        extended = None
        name = _name(block, kind)
        position = content + size + -size % BLOCK
        if content + size > length:
            raise refused(f"it ends in the middle of {shown(name)}")
        if kind != b"5":
            yield name, Member(content, size)
        elif size:
            raise refused(f"the folder {shown(name)} has content")
    _nothing_behind(stream, position, length)


def _block(stream: IO[bytes], position: int) -> bytes | None:
    """The header at this position; None at the end of the archive."""
    stream.seek(position)
    block = stream.read(BLOCK)
    if len(block) < BLOCK:
        raise refused("it is not a tar archive, or it was cut off")
    if not block.strip(b"\0"):
        return None
    stated = block[148:156].strip(b" \0").lstrip(b"0")
    if stated != b"%o" % (sum(block[:148]) + 8 * 32 + sum(block[156:])):
        raise refused("it is not a tar archive, or it is damaged: a header has a wrong checksum")
    return block


def _name(block: bytes, kind: bytes) -> str:
    """The name, once everything about the header is what a bundle may have."""
    name = block[:100].partition(b"\0")[0].decode("ascii", "backslashreplace")
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].partition(b"\0")[0]):
        name = f"{prefix.decode('ascii', 'backslashreplace')}/{name}"
    if kind not in (b"0", b"\0", b"5"):
        what = _KINDS.get(kind, f"an entry of the kind {shown(kind)}")
        raise refused(f"it holds {what}: {shown(name)}")
    if name.startswith("/"):
        raise refused(f"it holds an absolute path: {shown(name)}")
    if ".." in name.split("/"):
        raise refused(f"it holds a path that leads out of it: {shown(name)}")
    if _octal(block[100:108]) & 0o7000:
        raise refused(f"{shown(name)} has a setuid, setgid or sticky bit")
    plain = name.removeprefix("./")
    if kind == b"5" and _FOLDER.fullmatch(plain.rstrip("/")):
        return plain.rstrip("/")
    if kind == b"5" or not _FILE.fullmatch(plain):
        raise refused(f"it holds something that is no part of a bundle: {shown(name)}")
    return plain


def _size(digits: bytes) -> int:
    if digits[:1] == b"\x80":
        return int.from_bytes(digits[1:], "big")
    return _octal(digits)


def _octal(digits: bytes) -> int:
    text = digits.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", text):
        raise refused(f"a header has {shown(digits)} where a number should be")
    return int(text or b"0", 8)


def _extended(stream: IO[bytes], position: int, size: int) -> int | None:
    """The size that an extended header states; one that changes a name is refused."""
    if size > _EXTENDED:
        raise refused("an extended header is too large")
    stream.seek(position)
    content, stated = stream.read(size), None
    while content:
        record = re.match(rb"(\d{1,5}) ", content)
        count = int(record[1]) if record else 0
        if not record or not record.end() < count <= len(content) or content[count - 1] != 10:
            raise refused("an extended header is damaged")
        key, _, value = content[record.end() : count - 1].partition(b"=")
        if key in (b"path", b"linkpath") or key.startswith((b"GNU.sparse", b"SCHILY")):
            raise refused(f"an extended header changes what a file is: {shown(key)}")
        if key == b"size":
            if not re.fullmatch(rb"[0-9]{1,15}", value):
                raise refused(f"an extended header states the size {shown(value)}")
            stated = int(value)
        content = content[count:]
    return stated


def _nothing_behind(stream: IO[bytes], position: int, length: int) -> None:
    """Behind the end only zeros: nothing may hide there."""
    stream.seek(position)
    while chunk := stream.read(1 << 20):
        if chunk.strip(b"\0"):
            raise refused("it holds something behind its end")
