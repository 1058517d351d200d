"""Which files of a run belong to a tracker, and what the place is called that they make up.

A source's name has nothing in it that differs from run to run: no time, host, process or id, so that the
places of two runs are set side by side. Decided by names alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from repro.trackers import naming


class Kind(Enum):
    EVENTS = "TensorBoard event files"
    DATABASE = "an MLflow database"
    FOLDER = "an MLflow folder"
    WANDB = "W&B runs"
    NOTEBOOK = "a notebook"


@dataclass(frozen=True)
class Place:
    """Files that are read as one. ``top`` is the path of the file or of the folder that holds them."""

    source: str
    kind: Kind
    top: str
    files: tuple[str, ...]


_EVENTS = re.compile(r"(?:^|/)events\.out\.tfevents\.[^/]+\Z")
_WANDB = re.compile(
    r"(?P<top>(?:^|.*/)\.?wandb)/(?:offline-)?run-\d{8}_\d{6}-[^/]+/run-[^/]+\.wandb\Z"
)
_MLFLOW = re.compile(
    r"(?P<top>(?:^|.*/)mlruns(?:[-_.][^/]*)?)/(?:\d+|[0-9a-f]{32})/[0-9a-f]{32}/(?:metrics/.+|meta\.yaml)\Z"
)
_DATABASE = re.compile(r"(?:^|/)[^/]+\.(?:db|sqlite3?)\Z")
_ENDS = (".db", ".sqlite", ".sqlite3", ".ipynb", ".wandb")
EVENTS_NAME = "events.out.tfevents"


def places(paths: Iterable[str], called: Callable[[str], str] = str) -> tuple[Place, ...]:
    """The places that the files make up, by source. ``called`` takes out of a path what differs from run
    to run; where that makes two places the same, they are numbered in the order of their paths."""
    found: dict[tuple[str, Kind, str], list[str]] = {}
    for path in sorted(filter(_may_be, paths), key=naming.order):
        if key := _key(path, called):
            found.setdefault(key, []).append(path)
    taken: dict[str, int] = {}
    made = []
    for (source, kind, top), files in found.items():
        taken[source] = number = taken.get(source, 0) + 1
        made.append(Place(naming.numbered(source, number), kind, top, tuple(files)))
    return tuple(sorted(made, key=lambda place: place.source))


def _may_be(path: str) -> bool:
    """Before the expressions: a project may have a hundred thousand files."""
    return path.endswith(_ENDS) or "tfevents" in path or "mlruns" in path


_BOOKKEEPING = re.compile(
    r"(?:^|/)\.?wandb/(?:(?:offline-)?run-\d{8}_\d{6}-[^/]+/|latest-run(?:/|\Z)|debug[^/]*\.log\Z)"
    r"|(?:^|/)mlruns(?:[-_.][^/]*)?/(?:\d+|[0-9a-f]{32}|models|\.trash)/"
    r"|(?:^|/)mlflow\.db(?:-wal|-shm|-journal)?\Z"
    r"|(?:^|/)events\.out\.tfevents\.[^/]+\Z"
    r"|(?:^|/)\.aim/"
)
_AIM = re.compile(r"(?:^|/)\.aim/")


def is_bookkeeping(path: str) -> bool:
    """Whether a tracker keeps its own things there, under names that differ from run to run: what counts
    of it are the metrics in it."""
    return _BOOKKEEPING.search(path) is not None


def is_aims(path: str) -> bool:
    """Whether it is of Aim's own database, which is not read."""
    return _AIM.search(path) is not None


def _key(path: str, called: Callable[[str], str]) -> tuple[str, Kind, str] | None:
    if _EVENTS.search(path):
        folder = str(PurePosixPath(path).parent)
        inner = "" if folder == "." else f"{folder}/"
        return called(f"{inner}{EVENTS_NAME}"), Kind.EVENTS, folder
    if match := _WANDB.match(path):
        return called(f"{match['top']}/run"), Kind.WANDB, match["top"]
    if match := _MLFLOW.match(path):
        return called(match["top"]), Kind.FOLDER, match["top"]
    if _DATABASE.search(path):
        return called(path), Kind.DATABASE, path
    if path.endswith(".ipynb"):
        return called(path), Kind.NOTEBOOK, path
    return None
