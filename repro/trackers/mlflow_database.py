"""MLflow's SQLite database, of any version since 1.0; read, never written."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

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

_MAGIC = b"SQLite format 3\0"
_KEEPS_LOG = b"\2\2"
"""In the header of a database that keeps a write-ahead log."""


@dataclass(frozen=True)
class Database:
    """One database file."""

    path: Path

    def began(self, since: float | None, until: float | None) -> Sequence[Logged]:
        """The runs that began in between; runs that were deleted again are none."""
        with _mlflow(self.path) as base:
            rows = [
                row
                for row in base.execute(f"{_RUNS} ORDER BY start_time, rowid")
                if row["lifecycle_stage"] != "deleted"
                and isinstance(row["start_time"], int)
                and is_within(row["start_time"], since, until)
            ]
            if len(rows) > MOST_RUNS:
                raise too_many(len(rows))
            return [_logged(base, row) for row in rows]

    def run(self, run_id: str) -> Logged | None:
        """One run by its id."""
        with _mlflow(self.path) as base:
            row = base.execute(f"{_RUNS} WHERE run_uuid = ?", (run_id,)).fetchone()
            return _logged(base, row) if row else None

    def run_of_model(self, name: str, version: str | None, alias: str | None) -> str | None:
        """Id of the run that a version of a registered model came from."""
        with _mlflow(self.path) as base:
            tables = _tables(base)
            if alias is not None:
                if "registered_model_aliases" not in tables:
                    return None
                row = base.execute(
                    "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?",
                    (name, alias),
                ).fetchone()
                version = str(row[0]) if row else None
            if version is None or "model_versions" not in tables:
                return None
            row = base.execute(
                "SELECT run_id FROM model_versions WHERE name = ? AND version = ?",
                (name, int(version)),
            ).fetchone()
            return str(row[0]) if row and row[0] else None


_RUNS = "SELECT * FROM runs"


def _logged(base: sqlite3.Connection, row: sqlite3.Row) -> Logged:
    run_id = str(row["run_uuid"])
    names = row.keys()
    tags = dict(_pairs(base, "tags", run_id))
    for tag, column in (
        ("mlflow.source.git.commit", "source_version"),
        ("mlflow.source.name", "source_name"),
        ("mlflow.project.entryPoint", "entry_point_name"),
        ("mlflow.user", "user_id"),
    ):
        if column in names and row[column]:
            tags.setdefault(tag, str(row[column]))
    status = row["status"]
    run = TrackedRun(
        id=run_id,
        name=tags.get("mlflow.runName") or str(row["name"] or ""),
        started=row["start_time"] / 1000 if isinstance(row["start_time"], int) else 0.0,
        status=STATUSES.get(status, str(status)),
        params=dict(_pairs(base, "params", run_id)),
        tags=tags,
    )
    return Logged(run, gathered(_points(base, run_id), MOST_POINTS))


def _pairs(base: sqlite3.Connection, table: str, run_id: str) -> Iterator[tuple[str, str]]:
    query = f"SELECT key, value FROM {table} WHERE run_uuid = ? ORDER BY key"
    for key, value in base.execute(query, (run_id,)):
        yield str(key), "" if value is None else str(value)


def _points(base: sqlite3.Connection, run_id: str) -> Iterator[tuple[str, int, Any]]:
    """In MLflow before 1.1 there were neither steps nor a mark for NaN."""
    columns = {row[1] for row in base.execute("PRAGMA table_info(metrics)")}
    step = "step" if "step" in columns else "0"
    nan = "is_nan" if "is_nan" in columns else "0"
    # of one step and one time the order is that of writing
    query = (
        f"SELECT key, {step} AS at, value, {nan} FROM metrics WHERE run_uuid = ?"
        " ORDER BY key, at, timestamp, rowid"
    )
    for key, at, value, is_nan in base.execute(query, (run_id,)):
        yield str(key), step_of(at), float("nan") if is_nan else value_of(value)


def _is_mlflow(base: sqlite3.Connection) -> bool:
    return {"experiments", "runs", "metrics", "params", "tags"} <= _tables(base)


def _tables(base: sqlite3.Connection) -> set[str]:
    """Tables alone: a view of the same name could go on without an end."""
    rows = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(row[0]) for row in rows}


@contextmanager
def _mlflow(path: Path) -> Iterator[sqlite3.Connection]:
    with _opened(path) as base:
        if not _is_mlflow(base):
            raise ValueError("it is no database of MLflow: its tables are others")
        yield base


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, read only. Where reading would write beside it, a log or a journal, it is a copy
    that is read."""
    with path.open("rb") as stream:
        header = stream.read(20)
    if header[:16] != _MAGIC:
        raise ValueError("it is no SQLite database")
    journals = [Path(f"{path}{end}") for end in ("-wal", "-journal") if _holds(f"{path}{end}")]
    copied = bool(journals) or header[18:20] == _KEEPS_LOG
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        if copied:
            for file in (path, *journals):
                shutil.copyfile(file, Path(folder) / file.name)
            path = Path(folder) / path.name
        address = f"file:{quote(str(path.absolute()))}?mode={'rw' if copied else 'ro'}"
        try:
            with closing(sqlite3.connect(address, uri=True)) as base:
                base.row_factory = sqlite3.Row
                base.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
                base.execute("PRAGMA trusted_schema = OFF")
                yield base
        except (sqlite3.Error, IndexError, OverflowError) as error:
            raise ValueError(f"MLflow's database cannot be read: {error}") from error


def _holds(path: str) -> bool:
    file = Path(path)
    return file.is_file() and file.stat().st_size > 0
