"""An image as `docker save` gives it, taken apart: its configuration, and its layers unpacked."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from repro import canonical
from repro.errors import EngineError


@dataclass(frozen=True)
class Unpacked:
    """``layers`` are tar files in the order of the image's own list of them, verified against it."""

    config: bytes
    layers: tuple[Path, ...]


def unpack(chunks: Iterator[bytes], folder: Path) -> Unpacked:
    """Take a saved image apart into ``folder``. Raises EngineError where it is not whole.

    Both forms are read: the one of Docker up to 24, and the OCI layout of later ones, whose layers may
    be compressed.
    """
    try:
        files = _files(chunks, folder)
        (entry,) = json.loads(_at(files, "manifest.json").read_bytes())
        config = _at(files, entry["Config"]).read_bytes()
        wanted = json.loads(config)["rootfs"]["diff_ids"]
        layers = tuple(_plain(_at(files, name)) for name in entry["Layers"])
    except (tarfile.TarError, ValueError, KeyError, TypeError, OSError) as error:
        raise EngineError(f"the engine gave an image that cannot be read: {error}") from error
    if [canonical.digest_file(path) for path in layers] != wanted:
        raise EngineError("the engine gave an image whose layers are not those that it names")
    return Unpacked(config, layers)


def _files(chunks: Iterator[bytes], folder: Path) -> dict[str, Path]:
    """The files of the archive under numbers of our own, by the names that they have there."""
    found: dict[str, Path] = {}
    links: dict[str, str] = {}
    with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
        for member in archive:
            if member.issym():
                links[member.name] = _beside(member.name, member.linkname)
            elif member.isfile():
                found[member.name] = folder / str(len(found))
                _copy(archive.extractfile(member), found[member.name])
    for name, target in links.items():
        if target in found:
            found[name] = found[target]
    return found


def _beside(name: str, target: str) -> str:
    parts = name.split("/")[:-1]
    for part in target.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def _at(files: dict[str, Path], name: Any) -> Path:
    if name not in files:
        raise KeyError(f"{name} is not in it")
    return files[name]


def _plain(path: Path) -> Path:
    """The layer without its compression."""
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic[:2] != b"\x1f\x8b":
        return path
    plain = path.with_name(f"{path.name}.tar")
    if not plain.exists():
        with gzip.open(path) as stream:
            _copy(stream, plain)
    return plain


def _copy(stream: IO[bytes] | gzip.GzipFile | None, target: Path) -> None:
    assert stream is not None
    with target.open("wb") as out:
        while chunk := stream.read(canonical.CHUNK):
            out.write(chunk)


class _Stream(io.RawIOBase):
    """A file for reading, made of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, count = [], 0
        while size < 0 or count < size:
            part = self._rest or next(self._chunks, b"")
            if not part:
                self._rest = b""
                break
            taken = part if size < 0 else part[: size - count]
            self._rest = part[len(taken) :]
            parts.append(taken)
            count += len(taken)
        return b"".join(parts)
