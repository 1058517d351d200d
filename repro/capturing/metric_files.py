"""The metrics of a run: which files hold them, and whether it was this run that wrote those files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repro.capturing import links, metric_places, readers, text_metrics
from repro.capturing.files import Scan
from repro.capturing.metric_places import Candidate
from repro.manifest import Metric, MetricSource, MetricType, SourceState
from repro.trackers import asides, reading
from repro.trackers.nouns import Found
from repro.trackers.places import Kind, Place

if TYPE_CHECKING:
    from repro.capturing.results import Expected

_TIMED = re.compile(
    r"(?:trainer_state|(?:all|train|eval|test|predict)_results|cv_results|progress|history)$"
)
"""Files in which a well-known library notes durations beside the metrics, without being asked."""


_START = 4096
"""Bytes at the beginning of a file that tell what it is."""


@dataclass(frozen=True)
class Scene:
    """The project after a run, and what is known of the run."""

    workspace: Path
    after: Scan
    written: Collection[str]
    """What it wrote, or may have written; all files where it was not observed."""
    fresh: Collection[str]
    """Those whose content counts as this run's."""
    observed: bool
    started: float | None = None
    """When the command began, seconds since the epoch: a tracker's earlier runs are none of its own."""


def read(scene: Scene, expected: Expected) -> tuple[tuple[MetricSource, ...], tuple[Metric, ...]]:
    """What became of every place where metrics were expected, and the metrics, by path and name."""
    sources: dict[str, MetricSource] = {}
    metrics: list[Metric] = []
    paths: set[str] = set()
    for item in metric_places.candidates(scene, expected):
        if item.source in sources or item.path in paths:
            continue
        found = _read(scene, item, cache_links=expected.cache_links)
        named = item.declared or item.source in expected.known_metrics
        unread = found.state is SourceState.UNREADABLE and _is_begun(scene.workspace / item.path)
        if found.state is not SourceState.READ and not named and not unread:
            continue  # a file that only looked like metrics: it is compared as an output
        sources[item.source] = MetricSource(
            item.source, found.state, item.declared, found.detail, found.runs
        )
        paths.add(item.path)
        metrics.extend(found.metrics)
    return (
        tuple(sources[path] for path in sorted(sources)),
        tuple(sorted(metrics, key=lambda item: (item.source, item.name))),
    )


def _is_begun(path: Path) -> bool:
    """Whether a file that cannot be read is one of the format that its name promises after all: a table with
    two columns of one name, an object that ends early. It is told apart from what is called so by chance."""
    if readers.reader_of(path.name) is None or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            start = stream.read(_START).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    except OSError:
        return False
    return start[:1] in (b"{", b"[") if path.suffix.lower().startswith(".json") else bool(start)


def _read(scene: Scene, item: Candidate, *, cache_links: bool) -> Found:
    if item.place is not None:
        return _read_place(scene, item.place, cache_links=cache_links)
    path = item.path
    if passed := _not_this_runs(scene, path, cache_links=cache_links):
        return Found(*passed)
    reader = readers.declared_reader_of(path) or text_metrics.reader_of(path)
    if reader is None:
        detail = "its format is not known (JSON, JSON lines, YAML, TOML, CSV, TSV, INI, Markdown and text are)"
        return Found(SourceState.UNREADABLE, detail)
    try:
        values = reader((scene.workspace / path).read_bytes(), item.source)
    except OSError as error:
        return Found(SourceState.UNREADABLE, error.strerror or str(error))
    except ValueError as error:
        return Found(SourceState.UNREADABLE, str(error))
    values, detail = _without_times(values, path)
    if not any(_holds_value(value) for value in values):
        return Found(SourceState.EMPTY, detail)
    return Found(SourceState.READ, detail, values)


def _without_times(values: tuple[Metric, ...], path: str) -> tuple[tuple[Metric, ...], str]:
    if not _TIMED.search(PurePosixPath(path).stem):
        return values, ""
    timed = [value.name for value in values if asides.is_aside(value.name)]
    return tuple(value for value in values if value.name not in timed), asides.said(timed)


def _read_place(scene: Scene, place: Place, *, cache_links: bool) -> Found:
    """Of a tracker's files those that this run wrote."""
    passed = {file: _why_not(scene, file, cache_links=cache_links) for file in place.files}
    fresh = [file for file, reason in passed.items() if reason is None]
    if not fresh:
        return Found(*next(reason for reason in passed.values() if reason))
    since = scene.started if scene.observed else None
    if scene.observed and since is None and place.kind in (Kind.DATABASE, Kind.FOLDER):
        detail = "when the command began is not known, so its own runs cannot be told from others"
        return Found(SourceState.UNREADABLE, detail)
    return reading.read(place, scene.workspace, fresh, since)


def _why_not(scene: Scene, path: str, *, cache_links: bool) -> tuple[SourceState, str] | None:
    """Likewise of one of a tracker's files; a database may so far have been written in its log alone."""
    if f"{path}-wal" in scene.fresh and path in scene.after.files:
        return None
    return _not_this_runs(scene, path, cache_links=cache_links)


def _not_this_runs(scene: Scene, path: str, *, cache_links: bool) -> tuple[SourceState, str] | None:
    """Why what stands there is no measurement of this run, if it is none.

    Of a link that counts what it leads to: a new link to an old file measures nothing.
    """
    absolute = scene.workspace / path
    try:
        mode = absolute.stat().st_mode
    except OSError:
        return SourceState.MISSING, _dangling(absolute)
    if stat.S_ISDIR(mode):
        return SourceState.MISSING, ""
    if not stat.S_ISREG(mode):
        return SourceState.UNREADABLE, "it is no file"
    cached = cache_links and links.in_dvc_cache(absolute)
    real = path if cached else links.target(scene.workspace, path)
    if real is None:
        return SourceState.UNREADABLE, "it is a link that leads out of the project"
    if real not in scene.after.files:
        return SourceState.UNREADABLE, "it lies where no results are looked for"
    if real in scene.fresh:
        return None
    if real in scene.written:
        return SourceState.STALE, "its mode, its owner or its name was changed, its content not"
    return SourceState.STALE, "" if real == path else f"a link to {real}"


def _dangling(path: Path) -> str:
    return "it is a link with no file at its end" if os.path.lexists(path) else ""


def _holds_value(metric: Metric) -> bool:
    return metric.type not in (MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY)
