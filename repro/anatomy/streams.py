"""Places in files, opened when they are read and not before."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from repro.anatomy.nouns import LEAVES, Scalar, Tensor, Unreadable

Opener = Callable[[], BinaryIO]


def at(path: Path, offset: int) -> Opener:
    """The file at that place."""

    def opened() -> BinaryIO:
        stream = path.open("rb")
        stream.seek(offset)
        return stream

    return opened


def held(content: bytes) -> Opener:
    """Bytes that are in memory."""
    return lambda: io.BytesIO(content)


def member(path: Path, item: zipfile.ZipInfo, offset: int) -> Opener:
    """A member of a zip archive at that place."""
    return lambda: _Member(path, item, offset)  # type: ignore[return-value]


class _Member:
    """One member as a stream of its own; archive and member close together."""

    def __init__(self, path: Path, item: zipfile.ZipInfo, offset: int) -> None:
        self._archive = zipfile.ZipFile(path)
        try:
            self._stream = self._archive.open(item)
            self._stream.seek(offset)
        except BaseException:
            self._archive.close()
            raise

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def __enter__(self) -> _Member:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._archive.close()


def gathered(items: Iterable[tuple[str, Scalar | Tensor]]) -> dict[str, Scalar | Tensor]:
    """The leaves by path; a path that stands again gets a number, so that nothing is lost."""
    found: dict[str, Scalar | Tensor] = {}
    times: dict[str, int] = {}
    for path, leaf in items:
        times[path] = times.get(path, 0) + 1
        place = path if times[path] == 1 and path not in found else f"{path}#{times[path]}"
        if place in found:
            raise Unreadable("several of its parts have the same name")
        found[place] = leaf
        if len(found) > LEAVES:
            raise Unreadable(f"it holds more than {LEAVES} values")
    return found
