"""Telling a cosmetic difference of an output file from a real one.

Outputs are recorded by digest, their contents mostly not kept. So a second digest is taken while
the content is at hand: of the content without what is cosmetic in its format. Whatever is not read
exactly and completely gets none, and then only the bytes count.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from repro import late
from repro.cosmetics.candidates import CANDIDATES, is_candidate
from repro.cosmetics.names import plain_name
from repro.cosmetics.nouns import Essence, Part

if TYPE_CHECKING:
    from repro.cosmetics.forms import described

__all__ = ["CANDIDATES", "Essence", "described", "essence", "is_candidate", "plain_name"]
__getattr__ = late.names(__name__, {"described": "forms"})


def essence(path: str, file: BinaryIO, size: int) -> Essence | None:
    """What a file holds without what is cosmetic, or None where that cannot be told.

    ``path`` counts only for its name, ``file`` must be seekable, ``size`` is in bytes. None: not
    such a format, nothing cosmetic in it, larger than the limits in ``nouns``, or anything in it
    that is not understood. Never raises, whatever the bytes.
    """
    if not is_candidate(path):
        return None
    from repro.cosmetics.forms import UNREADABLE, look  # a reader for each format

    try:
        if file.seek(0, os.SEEK_END) != size:
            return None
        file.seek(0)
    except UNREADABLE:
        return None
    return look(Part(path, file, size, look))
