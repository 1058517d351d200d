"""Files that carry a time, a host name, a run's id or its number in their names, paired with their counterparts.

A path that only one side has, and that is without such parts the same as one that only the other side
has, stands for it. Of several such each stands for the one at its place in the order of their names, which
for times is the order in which they were written; where the sides have not as many, nothing is paired.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from repro import canonical
from repro.comparison.counted import recounted
from repro.comparison.drawn import drawn
from repro.cosmetics import plain_name
from repro.manifest import Descriptor, Metric, Result, SourceState

_DAY = re.compile(r"(?<![0-9])(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?![0-9])")
_ONE_DAY = timedelta(days=1)
_NOT_WRITTEN = (SourceState.MISSING, SourceState.STALE)


@dataclass(frozen=True)
class Renamed:
    """Side b under the names of side a."""

    result: Result
    names: dict[str, str]
    """Path on side b by the path on side a."""


def renamed(a: Result, b: Result) -> Renamed:
    """``b`` with the names of ``a`` where only the cosmetic part of a name differs."""
    names = {
        ours: theirs
        for ours, theirs in _names(_paths(a), _paths(b)).items()
        if not (_is_of_another_day(ours, a) and _is_of_another_day(theirs, b))
    }
    if not names:
        return Renamed(b, {})
    to_a = {theirs: ours for ours, theirs in names.items()}
    words = _words(names)
    return Renamed(
        replace(
            b,
            metrics=tuple(
                _metric(replace(item, source=to_a.get(item.source, item.source)), words)
                for item in b.metrics
            ),
            metric_sources=tuple(
                replace(item, path=to_a.get(item.path, item.path))
                for item in b.metric_sources
                # looked for under the other's name, and not written
                if item.path in to_a or item.path not in names
            ),
            outputs=tuple(
                _output(replace(item, path=to_a.get(item.path, item.path)), words)
                for item in b.outputs
            ),
        ),
        names,
    )


def _words(names: dict[str, str]) -> dict[str, str]:
    """Names of files and folders of side b that hold a time or an id, and what side a calls them: a link may
    lead to one, and a file may say what its folder is called."""
    found = {}
    for ours, theirs in names.items():
        for one, other in zip(ours.split("/"), theirs.split("/")):
            if one != other and plain_name(other) != other:
                found[other] = one
    return found


def _said(text: str, words: dict[str, str]) -> str:
    return "/".join(words.get(part, part) for part in text.split("/"))


def _metric(item: Metric, words: dict[str, str]) -> Metric:
    if isinstance(item.value, str) and (said := _said(item.value, words)) != item.value:
        return replace(item, value=said)
    return item


def _output(item: Descriptor, words: dict[str, str]) -> Descriptor:
    if item.link is None or (said := _said(item.link, words)) == item.link:
        return item
    text = os.fsencode(said)
    return replace(item, link=said, digest=canonical.digest_bytes(text), size=len(text))


def _is_of_another_day(path: str, result: Result) -> bool:
    """Whether the name holds a day, and none on which the run may have been at work: a forecast's, for one.
    A name of the run itself has one of the days between the run's beginning and its end, in any time zone."""
    days = [day for found in _DAY.findall(path) if (day := _day("-".join(found)))]
    begun, ended = _day(result.started), _day(result.ended)
    if not days or begun is None:
        return False
    last = max(begun, ended or begun)
    return not any(begun - _ONE_DAY <= day <= last + _ONE_DAY for day in days)


def _day(moment: str | None) -> date | None:
    try:
        return date.fromisoformat((moment or "")[:10])
    except ValueError:
        return None


def _paths(result: Result) -> set[str]:
    return {
        *(item.path for item in result.outputs),
        *(item.path for item in result.metric_sources if item.state not in _NOT_WRITTEN),
        *(item.source for item in result.metrics),
    }


def _names(a: set[str], b: set[str]) -> dict[str, str]:
    """Path on side b by the path on side a, where they are not the same."""
    counted = recounted(a, b)
    theirs = {counted.get(path, path): path for path in b}
    if len(theirs) < len(b):
        return _pairs(a, b)
    pairs = {path: path for path in a & theirs.keys()} | _pairs(a, set(theirs))
    pairs |= drawn(a - pairs.keys(), theirs.keys() - set(pairs.values()))
    return {one: theirs[other] for one, other in pairs.items() if one != theirs[other]}


def _pairs(a: set[str], b: set[str]) -> dict[str, str]:
    ours, theirs = _by_plain_name(a - b), _by_plain_name(b - a)
    return {
        one: other
        for name in sorted(ours.keys() & theirs.keys())
        if len(ours[name]) == len(theirs[name])
        for one, other in zip(sorted(ours[name]), sorted(theirs[name]))
    }


def _by_plain_name(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        found[plain_name(path)].append(path)
    return found
