"""Paths by pattern, as .gitignore readers expect it: ``*`` within a folder, ``**`` across folders.

A pattern may come from somebody else, with a bundle. To try all ways in which many stars can share a path takes
longer than anybody waits, so where that could be, all of them are followed at once: a step per character.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

MOST = 30_000_000
"""Characters that ``re``, which tries one way after the other, may have to compare; where it could be more, all
ways are followed at once. For what people write ``re`` is faster by far."""
_STAR, _STARS, _FOLDERS = "[^/]*", ".*", "(?:.*/)?"
_WILD = frozenset((_STAR, _STARS, _FOLDERS))
_ONE = "[^/]"
_REMEMBERED = 4096
"""Characters of which it is kept where in a pattern they fit."""


def is_glob(pattern: str) -> bool:
    """Whether the pattern can name more than one path."""
    return any(mark in pattern for mark in "*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether a POSIX path is the pattern, is matched by it, or lies in a folder that is."""
    return _compiled(pattern.rstrip("/")).matches(path)


def any_matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches."""
    return any(matches(path, pattern) for pattern in patterns)


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> _Pattern:
    return _Pattern(_reduced(_tokens(pattern)))


class _Pattern:
    """Parts of a regular expression, each for one character or one of the wild ones."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._regex = re.compile("(?s:" + "".join(parts) + ")(?:/.*)?\\Z")
        self._wild = sum(part in _WILD for part in parts)

    def matches(self, path: str) -> bool:
        """By whichever way is sure to end soon."""
        length = len(path) + 1
        if length**self._wild * min(length, len(self._parts)) > MOST:
            return self.matches_at_once(path)
        return self._regex.match(path) is not None

    def matches_at_once(self, path: str) -> bool:
        """The same, in as many steps as the path has characters. A set of places in the pattern is a number
        with a bit for each."""
        places = self._places
        at, end = places.entered(1), 1 << places.count
        for character in path:
            if at & end and character == "/":
                return True  # what is left lies in a folder that matches
            stay = places.stars | (0 if character == "/" else places.within)
            at = places.entered((at & places.taking(character)) << 1 | at & stay)
            if not at:
                return False
        return bool(at & end)

    @functools.cached_property
    def _places(self) -> _Places:
        return _Places(self._parts)


class _Places:
    """The places of a pattern as bits: before its first part, before its second …, and at its end."""

    def __init__(self, parts: list[str]) -> None:
        laid = [item for part in parts for item in _laid(part)]
        self.count = len(laid)
        self.stars = _bits(laid, lambda part: part == _STARS)
        self.within = _bits(laid, lambda part: part == _STAR)
        self._empty = self.stars | self.within | _bits(laid, lambda part: part == _FOLDERS)
        self._folders = _bits(laid, lambda part: part == _FOLDERS)
        single: dict[str, int] = {}
        for index, part in enumerate(laid):
            if part not in _WILD:
                single[part] = single.get(part, 0) | 1 << index
        self._single = [(re.compile(f"(?s:{part})"), bits) for part, bits in single.items()]
        self._taking: dict[str, int] = {}

    def taking(self, character: str) -> int:
        """The places that this character leads on from."""
        found = self._taking.get(character)
        if found is None:
            found = sum(bits for regex, bits in self._single if regex.fullmatch(character))
            if len(self._taking) < _REMEMBERED:
                self._taking[character] = found
        return found

    def entered(self, at: int) -> int:
        """With the places that are reached without a character. As no two wild parts of a kind stand side by
        side, that is settled after a few rounds."""
        while True:
            more = at | (at & self._empty) << 1 | (at & self._folders) << 3
            if more == at:
                return at
            at = more


def _laid(part: str) -> tuple[str, ...]:
    """``(?:.*/)?`` as what may be passed over, any characters, and a slash."""
    return (_FOLDERS, _STARS, "/") if part == _FOLDERS else (part,)


def _bits(laid: list[str], holds: Callable[[str], bool]) -> int:
    return sum(1 << index for index, part in enumerate(laid) if holds(part))


def _reduced(parts: Iterator[str]) -> list[str]:
    """Without wild parts that those beside them make superfluous."""
    found: list[str] = []
    for part in parts:
        if part == _STARS:
            while found and found[-1] in _WILD:
                found.pop()
        elif part in _WILD and found and found[-1] in (_STARS, part):
            continue
        found.append(part)
    return found


def _tokens(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            yield _FOLDERS
            at += 3
        elif pattern.startswith("**", at):
            yield _STARS
            at += 2
        elif pattern[at] == "*":
            yield _STAR
            at += 1
        elif pattern[at] == "?":
            yield _ONE
            at += 1
        elif pattern[at] == "[" and (end := _end_of_class(pattern, at)) > 0:
            yield _class(pattern[at + 1 : end])
            at = end + 1
        else:
            yield re.escape(pattern[at])
            at += 1


def _end_of_class(pattern: str, at: int) -> int:
    """Where the class that begins at ``at`` ends; a bracket that comes first in it is one of its own."""
    first = at + 2 if pattern[at + 1 : at + 2] in ("!", "^") else at + 1
    return pattern.find("]", first + 1)


def _class(text: str) -> str:
    negated = text[0] in "!^"
    inner = re.sub(r"([\\\[\]&~|^])", r"\\\1", text[1:] if negated else text)
    # of two hyphens one is meant as itself, and to `re` they may one day mean a difference of sets
    inner = re.sub(r"(?<=.)--", r"-\\-", re.sub(r"^--", r"\\--", inner))
    try:
        re.compile(f"[{inner}]")
    except re.error:
        return "(?!)"  # a range that runs backwards: nothing is in it
    return f"(?!/)[{'^' if negated else ''}{inner}]"
