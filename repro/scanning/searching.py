"""All rules over one text: what looks like a secret in it, each value once, and what was not searched."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO

from repro.scanning import assignments, contexts, formats, library, reading, stand_ins
from repro.scanning.assignments import Manner
from repro.scanning.marks import Marks
from repro.scanning.nouns import REDACTED, Secret, Span, Unscanned, fingerprint

CAP = 256 * 1000**2
"""Bytes of one text that are looked through; that there is more is said."""
FOUND_CAP = 200
"""Different secrets of one text that are told; that there are more is said."""
KNOWN_MINIMUM = 8
"""Characters: a shorter value would be found in words and numbers."""

_EXACT = Marks((formats.marks(), formats.at))
_LOWERED = Marks((contexts.marks(), contexts.at), (library.marks(), library.at))


def spans(content: bytes, how: Manner | None, start: int = 0, end: int | None = None) -> list[Span]:
    """The secrets that begin between two positions, in order and without overlaps.

    ``how`` is None where names and values are not to be looked for: in content that is no text.
    """
    end = len(content) if end is None else end
    lowered = content.lower()
    found = [
        *_EXACT.spans(content, content, start, end),
        *_LOWERED.spans(content, lowered, start, end),
    ]
    found += library.shaped(content, start, end)
    if how is not None:
        found += assignments.found(content, lowered, start, end, how)
    return _apart(found)


def _apart(found: Iterable[Span]) -> list[Span]:
    """In order; of two that overlap the one that was found by the more precise rule, which came first."""
    kept: list[Span] = []
    for span in found:
        at = bisect.bisect(kept, span.start, key=lambda other: other.start)
        follows = at == 0 or kept[at - 1].end <= span.start
        if follows and (at == len(kept) or span.end <= kept[at].start):
            kept.insert(at, span)
    return kept


def sanitized(name: str) -> str:
    """A name as it may be shown: one that is itself a secret is not."""
    return REDACTED if spans(name.encode("utf-8", "surrogatepass"), None) else name


def text(
    content: str | bytes | IO[bytes],
    where: str,
    path: str = "",
    known: Iterable[str] = (),
    cap: int = CAP,
) -> Iterator[Secret | Unscanned]:
    """What looks like a secret in a text, each value once, and what was not looked at.

    ``path`` tells by its name how the text writes down settings; ``""`` is a log. ``known`` are values
    that are secrets wherever they stand, such as those of variables that are not recorded.
    ``content`` is read to its end, or up to ``cap`` bytes. Nothing that is in it raises; a stream that
    cannot be read is Unscanned.
    """
    shown = sanitized(where)
    try:
        stream = reading.opened(content)
        head = reading.head_of(stream)
        nature = reading.nature(head)
        how = None if nature.binary else assignments.manner(path)
        found = _found(
            reading.pieces(stream, head, nature.encoding, cap), path, how, _sought(known)
        )
        for count, secret in enumerate(found):
            if count == FOUND_CAP:
                yield Unscanned(shown, f"more than {FOUND_CAP} secrets, the rest is not told")
                return
            yield replace(secret, where=shown)
        yield from _left(stream, shown, nature, cap)
    except (OSError, ValueError) as error:
        # a closed stream is a ValueError; what else it says might quote what was read
        reason = error.strerror if isinstance(error, OSError) else None
        yield Unscanned(shown, f"could not be read: {reason or type(error).__name__}")


def _left(stream: IO[bytes], where: str, nature: reading.Nature, cap: int) -> Iterator[Unscanned]:
    if nature.binary:
        reason = (
            f"{nature.binary}: searched for the formats of tokens as it lies there, not for names"
        )
        yield Unscanned(where, reason, blocking=False)
    if stream.read(1):
        yield Unscanned(where, f"only its first {cap} bytes were looked through")


def places(content: IO[bytes], path: str = "", cap: int = CAP) -> list[Span] | None:
    """Where every secret of a text stands, again and again; by their positions in the whole (bytes), in
    order. None where the text is of an encoding in which positions are not those of its bytes.

    Raises OSError as the stream does.
    """
    head = reading.head_of(content)
    nature = reading.nature(head)
    if nature.encoding:
        return None
    how = None if nature.binary else assignments.manner(path)
    return [
        replace(span, start=piece.offset + span.start, end=piece.offset + span.end)
        for piece in reading.pieces(content, head, "", cap)
        for span in spans(piece.content, how, piece.start, piece.end)
    ]


def is_telling(value: str) -> bool:
    """Whether a value that is a secret in one place can be looked for in others: not a word of every text."""
    return len(value) >= KNOWN_MINIMUM and not stand_ins.is_stand_in(value)


def _sought(known: Iterable[str]) -> list[bytes]:
    return [value.encode("utf-8", "surrogatepass") for value in set(known) if is_telling(value)]


def _found(
    pieces: Iterable[reading.Piece], path: str, how: Manner | None, known: list[bytes]
) -> Iterator[Secret]:
    told: set[str] = set()
    for piece in pieces:
        every = spans(piece.content, how, piece.start, piece.end)
        every += contexts.in_file(piece.content, piece.start, piece.end, path)
        every += [span for value in known for span in _again(piece, value)]
        line, counted = piece.line, 0
        for span in sorted(every, key=lambda span: span.start):
            mark = fingerprint(piece.content[span.start : span.end])
            if mark not in told:
                told.add(mark)
                line += piece.content.count(b"\n", counted, span.start)
                counted = span.start
                yield Secret("", line, span.kind, sanitized(span.name), None, mark)


def _again(piece: reading.Piece, value: bytes) -> Iterator[Span]:
    at = piece.content.find(value, piece.start)
    if 0 <= at < piece.end:
        yield Span(at, at + len(value), "the value of a secret variable")
