"""Archives by member: which are missing, new or another; one that differs is opened in its turn, once."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from repro.anatomy.documents import Sum
from repro.anatomy.nouns import Change, ContentDifference, PartDifference, Unreadable

MEMBERS = 100_000
INFLATED = 4 << 30
"""Bytes that all members of an archive may become together."""
OPENED = 256 << 20
"""Bytes of a member that is opened."""
INNER = 20
"""Members that are opened."""

Compare = Callable[[str, Path, Path], ContentDifference]
"""Opens two files of that name."""


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    about: str
    """What it is beside its content: a link and where to, its mode."""
    key: Any
    is_file: bool = True


class _Zip:
    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def members(self) -> Iterator[_Member]:
        for item in self._archive.infolist():
            mode = item.external_attr >> 16
            about = f"mode {mode & 0o7777:o}" if mode else ""
            yield _Member(item.filename, item.file_size, about, item)

    def open(self, member: _Member) -> BinaryIO:
        return self._archive.open(member.key)  # type: ignore[return-value]

    def close(self) -> None:
        self._archive.close()


class _Tar:
    def __init__(self, path: Path) -> None:
        self._archive = tarfile.open(path, "r:*")  # noqa: SIM115  closed by close

    def members(self) -> Iterator[_Member]:
        for item in self._archive:
            about = f"mode {item.mode:o}"
            if not item.isfile():
                about += f", type {item.type.decode('latin1')}, to {item.linkname}"
            size = item.size if item.isfile() else 0
            yield _Member(item.name, size, about, item, item.isfile())

    def open(self, member: _Member) -> BinaryIO:
        stream = self._archive.extractfile(member.key)
        if stream is None:
            raise Unreadable(f"{member.name[:60]} is no file")
        return stream  # type: ignore[return-value]

    def close(self) -> None:
        self._archive.close()


_FAULTS = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError, KeyError, IndexError, OverflowError, RecursionError,
)  # fmt: skip


def compare_zip(a: Path, b: Path, inner: Compare | None) -> ContentDifference:
    """``inner`` opens members; None: this archive lies in one itself. Raises Unreadable."""
    return _compare("zip", _Zip, a, b, inner)


def compare_tar(a: Path, b: Path, inner: Compare | None) -> ContentDifference:
    return _compare("tar", _Tar, a, b, inner)


def _compare(format: str, kind: Any, a: Path, b: Path, inner: Compare | None) -> ContentDifference:
    with contextlib.ExitStack() as stack:
        try:
            left = stack.enter_context(contextlib.closing(kind(a)))
            right = stack.enter_context(contextlib.closing(kind(b)))
            return _Archives(format, left, right, inner).compared()
        except _FAULTS as error:
            raise Unreadable(f"it is no {format} that can be read: {str(error)[:100]}") from error


class _Archives:
    def __init__(self, format: str, a: Any, b: Any, inner: Compare | None) -> None:
        self._sides, self._inner = (a, b), inner
        self._sum = Sum(format)
        self._left, self._openings = INFLATED, INNER
        self._notes: list[str] = []

    def compared(self) -> ContentDifference:
        ours, theirs = (self._listed(side) for side in self._sides)
        for name in (*ours, *(name for name in theirs if name not in ours)):
            one, other = ours.get(name), theirs.get(name)
            if one and other:
                self._pair(name, one, other)
            else:
                change = Change.MISSING if one else Change.NEW
                a, b = (f"{side.size} bytes" if side else None for side in (one, other))
                self._sum.add(PartDifference(f"member {name}", change, f"member {name}", a, b))
        both = [name for name in ours if name in theirs]
        reordered = both != [name for name in theirs if name in ours]
        return self._sum.done(reordered, True, tuple(self._notes))

    def _listed(self, archive: Any) -> dict[str, _Member]:
        found: dict[str, _Member] = {}
        times: dict[str, int] = {}
        left = INFLATED
        for member in archive.members():
            times[member.name] = times.get(member.name, 0) + 1
            number = times[member.name]
            found[member.name if number == 1 else f"{member.name} ({number})"] = member
            left -= member.size
            if len(found) > MEMBERS:
                raise Unreadable(f"it has more than {MEMBERS} members")
            if left < 0:
                raise Unreadable(f"it is larger than {INFLATED >> 30} GiB unpacked")
        return found

    def _pair(self, name: str, one: _Member, other: _Member) -> None:
        place = f"member {name}"
        about = PartDifference(place, Change.TYPE, place, one.about, other.about)
        if one.size == other.size and self._same(one, other):
            if one.about == other.about:
                self._sum.same(0)
            else:
                self._sum.add(about)
            return
        if one.about != other.about:
            self._sum.list(about)
        found = self._opened(name, one, other)
        if found is None or found.reason or found.format == "bytes":
            sizes = f"{one.size} bytes", f"{other.size} bytes"
            self._sum.add(PartDifference(place, Change.VALUE, place, *sizes))
            return
        self._sum.add(_whole(place, found))
        for part in found.parts[1:]:
            self._sum.list(_inside(place, part))
        self._notes += (f"{place}: {note}" for note in found.notes)

    def _same(self, one: _Member, other: _Member) -> bool:
        if not one.size:
            return True
        with self._sides[0].open(one) as left, self._sides[1].open(other) as right:
            while True:
                ours, theirs = left.read(1 << 20), right.read(1 << 20)
                if ours != theirs:
                    return False
                if not ours:
                    return True

    def _opened(self, name: str, one: _Member, other: _Member) -> ContentDifference | None:
        if not (one.is_file and other.is_file):
            return None
        if self._inner is None or max(one.size, other.size) > OPENED or self._openings == 0:
            return None
        self._openings -= 1
        with tempfile.TemporaryDirectory(prefix="repro-") as folder:
            paths = Path(folder, "a"), Path(folder, "b")
            for side, member, path in zip(self._sides, (one, other), paths):
                with side.open(member) as source:
                    _written(source, path, OPENED)
            return self._inner(name, *paths)


def _whole(place: str, found: ContentDifference) -> PartDifference:
    """What is said of a member, with its first difference and the figures of all."""
    same = "the same values, written differently"
    first = found.parts[0] if found.parts else PartDifference("", Change.VALUE, "", same, same)
    return replace(
        _inside(place, first), compared=found.compared, differing=found.differing,
        absolute=found.absolute, relative=found.relative, ulp=found.ulp,
    )  # fmt: skip


def _inside(place: str, part: PartDifference) -> PartDifference:
    where = f"{place}: {part.where}" if part.where else place
    return replace(part, path=f"{place}: {part.path}" if part.path else place, where=where)


def _written(source: BinaryIO, path: Path, most: int) -> None:
    with path.open("wb") as target:
        while chunk := source.read(1 << 20):
            most -= len(chunk)
            if most < 0:
                raise Unreadable("it is larger than it says")
            target.write(chunk)


# --- one file, compressed -------------------------------------------------------------------

PACKED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def compare_packed(name: str, a: Path, b: Path, inner: Compare) -> ContentDifference:
    """Two compressed files by what they unpack to. Raises Unreadable."""
    suffix = next(suffix for suffix in PACKED if name.lower().endswith(suffix))
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        paths = Path(folder, "a"), Path(folder, "b")
        try:
            for source, path in zip((a, b), paths):
                with PACKED[suffix](source, "rb") as stream:
                    _written(stream, path, INFLATED)
        except _FAULTS as error:
            raise Unreadable(f"it cannot be unpacked: {str(error)[:100]}") from error
        found = inner(name[: -len(suffix)], *paths)
    return replace(found, format=f"{found.format}, {suffix[1:]}")
