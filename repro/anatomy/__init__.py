"""What two output files hold, and where they differ inside: by key, by cell, by member, by element of a
tensor. Nothing that a file names is ever imported or called.

Files whose format can carry code are read inside a container (``inside/``); here what is written about them
there is compared.
"""

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
