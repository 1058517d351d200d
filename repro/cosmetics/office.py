"""The properties of an office document: all of them count but the two dates."""

from __future__ import annotations

import re

from repro.cosmetics.nouns import Part, Tally, Unfit

FORM = "office/1"
_DATE = re.compile(
    rb'(<dcterms:(created|modified) xsi:type="dcterms:W3CDTF">)'
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?(</dcterms:\2>)"
)
_LARGEST = 1 << 20


def digest(part: Part) -> str:
    """The digest of the text without its dates. Raises Unfit where there is none."""
    content = part.whole(_LARGEST)
    if b"<!--" in content or b"<![CDATA[" in content or b"<!DOCTYPE" in content:
        raise Unfit("more than plain properties")
    pieces = _DATE.split(content)
    if len(pieces) == 1:
        raise Unfit("no date")
    tally = Tally(FORM)
    tally.add(*pieces)
    return tally.digest()
