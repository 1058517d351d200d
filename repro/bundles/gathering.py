"""Which small files share a layer: pure.

They are taken in the order in which they lie in the workspace, and a group ends where a file's own digest
says so. A file that is added, changed or removed therefore changes the group that it falls into and no
other; of a folder that is added, what was there before stays as it is. Cutting at every 16 MiB instead
would move every boundary behind the change, and every group would be sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from repro.bundles.pieces import Piece

FEW = 64
"""Small files up to which each is a layer of its own, for people to see."""
SMALL = 1 << 20
"""Bytes up to which a file is small."""
LEAST = 4 << 20
"""Bytes before which no group ends, but for the last one."""
USUAL = 16 << 20
"""Bytes behind which a group ends on average, counted from LEAST."""
MOST = 64 << 20
MOST_FILES = 8192
COST = 4096
"""Bytes that a file counts beyond its own: header, padding, its line in the listing."""
_FAMILIES = ("data/files/", "inputs/", "outputs/")


@dataclass(frozen=True)
class Gathered:
    """All pieces, each once. Those of a group are in the order in which the group has them."""

    alone: tuple[Piece, ...]
    groups: tuple[tuple[Piece, ...], ...] = ()


def gathered(pieces: Collection[Piece]) -> Gathered:
    """Small files in groups, where there are more than a few of them."""
    small = [piece for piece in pieces if _family(piece) and piece.size <= SMALL]
    if len(small) <= FEW:
        return Gathered(tuple(pieces))
    small.sort(key=lambda piece: (_family(piece), piece.place or piece.path, piece.path))
    together = {piece.path for piece in small}
    alone = tuple(piece for piece in pieces if piece.path not in together)
    return Gathered(alone, tuple(_cut(small)))


def _family(piece: Piece) -> str:
    return next((name for name in _FAMILIES if piece.path.startswith(name)), "")


def _cut(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, ...]]:
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        full = size + piece.size + COST > MOST or len(group) == MOST_FILES
        if group and (full or _family(piece) != _family(group[-1])):
            yield tuple(group)
            group, size = [], 0
        group.append(piece)
        size += piece.size + COST
        if size >= LEAST and _ends(piece):
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)


def _ends(piece: Piece) -> bool:
    """With a chance in proportion to what the file counts, told by its own digest."""
    digits = (piece.md5 or (piece.digest or "").removeprefix("sha256:"))[:8]
    return int(digits or "0", 16) * USUAL < (piece.size + COST) << 32
