"""The metrics of a run: which files hold them, and whether it was this run that wrote those files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repro import globs
from repro.capturing import links, readers
from repro.capturing.files import Scan
from repro.manifest import Metric, MetricSource, MetricType, SourceState

if TYPE_CHECKING:
    from repro.capturing.results import Expected

CAP = 64 * 1000**2
"""Bytes: a larger file is not read as metrics unless it is declared."""

_USUAL_NAME = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|results?|eval|evaluation|history|summary|loss|losses|accuracy)"
    r"(?:[-_.]|$)",
    re.IGNORECASE,
)


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


def read(scene: Scene, expected: Expected) -> tuple[tuple[MetricSource, ...], tuple[Metric, ...]]:
    """What became of every place where metrics were expected, and the metrics, by path and name."""
    sources: dict[str, MetricSource] = {}
    metrics: list[Metric] = []
    for path, declared in _candidates(scene, expected):
        if path in sources:
            continue
        state, detail, values = _read(scene, path, cache_links=expected.cache_links)
        named = declared or path in expected.known_metrics
        if state is not SourceState.READ and not named:
            continue  # a file that only looked like metrics: it is compared as an output
        sources[path] = MetricSource(path, state, declared, detail)
        metrics.extend(values)
    return (
        tuple(sources[path] for path in sorted(sources)),
        tuple(sorted(metrics, key=lambda item: (item.source, item.name))),
    )


def _candidates(scene: Scene, expected: Expected) -> Iterable[tuple[str, bool]]:
    """(path, declared) of every file that may hold metrics, declared ones first."""
    for pattern in expected.metrics:
        yield from ((path, True) for path in _matching(scene.after, pattern))
    yield from ((path, False) for path in expected.known_metrics)
    if not scene.observed:
        return  # which files are the run's is not known: only what is named is taken
    for path in sorted(scene.written):
        if globs.any_matches(path, expected.ignored) or readers.reader_of(path) is None:
            continue
        usual = _USUAL_NAME.search(PurePosixPath(path).stem) or "dvclive/" in path
        if usual and scene.after.files[path].size <= CAP:
            yield path, False


def _matching(after: Scan, pattern: str) -> list[str]:
    """The files that a declaration names; the pictures beside them in a declared folder are none."""
    found = sorted(path for path in after.files if globs.matches(path, pattern))
    return [path for path in found if path == pattern or readers.reader_of(path)] or (
        found or [pattern]
    )


_Read = tuple[SourceState, str, tuple[Metric, ...]]


def _read(scene: Scene, path: str, *, cache_links: bool) -> _Read:
    if passed := _not_this_runs(scene, path, cache_links=cache_links):
        return (*passed, ())
    reader = readers.reader_of(path)
    if reader is None:
        detail = "its format is not known (JSON, YAML, TOML, CSV and TSV are)"
        return SourceState.UNREADABLE, detail, ()
    try:
        values = reader((scene.workspace / path).read_bytes(), path)
    except OSError as error:
        return SourceState.UNREADABLE, error.strerror or str(error), ()
    except ValueError as error:
        return SourceState.UNREADABLE, str(error), ()
    if not any(_holds_value(value) for value in values):
        return SourceState.EMPTY, "", ()
    return SourceState.READ, "", values


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
