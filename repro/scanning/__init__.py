"""Finds secrets in what is about to be written down or handed on, and says where: never what.

It fails closed: what was not looked through is said, as Unscanned.
"""

from repro.scanning.allowing import Allowed, parse
from repro.scanning.documents import document, manifest, redacted
from repro.scanning.nouns import REDACTED, Secret, Unscanned, fingerprint
from repro.scanning.searching import text
from repro.scanning.values import named

__all__ = [
    "REDACTED",
    "Allowed",
    "Secret",
    "Unscanned",
    "document",
    "fingerprint",
    "manifest",
    "named",
    "parse",
    "redacted",
    "text",
]
