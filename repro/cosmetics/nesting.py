"""A member of an archive: its own essence where it has one, otherwise all of its bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import replace

from repro.cosmetics.candidates import is_candidate
from repro.cosmetics.nouns import DEPTH, HELD, Part, Tally, Unfit


def count_member(tally: Tally, outer: Part, path: str, size: int, pieces: Iterable[bytes]) -> None:
    """Adds the content of a member to the tally. ``size`` is what its archive says it has.

    Raises Unfit where the pieces are not of that size, and what ``pieces`` raises.
    """
    if size <= HELD and outer.depth < DEPTH and is_candidate(path):
        _count_held(tally, outer, path, _held(pieces, size))
        return
    state, found = hashlib.sha256(), 0
    for piece in pieces:
        state.update(piece)
        found += len(piece)
    if found != size:
        raise Unfit("a member is not of the size that its archive says")
    tally.add("bytes", size, state.hexdigest())


def _held(pieces: Iterable[bytes], size: int) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > size:
            break
    if len(content) != size:
        raise Unfit("a member is not of the size that its archive says")
    return bytes(content)


def _count_held(tally: Tally, outer: Part, path: str, content: bytes) -> None:
    inner = replace(
        outer, path=path, file=io.BytesIO(content), size=len(content), depth=outer.depth + 1
    )
    found = outer.look(inner)
    if found is not None:
        tally.add("essence", found.form, found.digest)
    else:
        tally.add("bytes", len(content), hashlib.sha256(content).hexdigest())
