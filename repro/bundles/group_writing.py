"""Writes the tar of a group: small files read and verified ahead of it, in constant memory."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from repro.bundles import coding, groups, layout
from repro.bundles.layout import Blob, Layer
from repro.bundles.pieces import Piece, Sink, small
from repro.bundles.tar_writing import END, blob_name, header, padding

_AHEAD = 32
"""Files that are read before they are needed: 32 MiB at most."""
_THREADS = 2
_SAMPLES = 12
_SAMPLE = 1 << 16

Member = tuple[Layer, bytes]


def written(
    members: Sequence[Piece],
    path: str,
    sink: Sink,
    heard: Callable[[int], None] = lambda count: None,
) -> tuple[Layer, tuple[Layer, ...]]:
    """Write the tar into the sink, compressed where that helps; its layer, and those of its members.

    Raises Corrupt where a piece is not what was recorded, ReproError where it cannot be read.
    """
    if coding.shrinks(_sample(members)):
        state, encoder = hashlib.sha256(), coding.Encoder(sink.write)
        size, stated = _passed(members, (state.update, encoder.write), heard)
        encoder.finish()
        digest, kind = "sha256:" + state.hexdigest(), groups.TAR_TYPE + layout.ZSTD
    else:
        # the sink hashes what it is given: once is enough
        size, stated = _passed(members, (sink.write,), heard)
        digest, kind = sink.digest, groups.TAR_TYPE
    return Layer(path, Blob(sink.digest, sink.size, kind), digest, size), stated


def _passed(
    members: Sequence[Piece],
    takers: Sequence[Callable[[bytes], object]],
    heard: Callable[[int], None],
) -> tuple[int, tuple[Layer, ...]]:
    """The size of the tar, and its members."""
    size = 0
    layers: list[Layer] = []
    seen: set[str] = set()
    for layer, content in _read(members):
        layers.append(layer)
        heard(len(content))
        if layer.content_digest in seen:
            continue
        seen.add(layer.content_digest)
        head = header(blob_name(layer.content_digest), len(content))
        for part in (head, content, padding(len(content))):
            size += len(part)
            for take in takers:
                take(part)
    for take in takers:
        take(END)
    return size + len(END), tuple(layers)


def _read(members: Sequence[Piece]) -> Iterator[Member]:
    """Each piece with its content, in order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        coming: deque[Future[Member]] = deque()
        try:
            for piece in members:
                coming.append(pool.submit(_member, piece))
                if len(coming) >= _AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _member(piece: Piece) -> Member:
    content, digest = small(piece)
    blob = Blob(digest, len(content), piece.media_type)
    return Layer(piece.path, blob, digest, len(content)), content


def _sample(members: Sequence[Piece]) -> bytes:
    """Beginnings of members from everywhere in the group, as the tar has them."""
    step = max(1, len(members) // _SAMPLES)
    parts = []
    for piece in members[::step][:_SAMPLES]:
        layer, content = _member(piece)
        parts += [header(blob_name(layer.content_digest), len(content)), content[:_SAMPLE]]
        parts.append(padding(len(content)))
    return b"".join(parts)
