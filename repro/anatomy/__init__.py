"""What two output files hold, and where they differ inside: by key, by cell, by member, by element of a
tensor. Nothing that a file names is ever imported or called.

Files whose format can carry code are read inside a container (``inside/``); here what is written about them
there is compared.
"""

from typing import TYPE_CHECKING

from repro import late

if TYPE_CHECKING:
    from repro.anatomy.comparing import Place, compare, compare_bytes, compare_plain, place_of
    from repro.anatomy.naming import is_known
    from repro.anatomy.nouns import Change, ContentDifference, PartDifference, Unreadable
    from repro.anatomy.words import summary

__all__ = [
    "Change",
    "ContentDifference",
    "PartDifference",
    "Place",
    "Unreadable",
    "compare",
    "compare_bytes",
    "compare_plain",
    "is_known",
    "place_of",
    "summary",
]
_PLACES = {
    "Change": "nouns",
    "ContentDifference": "nouns",
    "PartDifference": "nouns",
    "Place": "comparing",
    "Unreadable": "nouns",
    "compare": "comparing",
    "compare_bytes": "comparing",
    "compare_plain": "comparing",
    "is_known": "naming",
    "place_of": "comparing",
    "summary": "words",
}
__getattr__ = late.names(__name__, _PLACES)
