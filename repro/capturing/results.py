"""What came out of a run: its metrics and its outputs, read from the workspace.

A value counts only when this run wrote the file it stands in. A metrics file left over from an
earlier run is STALE and yields nothing, or a replay that does nothing would compare equal.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from repro import canonical, cosmetics, globs
from repro.capturing import links, metric_files
from repro.capturing.files import Changes, Scan, changes
from repro.cosmetics import Essence
from repro.manifest import Descriptor, Metric, MetricSource
from repro.trackers import places


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
    unreadable: tuple[str, ...] = ()
    """Outputs and folders that could not be read: in no part of the result."""


def collect(
    workspace: Path,
    before: Scan | None,
    after: Scan,
    expected: Expected,
    started: float | None = None,
) -> Collected:
    """Metrics and outputs after a run that began at ``started``, in seconds since the epoch. ``before`` is
    None where nothing was observed: then what is declared is taken as it lies there, and nothing else is
    known to be an output."""
    if before is None:
        moved = Changes((), ())
        produced = {path for path in after.files if globs.any_matches(path, _named(expected))}
    else:
        moved = changes(before, after)
        produced = set(_written(moved, after, expected))
    sources, metrics = measured(workspace, before, after, expected, started)
    outputs, unreadable = _outputs(workspace, produced, expected)
    return Collected(
        metrics,
        sources,
        outputs,
        _missing(outputs, expected.outputs),
        moved,
        tuple(sorted({*unreadable, *after.unreadable})),
    )


def measured(
    workspace: Path,
    before: Scan | None,
    after: Scan,
    expected: Expected,
    started: float | None = None,
) -> tuple[tuple[MetricSource, ...], tuple[Metric, ...]]:
    """The metrics alone, as ``collect``; also of a run that is still at work."""
    if before is None:
        written = fresh = frozenset(after.files)
    else:
        moved = changes(before, after)
        written = _written(moved, after, expected)
        fresh = written - (moved.touched - _vouched(after, expected))
    scene = metric_files.Scene(
        workspace, after, written, fresh, observed=before is not None, started=started
    )
    return metric_files.read(scene, expected)


def _written(moved: Changes, after: Scan, expected: Expected) -> frozenset[str]:
    return frozenset(moved.written) | _vouched(after, expected)


def _vouched(after: Scan, expected: Expected) -> frozenset[str]:
    vouched = tuple(expected.vouched)
    return frozenset(path for path in after.files if globs.any_matches(path, vouched))


def _named(expected: Expected) -> tuple[str, ...]:
    return (*expected.outputs, *expected.metrics, *expected.known_metrics, *expected.vouched)


def _outputs(
    workspace: Path, produced: Collection[str], expected: Expected
) -> tuple[tuple[Descriptor, ...], list[str]]:
    """Descriptors by path, and the paths that could not be read."""
    found, unreadable = [], []
    for path in sorted(produced):
        if globs.any_matches(path, expected.ignored) or _is_kept_by_tracker(path):
            continue
        try:
            found.append(describe(workspace, path, cache_links=expected.cache_links))
        except FileNotFoundError:
            continue  # gone since it was seen: something is still at work, and this is no output
        except OSError:
            unreadable.append(path)
    return tuple(found), unreadable


def _is_kept_by_tracker(path: str) -> bool:
    """Its databases and event files: read as metrics, and never the same bytes twice. The models that it
    keeps are outputs like any other."""
    return places.is_bookkeeping(path) and "/artifacts/" not in path


def kept_by_trackers(written: Collection[str]) -> tuple[str, ...]:
    """Files of trackers among what was written: no outputs."""
    return tuple(path for path in written if _is_kept_by_tracker(path))


def _missing(outputs: tuple[Descriptor, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        pattern
        for pattern in patterns
        if not any(globs.matches(item.path, pattern) for item in outputs)
    )


def describe(workspace: Path, path: str, *, cache_links: bool = True) -> Descriptor:
    """A file's descriptor. A link into a DVC cache stands for its content; any other for itself."""
    absolute = workspace / path
    status = absolute.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(absolute)  # noqa: PTH115  Path would tidy the text up
        if not (cache_links and links.in_dvc_cache(absolute)):
            text = os.fsencode(target)
            return Descriptor(path, canonical.digest_bytes(text), len(text), link=target)
        status = absolute.stat()
    held = _essence(absolute, path, status.st_size)
    return Descriptor(
        path,
        canonical.digest_file(absolute),
        status.st_size,
        media_type=_media_type(path),
        executable=bool(status.st_mode & 0o100),
        form=held.form if held else None,
        content=held.digest if held else None,
    )


ESSENCE_CAP = 256 * 1000**2
"""Bytes: a larger output is known by its bytes alone."""


def _essence(absolute: Path, path: str, size: int) -> Essence | None:
    if size > ESSENCE_CAP or not cosmetics.is_candidate(path):
        return None
    with absolute.open("rb") as stream:
        return cosmetics.essence(path, stream, size)


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
