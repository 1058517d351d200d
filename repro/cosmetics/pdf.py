"""PDF: every byte counts but the dates and ids, which are cut out where they stand.

Nothing is rendered and nothing decompressed: offsets and lengths count as well, so two files that
say a date in different lengths are not found the same.
"""

from __future__ import annotations

import re

from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.pdf_tokens import Scanner, Token
from repro.cosmetics.shapes import UUID

FORM = "pdf/1"
MAGIC = (b"%PDF-1.", b"%PDF-2.")

_DATES = (b"/CreationDate", b"/ModDate")
_DATE = re.compile(rb"\(D:\d{14}(?:Z|(?:Z|[+-]\d\d)(?:'\d\d'?|\d\d)?)?\)")
_LONGEST_ID = 70
_MOMENT = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?"
_XMP = re.compile(
    rb"(?P<open><(?P<name>xmp:(?:Create|Modify|Metadata)Date)>)" + _MOMENT + rb"(?=</(?P=name)>)"
    rb"|(?P<open2><(?P<name2>xmpMM:(?:Document|Instance)ID)>)(?:uuid:|urn:uuid:|xmp\.[di]id:)?"
    + UUID.encode("ascii")
    + rb"(?=</(?P=name2)>)"
)


def digest(part: Part) -> str:
    """The digest of a PDF without its dates and ids. Raises Unfit where it has none."""
    content = part.whole()
    reader = _Reader(content)
    for token in Scanner(content).tokens():
        reader.take(token)
    if not reader.cuts:
        raise Unfit("nothing cosmetic in it")
    tally, position = Tally(FORM), 0
    for start, end, kind in reader.cuts:
        # with its length, or one of the two would have offsets that lead nowhere
        tally.add(content[position:start], kind, end - start)
        position = end
    tally.add(content[position:])
    return tally.digest()


class _Reader:
    """Goes along with the tokens and notes what to cut."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._depth = 0
        self._last: list[Token] = []
        self._names: set[bytes] = set()
        self._ids: list[Token] = []
        self._in_trailer = False
        self.cuts: list[tuple[int, int, str]] = []

    def take(self, token: Token) -> None:
        self._depth += {b"<<": 1, b">>": -1}.get(token.bytes, 0)
        if token.bytes == b"/Encrypt":
            raise Unfit("encrypted: its id is a part of the key")
        if token.bytes in (b"obj", b"trailer"):
            self._names, self._ids, self._depth = set(), [], 0
            self._in_trailer = token.bytes == b"trailer"
        elif token.kind == "stream":
            self._stream(token)
        elif self._depth == 1:
            self._inside(token)
        self._last = [*self._last[-3:], token]

    def _inside(self, token: Token) -> None:
        if token.kind == "name":
            self._names.add(token.bytes)
        before = [item.bytes for item in self._last]
        if before and before[-1] in _DATES and _DATE.fullmatch(token.bytes):
            self.cuts.append((token.start, token.end, "date"))
        if token.bytes == b"]" and len(before) == 4 and before[:2] == [b"/ID", b"["]:
            self._id(self._last[2:])

    def _id(self, texts: list[Token]) -> None:
        whole = all(
            item.kind in ("hex", "text") and len(item.bytes) <= _LONGEST_ID for item in texts
        )
        if whole and self._in_trailer:
            self.cuts += [(item.start, item.end, "id") for item in texts]
        elif whole:
            self._ids = texts

    def _stream(self, token: Token) -> None:
        if b"/XRef" in self._names:
            self.cuts += [(item.start, item.end, "id") for item in self._ids]
        if b"/Metadata" in self._names and b"/XML" in self._names:
            for match in _XMP.finditer(self._content, token.start, token.end):
                start = max(match.end("open"), match.end("open2"))
                self.cuts.append((start, match.end(), "xmp"))
