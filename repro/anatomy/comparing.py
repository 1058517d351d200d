"""Opens two files as what they are, and says where they differ. Whatever cannot be read as that is compared
as bytes, and the reason is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path

from repro.anatomy import (
    archives,
    documents,
    naming,
    npy,
    onnx,
    plain,
    safetensors,
    tables,
    torch_zip,
    trees,
)
from repro.anatomy.nouns import Change, ContentDifference, Document, PartDifference, Unreadable

_READERS: dict[str, Callable[[Path], Document]] = {
    naming.JSON: trees.read_json,
    naming.LINES: trees.read_lines,
    naming.YAML: trees.read_yaml,
    naming.TOML: trees.read_toml,
    naming.NPY: npy.read,
    naming.NPZ: npy.read_archive,
    naming.SAFETENSORS: safetensors.read,
    naming.ONNX: onnx.read,
    naming.TORCH: torch_zip.read,
}


class Place(str, Enum):
    """Where a file may be opened."""

    HERE = "here"
    INSIDE = "inside"
    """In a container only."""
    NOWHERE = "nowhere"
    """Its format is not known."""


def place_of(name: str, path: Path) -> tuple[Place, str]:
    """Where a file is opened, and as what."""
    try:
        form = naming.format_of(name, path)
        if form == naming.NPY:
            npy.read(path)
    except npy.Objects:
        return Place.INSIDE, "npy"
    except (OSError, Unreadable):
        form = naming.by_name(name)
    if form in naming.INSIDE:
        return Place.INSIDE, form
    return (Place.HERE if form else Place.NOWHERE), form or "bytes"


def compare(name: str, a: Path, b: Path) -> ContentDifference:
    """Two files whose place is HERE or NOWHERE; never an exception, whatever is in them."""
    return _compare(name, a, b, _member)


def _member(name: str, a: Path, b: Path) -> ContentDifference:
    """A member of an archive; archives in it stay closed."""
    return _compare(name, a, b, None)


def _compare(name: str, a: Path, b: Path, inner: archives.Compare | None) -> ContentDifference:
    places = [place_of(name, path) for path in (a, b)]
    form = places[0][1]
    if places[0] != places[1]:
        return compare_bytes(a, b, f"one side is {form}, the other {places[1][1]}")
    if places[0][0] is Place.NOWHERE:
        return compare_bytes(a, b)
    if places[0][0] is Place.INSIDE:
        return compare_bytes(a, b, f"this format ({form}) is opened in a container only")
    try:
        return _opened(name, form, a, b, inner)
    except Unreadable as error:
        return compare_bytes(a, b, f"it could not be opened as {form}: {error}")
    except Exception as error:  # libraries for archives raise nearly everything on damaged ones
        said = f"{type(error).__name__}: {str(error)[:100]}"
        return compare_bytes(a, b, f"it could not be opened as {form}: {said}")


def _opened(
    name: str, form: str, a: Path, b: Path, inner: archives.Compare | None
) -> ContentDifference:
    if form in (naming.CSV, naming.TSV):
        return tables.compare(a, b, "\t" if form == naming.TSV else ",")
    if form == naming.ZIP:
        return archives.compare_zip(a, b, inner)
    if form == naming.TAR:
        return archives.compare_tar(a, b, inner)
    if form == naming.PACKED:
        if inner is None:
            raise Unreadable("it lies in an archive itself")
        return archives.compare_packed(name, a, b, inner)
    return documents.compare(_READERS[form](a), _READERS[form](b))


def compare_plain(a: Path, b: Path) -> ContentDifference:
    """Two files as a container wrote them down. Raises Unreadable with the reason where it could not."""
    try:
        return replace(documents.compare(plain.read(a), plain.read(b)), inside=True)
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"what the container wrote cannot be read: {str(error)[:100]}") from error


CHUNK = 1 << 20


def compare_bytes(a: Path, b: Path, reason: str = "", remedy: str = "") -> ContentDifference:
    """Two files as nothing but bytes: the first that differs, and how many do."""
    try:
        compared, differing, first = _bytes(a, b)
        sizes = [path.stat().st_size for path in (a, b)]
    except OSError as error:
        return ContentDifference("bytes", reason=f"it could not be read: {error.strerror}")
    parts = []
    if first is not None:
        place, ours, theirs = first
        where, left, right = f"offset {place}", f"0x{ours:02x}", f"0x{theirs:02x}"
        parts.append(PartDifference("", Change.VALUE, where, left, right, compared, differing))
    if sizes[0] != sizes[1]:
        left, right = (f"{size} bytes" for size in sizes)
        parts.append(PartDifference("", Change.SHAPE, "", left, right))
    return ContentDifference(
        "bytes",
        tuple(parts),
        parts_compared=1,
        parts_differing=1 if parts else 0,
        compared=compared,
        differing=differing,
        reason=reason,
        remedy=remedy,
    )


def _bytes(a: Path, b: Path) -> tuple[int, int, tuple[int, int, int] | None]:
    """Bytes compared and differing, and the first one with its two values."""
    at, differing, first = 0, 0, None
    with a.open("rb") as left, b.open("rb") as right:
        while True:
            ours, theirs = left.read(CHUNK), right.read(CHUNK)
            number = min(len(ours), len(theirs))
            if not number:
                return at, differing, first
            if ours[:number] != theirs[:number]:
                places = _apart(ours[:number], theirs[:number])
                differing += number - places.count(0)
                if first is None:
                    place = number - len(places.lstrip(b"\0"))
                    first = at + place, ours[place], theirs[place]
            at += number


def _apart(a: bytes, b: bytes) -> bytes:
    """0 where the two have the same byte."""
    both = int.from_bytes(a, "big") ^ int.from_bytes(b, "big")
    return both.to_bytes(len(a), "big")
