"""SVG: the drawing counts; matplotlib's date and the ids that it draws at random do not."""

from __future__ import annotations

import re
from collections import Counter

from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.shapes import CLOCK, DAY, HEX, ZONE, Names

FORM = "svg/1"
LARGEST = 32 << 20

_DATE = re.compile(rf"<dc:date>{DAY}T{CLOCK}(?:\.\d{{1,9}})?{ZONE}</dc:date>", re.ASCII)
_GENERATED = rf"(?:m|p|h|image){HEX}{{10}}"
_DEFINED = re.compile(rf'\bid="({_GENERATED})"', re.ASCII)
_WORD = re.compile(rf"(?<![0-9A-Za-z]){_GENERATED}(?![0-9A-Za-z])", re.ASCII)
_USED = re.compile(rf'(?:\bid="|url\(#|href="#)({_GENERATED})(?=["\)])', re.ASCII)


def digest(part: Part) -> str:
    """The digest of the text, without its date and with ids by number. Raises Unfit."""
    text = part.whole(LARGEST).decode("utf-8")
    if "<svg" not in text[:4096]:
        raise Unfit("no SVG")
    names = _names(text)
    cuts: list[tuple[int, int, str | int]] = [(*found.span(), "date") for found in _date(text)]
    cuts += [
        (*found.span(1), names[found[1]]) for found in _USED.finditer(text) if found[1] in names
    ]
    if not cuts:
        raise Unfit("nothing cosmetic in it")
    tally, position = Tally(FORM), 0
    for start, end, kind in sorted(cuts, key=lambda cut: cut[:2]):
        tally.add(text[position:start].encode("utf-8"), kind)
        position = end
    tally.add(text[position:].encode("utf-8"))
    return tally.digest()


def _date(text: str) -> list[re.Match[str]]:
    """The one date in the metadata, in front of the drawing."""
    end = text.find("</metadata>")
    return list(_DATE.finditer(text, 0, max(end, 0)))


def _names(text: str) -> Names:
    """Generated ids that are defined once and stand nowhere but where an id is defined or used."""
    everywhere = Counter(_WORD.findall(text))
    understood = Counter(_USED.findall(text))
    defined = Counter(_DEFINED.findall(text))
    names = Names()
    for name in understood:
        if defined.get(name) == 1 and everywhere.get(name) == understood[name]:
            names.add(name)
    return names
