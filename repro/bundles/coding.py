"""Compression where it helps, and its undoing within stated bounds; in constant memory."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any

from repro.bundles.refusing import refused
from repro.canonical import CHUNK
from repro.strict_json import shown

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
WINDOW = 27
"""log2 of the memory that a frame may ask for: 128 MiB, what zstd itself takes by default."""
SMALL = 4096
"""Bytes: what is smaller stays as it is, for people to read."""
_SAMPLE = 1 << 18
_WORTH = 0.9


def is_worth(stream: IO[bytes], size: int) -> bool:
    """Whether compressing saves a tenth, told from samples of the beginning, the middle and the end."""
    if size < SMALL:
        return False
    parts = []
    for start in sorted({0, max(0, (size - _SAMPLE) // 2), max(0, size - _SAMPLE)}):
        stream.seek(start)
        parts.append(stream.read(_SAMPLE))
    stream.seek(0)
    return shrinks(b"".join(parts))


def shrinks(sample: bytes) -> bool:
    """Whether compressing saves a tenth of it."""
    return len(zstd.compress(sample, level=1)) < _WORTH * len(sample)


def version() -> str:
    """Of what makes the bytes of a frame: they are others with another one."""
    return f"zstd {zstd.zstd_version} level {LEVEL}"


class Encoder:
    """A sink that compresses what it is given, into another. The bytes depend on the content and on
    zstd's version, not on the number of processors."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._state = zstd.ZstdCompressor(
            options={
                zstd.CompressionParameter.compression_level: LEVEL,
                zstd.CompressionParameter.checksum_flag: True,
                **_workers(),
            }
        )

    def write(self, chunk: bytes | memoryview) -> None:
        if made := self._state.compress(chunk):
            self._write(made)

    def finish(self) -> None:
        self._write(self._state.flush())


def _workers() -> dict[Any, int]:
    # with one worker or many the bytes are the same; without any they are others
    most = zstd.CompressionParameter.nb_workers.bounds()[1]
    return {zstd.CompressionParameter.nb_workers: min(most, os.cpu_count() or 1)} if most else {}


def decoded(chunks: Iterator[bytes], name: str, size: int) -> Iterator[bytes]:
    """What one zstd frame unpacks to: exactly ``size`` bytes, and no byte more is ever unpacked.

    Raises Refused.
    """
    state = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW})
    left = size
    try:
        for chunk in chunks:
            if state.eof:
                raise refused(f"{shown(name)} goes on behind its end")
            data = chunk
            while not state.eof:
                made = state.decompress(data, max_length=min(CHUNK, left + 1))
                data = b""
                left -= len(made)
                if left < 0:
                    raise refused(f"{shown(name)} unpacks to more than the {size} bytes it states")
                if made:
                    yield made
                if state.needs_input or not made:
                    break
    except zstd.ZstdError as error:
        raise refused(f"{shown(name)} cannot be unpacked: {error}") from None
    if not state.eof or state.unused_data or left:
        raise refused(f"{shown(name)} does not unpack to the {size} bytes it states")


def digest(chunks: Iterator[bytes]) -> str:
    """``sha256:…`` of all that passes."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return "sha256:" + state.hexdigest()
