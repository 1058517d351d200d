"""Text on a grid of characters: widths, columns, colours."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

INDENT = "  "
GAP = "  "
WIDEST = 26
"""Columns that a value may take in a table; every float fits."""
NARROWEST = 16
"""Columns that a shortened name keeps."""

_CODES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def clean(text: str) -> str:
    """The text with everything escaped that a terminal would act on or not show: control
    characters, direction marks, invisible ones, halves of surrogate pairs."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def paint(text: str, style: str, colour: bool) -> str:
    """The text in a colour (styles joined by a space), or as it is."""
    if not colour or not style or not text:
        return text
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def width(text: str) -> int:
    """Columns that the text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, columns: int, right: bool = False) -> str:
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def shorten(text: str, columns: int) -> str:
    """The text without its middle, when it is wider than that."""
    if width(text) <= columns:
        return text
    room = max(columns - 3, 2)
    head, tail = "", ""
    for character in text:
        if width(head + character) > room - room // 2:
            break
        head += character
    for character in reversed(text):
        if width(character + tail) > room // 2:
            break
        tail = character + tail
    return f"{head}...{tail}"


def wrap(text: str, columns: int, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of at most that many columns; a longer word stays whole."""
    return textwrap.wrap(
        text,
        max(columns, 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def fitted(header: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> list[int] | None:
    """Widths of the columns, the first one narrowed as needed; None when it does not fit."""
    widths = [max(map(width, cells)) for cells in zip(header, *rows)]
    excess = len(INDENT) + sum(widths) + len(GAP) * (len(widths) - 1) - columns
    if excess > 0:
        widths[0] = max(widths[0] - excess, min(widths[0], NARROWEST))
        if len(INDENT) + sum(widths) + len(GAP) * (len(widths) - 1) > columns:
            return None
    return widths


def line(
    cells: Sequence[str],
    widths: Sequence[int],
    right: Sequence[int],
    style: str = "",
    colour: bool = False,
) -> str:
    """One line of a table; the last cell takes the colour."""
    texts = [
        pad(shorten(cell, columns) if index == 0 else cell, columns, index in right)
        for index, (cell, columns) in enumerate(zip(cells, widths))
    ]
    texts[-1] = paint(texts[-1].rstrip(), style, colour)
    return (INDENT + GAP.join(texts)).rstrip()
