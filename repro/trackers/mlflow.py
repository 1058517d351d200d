"""MLflow, wherever it keeps its runs: a database file, a folder of files, or a server on loopback.

Only runs that began while the command ran are the command's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from repro.capturing.flattening import escaped
from repro.manifest import SourceState
from repro.trackers import mlflow_database, mlflow_folder
from repro.trackers.asides import is_aside, joined, said
from repro.trackers.mlflow_nouns import Logged
from repro.trackers.nouns import Found, TrackedRun
from repro.trackers.series import metrics_of, prefixes


class Store(Protocol):
    """One of the three places. All raise OSError, and ValueError with one line."""

    def began(self, since: float | None, until: float | None) -> Sequence[Logged]:
        """The runs that began in between, seconds since the epoch, by their start."""

    def run(self, run_id: str) -> Logged | None:
        """One run, whenever it was."""

    def run_of_model(self, name: str, version: str | None, alias: str | None) -> str | None:
        """Id of the run that a registered model came from."""


def runs(
    uri_or_path: str | Path, source: str, since: float | None, until: float | None
) -> tuple[TrackedRun, ...]:
    """The runs that began between the two times, by their start, with their metrics.

    Of a single run a metric's name is its key; of several ``RUN.key``, where RUN is the run's name if
    it was given and is the only one, else ``run N`` in the order of their starts. Raises OSError, and
    ValueError with one line, where they cannot be read.
    """
    logged = store_of(uri_or_path).began(since, until)
    labels = prefixes([item.name for item in logged])
    return tuple(_tracked(item, source, label) for item, label in zip(logged, labels))


def _tracked(run: Logged, source: str, prefix: str = "") -> TrackedRun:
    points = {escaped(key): values for key, values in run.points.items() if not is_aside(key)}
    return replace(run.run, metrics=metrics_of(points, source, prefix))


def read(
    uri_or_path: str | Path, source: str, since: float | None, until: float | None = None
) -> Found:
    """The same as one place of metrics: STALE where no run began in that time."""
    logged = store_of(uri_or_path).began(since, until)
    if not logged:
        return Found(SourceState.STALE, "no run in it began during the command")
    labels = prefixes([item.name for item in logged])
    tracked = [_tracked(item, source, label) for item, label in zip(logged, labels)]
    metrics = tuple(metric for run in tracked for metric in run.metrics)
    detail = joined(
        _unfinished(tracked), said(key for item in logged for key in item.points if is_aside(key))
    )
    state = SourceState.READ if metrics else SourceState.EMPTY
    return Found(state, detail, metrics, tuple(run.id for run in tracked))


def _unfinished(tracked: Sequence[TrackedRun]) -> str:
    return joined(
        *(
            f"run {number} is marked {run.status}" if len(tracked) > 1 else f"marked {run.status}"
            for number, run in enumerate(tracked, 1)
            if run.status not in ("FINISHED", "RUNNING")
        )
    )


def find_run(uri_or_path: str | Path, run_id: str, source: str = "mlflow") -> TrackedRun:
    """One run by its id, or by the model that came from it: ``models:/NAME/VERSION`` or
    ``models:/NAME@ALIAS``. Raises OSError, and ValueError with one line, where it is not to be had."""
    store = store_of(uri_or_path)
    if run_id.startswith("models:"):
        run_id = _run_of_model(store, run_id)
    found = store.run(run_id)
    if found is None:
        raise ValueError(f"MLflow at {shown(uri_or_path)} has no run {run_id}")
    return _tracked(found, source)


def _run_of_model(store: Store, model: str) -> str:
    match = re.fullmatch(r"models:/{0,2}([^/@]+)(?:/(\d+)|@([^/@]+))", model)
    if match is None:
        raise ValueError(f"{model}: models:/NAME/VERSION or models:/NAME@ALIAS was expected")
    name, version, alias = (part and unquote(part) for part in match.groups())
    run_id = store.run_of_model(name, version, alias)
    if run_id is None:
        raise ValueError(f"{model} is not in this registry, or came from no run")
    return run_id


def is_mlflow_server(url: str, timeout: float = 1.0) -> bool:
    """Whether an MLflow server answers there."""
    from repro.trackers import mlflow_server

    return mlflow_server.answers(url, timeout)


def shown(uri_or_path: str | Path) -> str:
    """The place as it may be printed: without what stands before an @."""
    return re.sub(r"(?<=//)[^/]*@", "", str(uri_or_path))


def store_of(uri_or_path: str | Path) -> Store:
    """The store of a tracking URI, or of a path. Raises ValueError where no reader fits."""
    text = str(uri_or_path)
    scheme = urlsplit(text).scheme.lower() if "://" in text or text.startswith("file:") else ""
    if scheme in ("http", "https"):
        from repro.trackers import mlflow_server  # and what speaks HTTP

        return mlflow_server.Server(text)
    if scheme == "sqlite":
        path = text.partition("://")[2].partition("?")[0]
        return mlflow_database.Database(Path(unquote(path.removeprefix("/"))))
    if scheme == "file":
        return _of_path(Path(unquote(urlsplit(text).path)))
    if scheme:
        raise ValueError(f"{scheme}: of MLflow's stores sqlite, folders and http are read")
    return _of_path(Path(text))


def _of_path(path: Path) -> Store:
    return mlflow_folder.Folder(path) if path.is_dir() else mlflow_database.Database(path)
