"""Folders that a tool counts up: its next run takes the number that is free in that folder.

A project in which a training ran before writes ``lightning_logs/version_3``, and its replay, in a fresh
workspace, ``version_0``. Only what well-known tools count by themselves: any other number in a name (a
fold, a seed, an epoch) is the training's own, and says which file is meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from repro.cosmetics import plain_name

_COUNTERS = (
    # Lightning
    re.compile(r"(?P<head>(?:^|.*?/))(?P<folder>version_(?P<number>\d{1,9}))(?=/)", re.ASCII),
    # Ultralytics and YOLOv5: the first has no number
    re.compile(
        r"(?P<head>(?:^|.*?/)runs/(?:[a-z-]{2,20}/)?)"
        r"(?P<folder>(?:exp|train|val|predict|track)(?P<number>\d{0,9}))(?=/)",
        re.ASCII,
    ),
    # Stable-Baselines3
    re.compile(
        r"(?P<head>(?:^|.*?/))(?P<folder>(?:A2C|ARS|CrossQ|DDPG|DQN|MaskablePPO|PPO|QRDQN|RecurrentPPO"
        r"|SAC|TD3|TQC|TRPO)_(?P<number>\d{1,9}))(?=/)",
        re.ASCII,
    ),
)
_Place = tuple[str, str]
"""Where a tool counts: the path before the folder, and the folder's name without its number."""


def recounted(a: Iterable[str], b: Iterable[str]) -> dict[str, str]:
    """Paths of ``b`` and what they are called where they had been counted as on side ``a``.

    Only where both sides have as many folders of a place: the first stands for the first, and so on.
    """
    theirs = list(b)
    ours_at, theirs_at = _folders(a), _folders(theirs)
    names = {
        (place, folder): other
        for place, folders in theirs_at.items()
        if len(folders) == len(ours_at.get(place, ()))
        for folder, other in zip(folders, ours_at[place])
        if folder != other
    }
    found = {}
    for path in theirs:
        match = _counted(path)
        if match and (other := names.get((_place(match), match["folder"]))):
            found[path] = f"{match['head']}{other}{path[match.end() :]}"
    return found


def _folders(paths: Iterable[str]) -> dict[_Place, list[str]]:
    """The folders of each place, in the order in which they were counted."""
    found: dict[_Place, dict[str, int]] = defaultdict(dict)
    for path in paths:
        if match := _counted(path):
            found[_place(match)][match["folder"]] = int(match["number"] or 1)
    return {
        place: sorted(folders, key=lambda name: (folders[name], name))
        for place, folders in found.items()
    }


def _counted(path: str) -> re.Match[str] | None:
    return next((match for pattern in _COUNTERS if (match := pattern.match(path))), None)


def _place(match: re.Match[str]) -> _Place:
    return plain_name(match["head"]), match["folder"].rstrip("0123456789")
