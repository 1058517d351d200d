"""HTML with charts: plotly and bokeh draw an id for each at random; everything else counts.

A page is full of ids that mean something, a sample's in a table for one. So only the id of an
element that the two make for a chart is taken, and only where it stands in quotes alone everywhere.
"""

from __future__ import annotations

import re
from collections import Counter

from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.shapes import UUID, Names

FORM = "html/1"
LARGEST = 32 << 20

_CHART = re.compile(
    rf'<div id="({UUID})" (?:class="plotly-graph-div"|data-root-id=")'
    rf'|<script type="application/json" id="({UUID})">'
    rf'|"docid":"({UUID})"',
    re.ASCII,
)
_WORD = re.compile(rf"(?<![0-9A-Za-z-]){UUID}(?![0-9A-Za-z-])", re.ASCII)
_QUOTED = re.compile(rf"""(?P<quote>["'])(?P<id>{UUID})(?P=quote)""", re.ASCII)


def digest(part: Part) -> str:
    """The digest of the text with the charts' ids by number. Raises Unfit where there is none."""
    text = part.whole(LARGEST).decode("utf-8")
    names = _names(text)
    if not len(names):
        raise Unfit("nothing cosmetic in it")
    tally, position = Tally(FORM), 0
    for match in _QUOTED.finditer(text):
        if match["id"] in names:
            tally.add(text[position : match.start("id")].encode("utf-8"), names[match["id"]])
            position = match.end("id")
    tally.add(text[position:].encode("utf-8"))
    return tally.digest()


def _names(text: str) -> Names:
    charts = {next(filter(None, found)) for found in _CHART.findall(text)}
    quoted = Counter(match["id"] for match in _QUOTED.finditer(text))
    words = Counter(_WORD.findall(text))
    names = Names()
    for name, count in quoted.items():
        if name in charts and words[name] == count:
            names.add(name)
    return names
