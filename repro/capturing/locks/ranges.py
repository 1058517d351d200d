"""Which versions a requirement leaves, and whether two leave any in common."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.capturing.locks import conda_words
from repro.capturing.locks.comparing import same_version
from repro.capturing.requirements import Manager, Requirement

HIGHEST = "999999999"


def admits(entry: Requirement, version: str) -> bool | None:
    """Whether it leaves that version; None where this cannot be told."""
    if entry.version and re.fullmatch(r"(={2,3}.*)?", entry.specifier):
        return same_version(version, entry.version)
    if not entry.specifier:
        return True
    if entry.manager is Manager.CONDA:
        return conda_words.admits(entry.specifier, version)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(entry.specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None


def exclude_each_other(one: Requirement, other: Requirement) -> bool:
    """Whether no version at all satisfies both; False where this cannot be told.

    Ranges that have a version in common have one at, or right beside, a version that one of them names.
    """
    for version in _telling(one, other):
        answers = (admits(one, version), admits(other, version))
        if None in answers or answers == (True, True):
            return False
    return True


def _telling(*entries: Requirement) -> Iterator[str]:
    yield from ("0", HIGHEST)
    for entry in entries:
        words = [*re.findall(r"\d[0-9A-Za-z.!+-]*", entry.specifier), entry.version or ""]
        for version in filter(None, words):
            bare = version.rstrip(".")
            yield bare
            release = re.match(r"(?:\d+!)?[\d.]*\d", bare)
            if release:
                yield f"{release[0]}.0.0.0.1"
                yield from _below(release[0])


def _below(release: str) -> Iterator[str]:
    """Right below a release: its last number that is not 0 goes down, and the next is the highest."""
    numbers = release.split(".")
    while numbers and numbers[-1] == "0":
        numbers.pop()
    if numbers and numbers[-1].isdigit():
        yield ".".join([*numbers[:-1], str(int(numbers[-1]) - 1), HIGHEST])
