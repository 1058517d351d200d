"""Where metrics may be after a run: what is declared, what held them before, and what is called like them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from repro import globs
from repro.capturing import readers
from repro.trackers import naming, places
from repro.trackers.places import Kind, Place

if TYPE_CHECKING:
    from repro.capturing.metric_files import Scene
    from repro.capturing.results import Expected

CAP = 64 * 1000**2
"""Bytes: a larger file is not read as metrics unless it is declared."""

_USUAL_NAME = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|results?|eval|evaluation|history|summary|loss|losses|accuracy"
    r"|learning_curves?|trainer_state|confusion(?:_matrix)?|classification_report|leaderboard)(?:[-_.]|$)",
    re.IGNORECASE,
)
_USUAL_TABLE = re.compile(r"(?:^|[-_.])(?:progress|log)$", re.IGNORECASE)
_USUAL_LINES = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|history|loss|losses|log|progress|scalars)$", re.IGNORECASE
)
"""Of JSON lines: what is called results or eval there are usually the predictions themselves."""
_USUAL_TEXT = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|results?|eval|evaluation|summary|loss|accuracy|acc|auc|f1|rmse|report)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A place that may hold metrics: a file, or what a tracker keeps."""

    source: str
    """What the place is called, with nothing in it that differs from run to run."""
    path: str
    declared: bool = False
    place: Place | None = None


def candidates(scene: Scene, expected: Expected) -> Iterator[Candidate]:
    """Whatever may hold metrics, what is declared first; of one source the first counts."""
    literal = [pattern for pattern in expected.metrics if not globs.is_glob(pattern)]
    called = naming.namer(
        {*expected.known_metrics, *literal}, scene.started if scene.observed else None
    )
    kept = _kept(scene, called)
    for pattern in expected.metrics:
        yield from _declared(scene, kept, pattern, called)
    plain = _plain(scene, expected, called) if scene.observed else {}
    for source in expected.known_metrics:
        place = kept.by_source(source)
        yield Candidate(source, place.top if place else plain.get(source, source), place=place)
    if not scene.observed:
        return  # which files are the run's is not known: only what is named is taken
    for place in kept.own:
        # the tracker's own files are often ignored as outputs; its metrics are not meant by that
        if place.kind is not Kind.NOTEBOOK or not globs.any_matches(place.top, expected.ignored):
            yield Candidate(place.source, place.top, place=place)
    yield from (Candidate(source, path) for source, path in plain.items())


@dataclass(frozen=True)
class _Kept:
    """What trackers keep: what this run wrote to, and what it left alone."""

    own: tuple[Place, ...]
    left: tuple[Place, ...]

    def by_source(self, source: str) -> Place | None:
        return next((place for place in (*self.own, *self.left) if place.source == source), None)

    def matching(self, pattern: str) -> list[Place]:
        def is_named(place: Place) -> bool:
            paths = (place.source, place.top, *place.files)
            return any(globs.matches(path, pattern) for path in paths)

        return [*filter(is_named, self.own)] or [*filter(is_named, self.left)]

    @functools.cached_property
    def files(self) -> frozenset[str]:
        return frozenset(file for place in (*self.own, *self.left) for file in place.files)


def _kept(scene: Scene, called: Callable[[str], str]) -> _Kept:
    # a database whose log was written was itself written, though its file may not have been yet
    logged = {path[:-4] for path in scene.written if path.endswith("-wal")}
    written = frozenset(scene.written) | (logged & scene.after.files.keys())
    own = places.places(written, called)
    taken = {place.source for place in own}
    left = places.places((path for path in scene.after.files if path not in written), called)
    return _Kept(own, tuple(place for place in left if place.source not in taken))


def _declared(
    scene: Scene, kept: _Kept, pattern: str, called: Callable[[str], str]
) -> Iterator[Candidate]:
    chosen = kept.matching(pattern)
    for place in chosen:
        # what merely lies in a declared folder need not be a tracker's
        beside = place.kind in (Kind.NOTEBOOK, Kind.DATABASE) and not globs.is_glob(pattern)
        yield Candidate(place.source, place.top, not beside or place.top == pattern, place)
    count: dict[str, int] = {}
    for path in _matching(scene, pattern):
        if path in kept.files or (chosen and path == pattern and path not in scene.after.files):
            continue
        if path != pattern and places.is_bookkeeping(path):
            continue
        source = called(path) if globs.matches(called(path), pattern) else path
        count[source] = count.get(source, 0) + 1
        yield Candidate(naming.numbered(source, count[source]), path, declared=True)


def _matching(scene: Scene, pattern: str) -> list[str]:
    """The files that a declaration names; the pictures beside them in a declared folder are none, and
    earlier runs, in folders with a time of their own, neither."""
    paths = (path for path in scene.after.files if globs.matches(path, pattern))
    found = sorted(paths, key=naming.order)
    if any(path in scene.written for path in found):
        found = [
            path
            for path in found
            if path == pattern or path in scene.written or not naming.is_stamped(path)
        ]
    return [path for path in found if path == pattern or readers.reader_of(path)] or (
        found or [pattern]
    )


def _plain(scene: Scene, expected: Expected, called: Callable[[str], str]) -> dict[str, str]:
    """The path of every file that this run wrote and that is called like metrics, by source."""
    found: dict[str, str] = {}
    count: dict[str, int] = {}
    for path in sorted(filter(_is_usual, scene.written), key=naming.order):
        if globs.any_matches(path, expected.ignored) or places.is_bookkeeping(path):
            continue
        if scene.after.files[path].size > CAP:
            continue
        source = called(path)
        count[source] = count.get(source, 0) + 1
        found[naming.numbered(source, count[source])] = path
    return found


def _is_usual(path: str) -> bool:
    """Whether metrics are usually in a file of that name."""
    place = PurePosixPath(path)
    if place.parent.name == "catboost_info":
        return place.name.endswith("_error.tsv")
    if place.name == "training.log" or place.parts[-2:] == ("vis_data", "scalars.json"):
        return True  # Keras' CSVLogger as its manual calls it, and the MM family
    match place.suffix.lower():
        case ".jsonl" | ".ndjson":
            return _USUAL_LINES.search(place.stem) is not None
        case ".txt" | ".md" | ".ini":
            return _USUAL_TEXT.search(place.stem) is not None
        case ".csv" | ".tsv" if _USUAL_TABLE.search(place.stem):
            return True
    usual = _USUAL_NAME.search(place.stem) or "dvclive/" in path
    return bool(usual) and readers.reader_of(path) is not None
