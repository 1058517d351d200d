"""Arrays as numpy and torch print them: brackets and numbers, one row a line."""

from __future__ import annotations

import re

from repro.log_metrics import documents
from repro.log_metrics.items import Found

_LINES = 5000
_OPENS = re.compile(
    r"(?:\b(?:np\.|torch\.|jnp\.|tf\.)?(?:tensor|array|Array|Tensor|matrix)\()?(?=\[)[\[\s]{1,20}"
    r"(?=[-+.\d\s\[]|nan|inf)(?=[\s\d.,eE+\-naif\[\]]{0,4096}(?:,\s*(?:dtype|device)=[^\n]{0,80})?\)?[.;]?\s*$)"
)
_R_INDEX = re.compile(r"\s*\[\d{1,9}\]\s+[^\s\[\]]")
_ROW = re.compile(r"[\s\d.,eE+\-naif\[\]]+(?:,\s*(?:dtype|device)=[^\n]{0,80})?\)?[.;]?\s*")
_BETWEEN = re.compile(r"(?<=[\d.\]fn])\s+(?=[-+\d.\[ni])")


def gathered(texts: list[str], at: int) -> tuple[int, str, str] | None:
    """(lines more, label, array as a list) where an array of numbers begins; None: none does.

    Lines below zero: it begins, and does not end within so many.
    """
    text = texts[at]
    if "[" not in text or _R_INDEX.match(text) or not (match := _OPENS.search(text)):
        return None
    depth, parts = 0, [text[match.start() :]]
    for more, line in enumerate(texts[at : at + _LINES]):
        piece = parts[0] if more == 0 else line
        if more and not (_ROW.fullmatch(line) and line.strip()):
            return -more, "", ""
        if more:
            parts.append(line)
        depth += piece.count("[") - piece.count("]")
        if depth <= 0:
            inner = "\n".join(parts)
            return more, text[: match.start()], _BETWEEN.sub(", ", inner)
    return -len(parts), "", ""


def read(label: str, text: str) -> Found | None:
    """The elements, by index: ``scores[0]``, ``Confusion matrix[1][0]``."""
    return documents.read(label, text, "")
