"""Folders of one run whose names hold, beside a time, words drawn by chance or the machine's name.

``runs/20260101-120000_vm_brave-otter``: coolname and its kin draw the words, a container's host name is its
id. Only where each side has one such folder in a place, and only where the name holds a time or an id too,
which says that it is of the run: any other word in a name is the training's own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from repro.cosmetics import plain_name

_SLUG = re.compile(r"[a-z]{2,20}(?:-[a-z]{2,20}){1,3}", re.ASCII)
_CONTAINER = re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)

_TIME = "{time}"
_Folders = dict[tuple[str, bool], dict[str, list[str]]]
"""By place: the folders in it, each with the paths below it, cut off behind the folder."""


def drawn(a: Iterable[str], b: Iterable[str]) -> dict[str, str]:
    """Paths on side b by the path on side a that they stand for."""
    ours, theirs = _folders(a), _folders(b)
    found: dict[str, str] = {}
    for place in sorted(ours.keys() & theirs.keys()):
        if len(ours[place]) == len(theirs[place]) == 1:
            (one, inside), (other, inside_other) = *ours[place].items(), *theirs[place].items()
            if _alike(one, other):
                found |= _paired(one, inside, other, inside_other)
    return found


def _folders(paths: Iterable[str]) -> _Folders:
    found: _Folders = defaultdict(lambda: defaultdict(list))
    for path in paths:
        parts = path.split("/")
        for at, part in enumerate(parts[:-1]):
            named = _TIME in part  # as sources of metrics are, and files are not
            if named or plain_name(part) != part:
                head, place = "/".join(parts[: at + 1]), plain_name("/".join(parts[:at]))
                found[place, named][head].append("/".join(parts[at + 1 :]))
                break
    return found


def _alike(one: str, other: str) -> bool:
    """Whether the folders' own names differ in fields that are drawn, and in these only."""
    ours, theirs = (plain_name(path.rpartition("/")[2]).split("_") for path in (one, other))
    if len(ours) != len(theirs):
        return False
    return all(a == b or _is_drawn(a, b) for a, b in zip(ours, theirs))


def _is_drawn(a: str, b: str) -> bool:
    """Symmetric."""
    if _SLUG.fullmatch(a) and _SLUG.fullmatch(b):
        words, others = a.split("-"), b.split("-")
        # that share a word may be a setting: lr-low, lr-high
        return len(words) == len(others) and not set(words) & set(others)
    hosts = _HOST.fullmatch(a) and _HOST.fullmatch(b)
    return bool(hosts and (_CONTAINER.fullmatch(a) or _CONTAINER.fullmatch(b)))


def _paired(one: str, inside: list[str], other: str, inside_other: list[str]) -> dict[str, str]:
    theirs: dict[str, list[str]] = defaultdict(list)
    for path in inside_other:
        theirs[plain_name(path)].append(path)
    ours: dict[str, list[str]] = defaultdict(list)
    for path in inside:
        ours[plain_name(path)].append(path)
    return {
        f"{one}/{mine}": f"{other}/{counterpart}"
        for name in sorted(ours.keys() & theirs.keys())
        if len(ours[name]) == len(theirs[name])
        for mine, counterpart in zip(sorted(ours[name]), sorted(theirs[name]))
    }
