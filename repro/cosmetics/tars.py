"""tar: names, modes, links and contents in their order count; times and owners do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from repro.canonical import CHUNK
from repro.cosmetics.nesting import count_member
from repro.cosmetics.nouns import Part, Tally, Unfit, exactly

FORM = "tar/1"

Read = Callable[[int], bytes]

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_OWNERS, _TIME, _CHECKSUM, _OWNER_NAMES = (108, 124), (136, 148), (148, 156), (265, 329)
_PLAIN, _EMPTY, _LONG_NAMES, _PAX = b"0\0", b"125", b"LK", b"x"
_LONGEST_RECORDS = 1 << 20
_COSMETIC_RECORDS = frozenset((b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname"))


def digest(part: Part) -> str:
    """The digest of an archive's members. Raises Unfit where it is not read exactly."""
    return digest_stream(part, part.file.read)


def digest_stream(part: Part, read: Read) -> str:
    """The same for an archive that is unpacked on the way; read to its very end."""
    tally = Tally(FORM)
    while (header := _block(part, read)) != _ZERO:
        _count(tally, part, header, read)
    if _block(part, read) != _ZERO:
        raise Unfit("one block of zeros and then no end")
    while padding := read(CHUNK):
        part.allowance.spend(len(padding))
        if padding.count(0) != len(padding):
            raise Unfit("something stands behind the end")
    return tally.digest()


def _block(part: Part, read: Read) -> bytes:
    part.allowance.spend(_BLOCK)
    return exactly(read, _BLOCK)


def _count(tally: Tally, part: Part, header: bytes, read: Read) -> None:
    _check(header)
    size, kind = _number(header[124:136]), header[156:157]
    if kind in _EMPTY and size:
        raise Unfit("a link or folder with content")
    if kind == _PAX:
        _count_records(tally, part, size, read)
        return
    if kind not in _PLAIN + _EMPTY + _LONG_NAMES:
        raise Unfit("a kind of member that is not known")
    tally.add("member", _without_cosmetics(header))
    name = header[:100].rstrip(b"\0").decode("utf-8", "replace") if kind in _PLAIN else ""
    count_member(tally, part, name, size, _pieces(part, size, read))
    _skip_padding(size, read)


def _check(header: bytes) -> None:
    start, end = _CHECKSUM
    said = _octal(header[start:end])
    if said != sum(header) - sum(header[start:end]) + 8 * 0x20:
        raise Unfit("a checksum is wrong")
    if header[257:262] != b"ustar" and header[257:265] != bytes(8):
        raise Unfit("no header of tar")


def _without_cosmetics(header: bytes) -> bytes:
    found = bytearray(header)
    for start, end in (_OWNERS, _TIME, _CHECKSUM, _OWNER_NAMES):
        found[start:end] = bytes(end - start)
    return bytes(found)


def _octal(field: bytes) -> int:
    text = field.rstrip(b"\0 ").lstrip(b" ")
    if not text or text.strip(b"01234567"):
        raise Unfit("a number that is not octal")
    return int(text, 8)


def _number(field: bytes) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return _octal(field)


def _pieces(part: Part, left: int, read: Read) -> Iterator[bytes]:
    while left:
        piece = exactly(read, min(left, CHUNK))
        part.allowance.spend(len(piece))
        left -= len(piece)
        yield piece


def _skip_padding(size: int, read: Read) -> None:
    padding = exactly(read, -size % _BLOCK)
    if padding.strip(b"\0"):
        raise Unfit("something stands behind a member")


def _count_records(tally: Tally, part: Part, size: int, read: Read) -> None:
    """Extended fields of the member that follows; the name of their own header says nothing."""
    if size > _LONGEST_RECORDS:
        raise Unfit("too many extended fields")
    content = b"".join(_pieces(part, size, read))
    _skip_padding(size, read)
    for key, value in _records(content):
        if key == b"size" or key.startswith((b"GNU.", b"SCHILY.realsize")):
            raise Unfit("a member whose size stands elsewhere")
        if key not in _COSMETIC_RECORDS:
            tally.add("record", key, value)


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``<length> <key>=<value>\\n``, one behind the other."""
    while content:
        digits, blank, _ = content[:20].partition(b" ")
        if not blank or not digits.isdigit() or digits.startswith(b"0"):
            raise Unfit("no extended field")
        record, content = content[: int(digits)], content[int(digits) :]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) != int(digits) or record[-1:] != b"\n" or not equals:
            raise Unfit("no extended field")
        yield key, value
