"""Words as the reader's lists of them are written: one text, blanks between."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
