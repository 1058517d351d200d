"""Which entries of a lock belong into the environment of one interpreter: a lock is for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from repro.capturing.requirements import Requirement

Place = tuple[int, str]
"""An entry by its number, and one of its extras: empty for the entry itself."""


def expected(
    entries: Sequence[Requirement], roots: Sequence[Requirement], markers: Mapping[str, str]
) -> tuple[Requirement, ...]:
    """The entries that may be installed there; ``optional`` are those that need not be.

    With ``roots`` (what the project itself asks for) all that cannot be reached from them without an
    extra or a group is optional. An entry of which it cannot be told stays.
    """
    # a lock of thousands of entries has a handful of markers
    known: dict[tuple[str, bool], bool | None] = {}
    for item in entries:
        key = (item.marker, item.optional)
        if key not in known:
            known[key] = item.applies(markers)
    possible = [item for item in entries if known[item.marker, item.optional] is not False]
    if not roots:
        return tuple(possible)
    reached = _reached(possible, roots, markers)
    return tuple(
        item if number in reached or item.optional else replace(item, optional=True)
        for number, item in enumerate(possible)
    )


def of_environment(entries: Sequence[Requirement], prefix: str) -> tuple[Requirement, ...]:
    """Of a lock for several environments (pixi) the entries of the one that has this prefix; in an
    environment that is none of pixi's, those of the default one."""
    groups = {item.group for item in entries}
    if groups <= {""}:
        return tuple(entries)
    path = PurePath(prefix)
    own = path.name if ".pixi" in path.parts and path.name in groups else "default"
    return tuple(replace(item, group="") for item in entries if item.group == own)


def _reached(
    entries: Sequence[Requirement], roots: Iterable[Requirement], markers: Mapping[str, str]
) -> set[int]:
    by_name: dict[str, list[int]] = {}
    for number, item in enumerate(entries):
        by_name.setdefault(item.name, []).append(number)
    seen: set[Place] = set()
    ahead = list(roots)
    while ahead:
        edge = ahead.pop()
        # an edge of which it cannot be told is not followed: no one is told that something is missing
        # which perhaps is not wanted
        if edge.applies(markers) is not True:
            continue
        for number in by_name.get(edge.name, ()):
            entry = entries[number]
            if edge.version and entry.version and edge.version != entry.version:
                continue
            for place in ((number, ""), *((number, extra) for extra in edge.extras)):
                if place not in seen:
                    seen.add(place)
                    ahead += [one for one in entry.requires if one.group == place[1]]
    return {number for number, _ in seen}
