"""Paths by pattern, as .gitignore readers expect it: ``*`` within a folder, ``**`` across folders."""

from __future__ import annotations

import functools
import re


def is_glob(pattern: str) -> bool:
    """Whether the pattern can name more than one path."""
    return any(mark in pattern for mark in "*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether a POSIX path is the pattern, is matched by it, or lies in a folder that is."""
    return _compiled(pattern.rstrip("/")).match(path) is not None


def any_matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches."""
    return any(matches(path, pattern) for pattern in patterns)


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    out, at = [], 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            out.append(".*")
            at += 2
        elif pattern[at] == "*":
            out.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            out.append("[^/]")
            at += 1
        elif pattern[at] == "[" and (end := _end_of_class(pattern, at)) > 0:
            out.append(_class(pattern[at + 1 : end]))
            at = end + 1
        else:
            out.append(re.escape(pattern[at]))
            at += 1
    return re.compile("(?s:" + "".join(out) + ")(?:/.*)?\\Z")


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
