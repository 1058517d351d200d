"""Which files a command and its children read and wrote, which programs they started.

``choose`` picks a way to watch; ``fold`` tells what of the seen is an input or an output worth recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro import late

if TYPE_CHECKING:
    from repro.watching.choosing import choose
    from repro.watching.folding import Folded, Scene, fold
    from repro.watching.nouns import PARTLY, SEES_ALL, Access, Mode, Seen, Watch
    from repro.watching.programs import tools

__all__ = [
    "PARTLY",
    "SEES_ALL",
    "Access",
    "Folded",
    "Mode",
    "Scene",
    "Seen",
    "Watch",
    "choose",
    "fold",
    "tools",
]
_PLACES = {
    "PARTLY": "nouns",
    "SEES_ALL": "nouns",
    "Access": "nouns",
    "Folded": "folding",
    "Mode": "nouns",
    "Scene": "folding",
    "Seen": "nouns",
    "Watch": "nouns",
    "choose": "choosing",
    "fold": "folding",
    "tools": "programs",
}
__getattr__ = late.names(__name__, _PLACES)
