"""A log's bytes as the lines that a person would see on a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CAP = 32 << 20
"""Bytes of a log that are read."""
LONG = 4096
"""Characters after which a line is cut, so that no pattern ever meets a longer text."""
_HIGH = 200
"""Rows that a cursor can go up: more than any terminal shows."""

_UP = re.compile(r"\x1b\[(\d{0,4})[AF]")
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-9;?<=>!]{0,64}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[@-_])"
)
_CONTROL = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f\x1b\u200b\ufeff]")
_BREAKS = re.compile(r"[\n\x0b\x0c\x85\u2028\u2029]")
_BAR = re.compile(
    r"\d{1,3}%\|[^|\n]{0,200}\| {0,4}[\d.]{1,12}[kMGTB]?i?B?/[\d.?]{1,12}[kMGTB]?i?B? {0,2}\[[^\]\n]{0,300}\]"
)
_CUT = re.compile(r"[\s,;|]")


@dataclass
class Lines:
    """The lines, and what was passed over to get them."""

    texts: list[str] = field(default_factory=list)
    overwritten: int = 0
    """States of progress lines that later ones took the place of."""
    first_overwritten: str = ""
    unread: int = 0
    """Bytes past the cap."""


def split(content: bytes, size: int = 0) -> Lines:
    """The last state of every line, without colours and control characters. Any bytes will do."""
    lines = Lines(unread=max(0, max(size, len(content)) - CAP))
    text = content[:CAP].decode("utf-8", errors="replace")
    plain = not _special(text)
    if "\x1b" in text:
        rows = _climbed(text, lines) if _UP.search(text) else _BREAKS.split(_ESCAPE.sub("", text))
    else:
        rows = text.split("\n") if plain else _BREAKS.split(text)
    if plain:
        lines.texts = rows
    else:
        for row in rows:
            lines.texts.extend(_seen(row, lines))
    if any(len(row) > LONG for row in lines.texts):
        lines.texts = [piece for row in lines.texts for piece in pieces(row)]
    return lines


def _special(text: str) -> bool:
    return "\r" in text or "\x08" in text or "%|" in text or _CONTROL.search(text) is not None


def _climbed(text: str, lines: Lines) -> list[str]:
    """Rows of a text that moves the cursor up to write over earlier ones: several bars at once."""
    rows: list[str] = [""]
    at = 0
    for piece in re.split(r"(\x1b\[\d{0,4}[AF]|\n)", text):
        if piece == "\n":
            at += 1
            if at == len(rows):
                rows.append("")
        elif up := _UP.fullmatch(piece):
            at = max(0, len(rows) - _HIGH, at - int(up[1] or 1))
        else:
            rows[at] = _written(rows[at], _ESCAPE.sub("", piece), lines)
    return rows


def _written(row: str, piece: str, lines: Lines) -> str:
    """A row after more was written to it; from its start, where a carriage return comes first."""
    if not piece.strip("\r "):
        return row
    if piece.startswith("\r") and row.strip():
        _pass_over(row, lines)
        return piece
    return row + piece


def _seen(row: str, lines: Lines) -> list[str]:
    """What is left of a row after carriage returns and backspaces; a bar and a text in one are two."""
    states = [state for state in re.split(r"[\r\x08]+", row) if state.strip()]
    for state in states[:-1]:
        _pass_over(state, lines)
    text = _CONTROL.sub("", states[-1] if states else "")
    if "%|" in text and (bar := _BAR.search(text)) and text[bar.end() :].strip():
        return [text[: bar.end()], text[bar.end() :]]
    return [text]


def _pass_over(state: str, lines: Lines) -> None:
    lines.overwritten += 1
    lines.first_overwritten = lines.first_overwritten or state.strip()[:80]


def pieces(row: str) -> list[str]:
    """A row in pieces of bounded length, cut where a number cannot be."""
    out = []
    at = 0
    while len(row) - at > LONG:
        window = row[at + LONG // 2 : at + LONG]
        ends = [match.end() for match in _CUT.finditer(window)]
        end = at + LONG // 2 + (ends[-1] if ends else LONG // 2)
        out.append(row[at:end])
        at = end
    out.append(row[at:])
    return out
