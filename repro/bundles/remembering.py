"""What pieces became when they were pushed the last time, so that they need not be packed to know their names.

A blob is named by its digest, which is known once it is compressed. A second push of the same data would
compress all of it again, only to find every blob there. Notes lie in the store's cache, which may be deleted
at any time; one that cannot be read, or that is wrong about what the place has, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from repro import canonical
from repro.bundles import coding, layout
from repro.bundles.layout import Blob, Layer
from repro.bundles.pieces import Piece
from repro.errors import ReproError

FOLDER = "packed"
WORTH = 1 << 20
"""Bytes from which on a note pays."""


class Memory:
    """Notes in a folder. ``there`` tells whether a blob need not be written."""

    def __init__(self, folder: Path, there: Callable[[Blob], bool]) -> None:
        self._folder, self._there = folder, there

    def recall(self, members: Sequence[Piece], paths: Sequence[str]) -> tuple[Layer, ...] | None:
        """The layers that these pieces made, under these paths; None unless all of them are there."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, ReproError):
            note = canonical.loads(self._note(members).read_bytes())
            layers = tuple(layout.read_layer(item) for item in note["layers"])
            is_other = len(members) == 1 and members[0].digest not in (
                None,
                layers[0].content_digest,
            )
            if is_other or len(layers) != len(paths):
                return None
            if all(self._there(layer.blob) for layer in layers):
                return tuple(replace(layer, path=path) for layer, path in zip(layers, paths))
        return None

    def keep(self, members: Sequence[Piece], layers: Sequence[Layer]) -> None:
        """Note what was made of them."""
        if sum(piece.size for piece in members) < WORTH:
            return
        document = {"layers": [layout.describe_layer(layer) for layer in layers]}
        with contextlib.suppress(OSError):
            canonical.write_bytes(self._note(members), canonical.dumps(document))

    def _note(self, members: Sequence[Piece]) -> Path:
        facts = [
            [piece.path, piece.digest, piece.md5, piece.algorithm, piece.media_type]
            for piece in members
        ]
        key = canonical.dumps([coding.version(), facts])
        return self._folder / hashlib.sha256(key).hexdigest()
