"""MLflow's file store: a folder of experiments, of runs, of a file per metric."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import plain_yaml
from repro.trackers.mlflow_nouns import (
    MOST_RUNS,
    STATUSES,
    Logged,
    is_within,
    step_of,
    too_many,
    value_of,
)
from repro.trackers.nouns import MOST_POINTS, TrackedRun
from repro.trackers.series import gathered

_LARGEST = 1_000_000
"""Bytes of a meta.yaml, of a param, of a tag."""
_LARGEST_METRIC = 512 * 1000**2


@dataclass(frozen=True)
class Folder:
    """One store: ``mlruns``. No link in it is followed."""

    path: Path

    def began(self, since: float | None, until: float | None) -> Sequence[Logged]:
        """The runs that began in between; runs that were deleted again are none."""
        found = []
        for folder in self._runs():
            meta = _meta(folder)
            if _is_deleted(meta) or not is_within(_start(meta, folder), since, until):
                continue
            found.append((_start(meta, folder), folder, meta))
        if len(found) > MOST_RUNS:
            raise too_many(len(found))
        runs = [_logged(folder, meta) for _, folder, meta in found]
        # nothing but their names tells runs of the same millisecond apart, were it not for their ids
        return sorted(runs, key=lambda item: (item.run.started, item.name, item.run.id))

    def run(self, run_id: str) -> Logged | None:
        """One run by its id."""
        for folder in self._runs():
            if folder.name == run_id:
                return _logged(folder, _meta(folder))
        return None

    def run_of_model(self, name: str, version: str | None, alias: str | None) -> str | None:
        """Id of the run that a version of a registered model came from."""
        if {name, alias} & {"", ".", ".."}:
            return None
        folder = self.path / "models" / name
        if alias is not None:
            path = folder / "aliases" / alias
            version = _text(path).strip() if _is_file(path) else None
        if version is None or not _is_file(folder / f"version-{version}" / "meta.yaml"):
            return None
        run_id = _meta(folder / f"version-{version}").get("run_id")
        return str(run_id) if run_id else None

    def _runs(self) -> Iterator[Path]:
        for experiment in _folders(self.path):
            if experiment.name in ("models", ".trash"):
                continue
            for folder in _folders(experiment):
                if _is_file(folder / "meta.yaml") and (folder / "metrics").is_dir():
                    yield folder


def _folders(path: Path) -> list[Path]:
    with os.scandir(path) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_deleted(meta: dict[str, Any]) -> bool:
    return str(meta.get("lifecycle_stage", "active")) == "deleted"


def _start(meta: dict[str, Any], folder: Path) -> int:
    start = meta.get("start_time")
    if isinstance(start, bool) or not isinstance(start, int):
        raise ValueError(f"{folder.name}/meta.yaml states no start_time")
    return start


def _meta(folder: Path) -> dict[str, Any]:
    document = plain_yaml.load(_text(folder / "meta.yaml"))
    if not isinstance(document, dict):
        raise ValueError(f"{folder.name}/meta.yaml is no meta data of a run")
    return document


def _text(path: Path, most: int = _LARGEST) -> str:
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{path.name} has {size} bytes, at most {most} are read")
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _logged(folder: Path, meta: dict[str, Any]) -> Logged:
    tags = dict(_values(folder / "tags"))
    for tag, key in (
        ("mlflow.source.git.commit", "source_version"),
        ("mlflow.source.name", "source_name"),
        ("mlflow.project.entryPoint", "entry_point_name"),
        ("mlflow.user", "user_id"),
    ):
        if meta.get(key):
            tags.setdefault(tag, str(meta[key]))
    status = meta.get("status")
    run = TrackedRun(
        id=folder.name,
        name=tags.get("mlflow.runName") or str(meta.get("run_name") or ""),
        started=_start(meta, folder) / 1000,
        status=STATUSES.get(status, str(status)) if isinstance(status, int) else str(status),
        params=dict(_values(folder / "params")),
        tags=tags,
    )
    return Logged(run, gathered(_points(folder / "metrics"), MOST_POINTS))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Key and file; a key with slashes is a path."""
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(top) / name
            if not path.is_symlink() and not name.endswith(".crc"):
                yield path.relative_to(folder).as_posix(), path


def _values(folder: Path) -> Iterator[tuple[str, str]]:
    return ((key, _text(path)) for key, path in _files(folder))


def _points(folder: Path) -> Iterator[tuple[str, int, Any]]:
    for key, path in _files(folder):
        points = [
            _point(line, key, number)
            for number, line in enumerate(_text(path, _LARGEST_METRIC).splitlines(), 1)
            if line.strip()
        ]
        for _, step, value in sorted(points, key=lambda point: (point[1], point[0])):
            yield key, step, value


def _point(line: str, key: str, number: int) -> tuple[int, int, Any]:
    """Time, value and step; before MLflow 1.0 there was no step. 3.x appends the data set's name."""
    words = line.split()
    if len(words) < 2:
        raise ValueError(f"metrics/{key}: line {number} is no `TIME VALUE STEP`")
    try:
        return step_of(words[0]), step_of(words[2]) if len(words) > 2 else 0, value_of(words[1])
    except ValueError as error:
        raise ValueError(f"metrics/{key}: line {number}: {error}") from error
