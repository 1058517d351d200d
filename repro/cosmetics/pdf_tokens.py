"""The tokens of a PDF outside of its streams, and where its streams lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repro.cosmetics.nouns import Unfit

MOST_TOKENS = 500_000
"""Parentheses within strings included: a second or two."""

_TOKEN = re.compile(
    rb"(?P<blank>[\0\t\n\f\r ]+|%[^\r\n]*)"
    rb"|(?P<mark><<|>>|[\[\]{}])"
    rb"|(?P<hex><[0-9A-Fa-f\s]*>)"
    rb"|(?P<name>/[^\0\t\n\f\r ()<>\[\]{}/%]*)"
    rb"|(?P<word>[^\0\t\n\f\r ()<>\[\]{}/%]+)"
    rb"|(?P<text>\()"
)
_TEXT_PART = re.compile(rb"[^()\\]*(?:\\.[^()\\]*)*", re.DOTALL)
_STREAM_START = re.compile(rb"\r?\n")
_STREAM_END = re.compile(rb"\r?\n?endstream(?=[\r\n ])")
_LENGTH = re.compile(rb"(?<![0-9])(\d{1,10} \d{1,5}) obj\s{1,4}(\d{1,10})\s{1,4}endobj")


@dataclass(frozen=True)
class Token:
    """``kind``: mark, hex, name, word, text, or stream: the content of one."""

    kind: str
    start: int
    end: int
    bytes: bytes


class Scanner:
    """Goes through a whole PDF. Raises Unfit where something is none of its tokens."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._lengths = _lengths(content)
        self._object: list[bytes] = []
        self._depth = 0
        self._steps = 0
        self._sizes: list[int] = []

    def tokens(self) -> Iterator[Token]:
        """All tokens but blanks and comments, streams included."""
        position, end = 0, len(self._content)
        while position < end:
            token = self._next(position)
            position = token.end
            if token.kind == "blank":
                continue
            yield token
            self._follow(token)
            if token.bytes == b"stream":
                stream = self._stream(position)
                position = stream.end
                yield stream

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_TOKENS:
            raise Unfit("too many tokens")

    def _next(self, position: int) -> Token:
        self._step()
        match = _TOKEN.match(self._content, position)
        if match is None or match.lastgroup is None:
            raise Unfit("no token of a PDF")
        end = match.end()
        if match.lastgroup == "text":
            end = self._text_end(position)
        return Token(match.lastgroup, position, end, self._content[position:end])

    def _text_end(self, position: int) -> int:
        """Parentheses in a string may be nested, and escaped."""
        depth = 0
        while True:
            self._step()
            brace = self._content[position : position + 1]
            depth += {b"(": 1, b")": -1}.get(brace, 0)
            if brace not in (b"(", b")"):
                raise Unfit("a string without its end")
            position += 1
            if depth == 0:
                return position
            match = _TEXT_PART.match(self._content, position)
            position = match.end() if match else position

    def _follow(self, token: Token) -> None:
        """Keeps the last words of an object, to know the length of its stream."""
        if token.bytes == b"obj":
            self._object, self._depth, self._sizes = [], 0, []
        self._depth += {b"<<": 1, b">>": -1}.get(token.bytes, 0)
        if self._depth == 1 and token.bytes == b"/Length":
            self._sizes.append(len(self._object))
        self._object.append(token.bytes if len(token.bytes) < 32 else b"")

    def _stream(self, position: int) -> Token:
        start = _STREAM_START.match(self._content, position)
        if start is None or len(self._sizes) != 1 or self._depth != 0:
            raise Unfit("a stream without its length")
        end = start.end() + self._length(self._object[self._sizes[0] + 1 :][:3])
        if not _STREAM_END.match(self._content, end):
            raise Unfit("a stream of another length")
        return Token("stream", start.end(), end, b"")

    def _length(self, words: list[bytes]) -> int:
        number = words[0] if words else b""
        if words[2:3] == [b"R"]:
            number = self._lengths.get(b" ".join(words[:2]), b"")
        if not number.isdigit() or len(number) > 10:
            raise Unfit("a stream without its length")
        return int(number)


def _lengths(content: bytes) -> dict[bytes, bytes]:
    """Objects that are one number; one that is there twice with two values is none."""
    found: dict[bytes, bytes] = {}
    for match in _LENGTH.finditer(content):
        known = found.setdefault(match[1], match[2])
        if known != match[2]:
            found[match[1]] = b""
    return found
