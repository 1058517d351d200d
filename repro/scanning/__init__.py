"""Finds secrets in what is about to be written down or handed on, and says where: never what.

It fails closed: what was not looked through is said, as Unscanned.
"""

from repro.scanning.allowing import Allowed, parse
from repro.scanning.documents import document, manifest, redacted
from repro.scanning.nouns import REDACTED, Secret, Span, Unscanned, fingerprint
from repro.scanning.searching import is_telling, places, text
from repro.scanning.values import named, secret_values

__all__ = [
    "REDACTED",
    "Allowed",
    "Secret",
    "Span",
    "Unscanned",
    "document",
    "fingerprint",
    "is_telling",
    "manifest",
    "named",
    "parse",
    "places",
    "redacted",
    "secret_values",
    "text",
]
