"""Compiled Python: the code counts, the time of its source does not."""

from __future__ import annotations

from repro.cosmetics.nouns import Part, Tally, Unfit

FORM = "pyc/1"
_HEADER = 16
_BY_TIME = bytes(4)


def digest(part: Part) -> str:
    """The digest of magic, source size and code. Raises Unfit where no time stands in it."""
    content = part.whole()
    magic, flags, size, code = content[:4], content[4:8], content[12:_HEADER], content[_HEADER:]
    if magic[2:] != b"\r\n" or flags != _BY_TIME or not code:
        raise Unfit("not compiled by its source's time")
    tally = Tally(FORM)
    tally.add(magic, size, code)
    return tally.digest()
