"""What came out of a run: its metrics and its outputs, read from the workspace.

A value counts only when this run wrote the file it stands in. A metrics file left over from an
earlier run is STALE and yields nothing, or a replay that does nothing would compare equal.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from repro import canonical, globs
from repro.capturing import readers
from repro.capturing.files import Changes, Scan, changes
from repro.manifest import Descriptor, Metric, MetricSource, MetricType, SourceState

METRICS_CAP = 64 * 1000**2
"""Bytes: a larger file is not read as metrics unless it is declared."""

_USUAL_NAME = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|results?|eval|evaluation|history|summary|loss|losses|accuracy)"
    r"(?:[-_.]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Expected:
    """What the project says will come out. Paths and globs are relative to the workspace."""

    metrics: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    known_metrics: tuple[str, ...] = ()
    """Files that held metrics in the recorded run: read even where their name is unusual."""
    vouched: frozenset[str] = frozenset()
    """Files that count as this run's though it did not write them (an unchanged DVC stage's)."""
    cache_links: bool = True
    """A link into a DVC cache stands for its content. Not in a replay: there a link may lead anywhere."""


@dataclass(frozen=True)
class Collected:
    """What one execution left. Everything is sorted by path."""

    metrics: tuple[Metric, ...]
    sources: tuple[MetricSource, ...]
    outputs: tuple[Descriptor, ...]
    missing_outputs: tuple[str, ...]
    changes: Changes


def collect(workspace: Path, before: Scan | None, after: Scan, expected: Expected) -> Collected:
    """Metrics and outputs after a run. ``before`` is None where nothing was observed: then what is
    declared is taken as it lies there, and nothing else is known to be an output."""
    if before is None:
        moved = Changes((), ())
        written = frozenset(after.files)
        produced = [path for path in after.files if globs.any_matches(path, _named(expected))]
    else:
        moved = changes(before, after)
        vouched = {path for path in after.files if globs.any_matches(path, tuple(expected.vouched))}
        written = frozenset(moved.written) | vouched
        produced = [path for path in written if not globs.any_matches(path, expected.ignored)]
    sources, metrics = _metrics(workspace, after, written, expected, observed=before is not None)
    outputs = tuple(
        describe(workspace, path, cache_links=expected.cache_links) for path in sorted(produced)
    )
    missing = tuple(
        pattern
        for pattern in expected.outputs
        if not any(globs.matches(path, pattern) for path in produced)
    )
    return Collected(metrics, sources, outputs, missing, moved)


def _named(expected: Expected) -> tuple[str, ...]:
    return (*expected.outputs, *expected.metrics, *expected.known_metrics, *expected.vouched)


def describe(workspace: Path, path: str, *, cache_links: bool = True) -> Descriptor:
    """A file's descriptor. A link into a DVC cache stands for its content; any other for itself."""
    absolute = workspace / path
    status = absolute.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(absolute)
        if not (cache_links and _in_dvc_cache(absolute)):
            text = os.fsencode(target)
            return Descriptor(path, canonical.digest_bytes(text), len(text), link=target)
        status = absolute.stat()
    return Descriptor(
        path,
        canonical.digest_file(absolute),
        status.st_size,
        media_type=_media_type(path),
        executable=bool(status.st_mode & 0o100),
    )


def _in_dvc_cache(path: Path) -> bool:
    try:
        parts = path.resolve(strict=True).parts
    except (OSError, RuntimeError):
        return False
    return any(part == "md5" for part in parts) or ("cache" in parts and ".dvc" in parts)


_MEDIA_TYPES = {
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".html": "text/html",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}


def _media_type(path: str) -> str:
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def _metrics(
    workspace: Path, after: Scan, written: frozenset[str], expected: Expected, *, observed: bool
) -> tuple[tuple[MetricSource, ...], tuple[Metric, ...]]:
    sources: dict[str, MetricSource] = {}
    metrics: list[Metric] = []
    for path, declared in _candidates(workspace, after, written, expected, observed=observed):
        if path in sources:
            continue
        links = expected.cache_links
        source, values = _read(
            workspace, path, after, written, declared=declared, cache_links=links
        )
        if (
            source.state is not SourceState.READ
            and not declared
            and path not in expected.known_metrics
        ):
            continue  # a file that only looked like metrics: it is compared as an output
        sources[path] = source
        metrics.extend(values)
    return (
        tuple(sources[path] for path in sorted(sources)),
        tuple(sorted(metrics, key=lambda item: (item.source, item.name))),
    )


def _candidates(
    workspace: Path, after: Scan, written: frozenset[str], expected: Expected, *, observed: bool
) -> Iterable[tuple[str, bool]]:
    """(path, declared) of every file that may hold metrics, declared ones first."""
    for pattern in expected.metrics:
        found = sorted(path for path in after.files if globs.matches(path, pattern))
        yield from ((path, True) for path in found or [pattern])
    yield from ((path, False) for path in expected.known_metrics)
    if not observed:
        return  # which files are the run's is not known: only what is named is taken
    for path in sorted(written):
        if globs.any_matches(path, expected.ignored) or readers.reader_of(path) is None:
            continue
        usual = _USUAL_NAME.search(PurePosixPath(path).stem) or "dvclive/" in path
        if usual and after.files[path].size <= METRICS_CAP:
            yield path, False


def _read(
    workspace: Path,
    path: str,
    after: Scan,
    written: frozenset[str],
    *,
    declared: bool,
    cache_links: bool,
) -> tuple[MetricSource, tuple[Metric, ...]]:
    def source(state: SourceState, detail: str = "") -> tuple[MetricSource, tuple[Metric, ...]]:
        return MetricSource(path, state, declared, detail), ()

    if path not in after.files and not (workspace / path).is_file():
        return source(SourceState.MISSING)
    if path not in written:
        return source(SourceState.STALE)
    if _leads_out(workspace, path) and not (cache_links and _in_dvc_cache(workspace / path)):
        return source(SourceState.UNREADABLE, "it is a link that leads out of the project")
    reader = readers.reader_of(path)
    if reader is None:
        return source(
            SourceState.UNREADABLE, "its format is not known (JSON, YAML, TOML, CSV and TSV are)"
        )
    try:
        values = reader((workspace / path).read_bytes(), path)
    except OSError as error:
        return source(SourceState.UNREADABLE, error.strerror or str(error))
    except ValueError as error:
        return source(SourceState.UNREADABLE, str(error))
    if not any(_holds_value(value) for value in values):
        return source(SourceState.EMPTY)
    return MetricSource(path, SourceState.READ, declared), values


def _leads_out(workspace: Path, path: str) -> bool:
    absolute = workspace / path
    return absolute.is_symlink() and not absolute.resolve().is_relative_to(workspace.resolve())


def _holds_value(metric: Metric) -> bool:
    return metric.type not in (MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY)
