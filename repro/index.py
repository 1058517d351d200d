"""What `list` and run names need of every run, kept in one SQLite file beside the store.

It is only a cache: it follows the folders `runs/` and `replays/`, and is made anew when it is lost,
damaged or of another version.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repro import canonical, manifest, metric_names, standing
from repro.errors import Corrupt, ReproError
from repro.manifest import REPLAY_SCHEMA, Manifest, MetricType, Scalar
from repro.store import Store

VERSION = 7
_SCHEMA = """
create table runs (id text primary key, created text, outcome text, row text);
create index runs_created on runs (created);
create table outputs (digest text, run text);
create index outputs_digest on outputs (digest);
create table replays (id text primary key, run text, created text, verdict text, engine text);
create index replays_run on replays (run);
"""


@dataclass(frozen=True)
class Row:
    """One run in a list."""

    id: str
    created: str
    outcome: str
    command: str
    commit: str | None
    dirty: bool
    duration: float | None
    names: tuple[str, ...] = ()
    verdict: str | None = None
    """Of the newest replay that says something of it as a whole; None: there is none."""
    replays: int = 0
    metrics: Mapping[str, Scalar] = field(default_factory=dict)
    params: Mapping[str, Scalar] = field(default_factory=dict)
    tracked: tuple[str, ...] = ()
    """MLflow's ids of it."""


class Index:
    """Opened, brought up to date, asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.damaged: tuple[str, ...] = ()
        """Runs and replays that could not be read, a line each."""
        self.unreadable: tuple[str, ...] = ()
        """Ids of the runs among them."""
        path = store.cache / "index.sqlite"
        try:
            self._database = self._connected(path)
            self._update()
        except (sqlite3.DatabaseError, OSError):
            self._anew(path)

    def _anew(self, path: Path) -> None:
        try:
            for leftover in path.parent.glob("index.sqlite*"):
                leftover.unlink(missing_ok=True)
            self._database = self._connected(path)
            self._update()
        except (sqlite3.DatabaseError, OSError):
            # a full disk, or a store that may not be written: it is only a cache
            self._database = self._connected(None)
            self._update()

    def _connected(self, path: Path | None) -> sqlite3.Connection:
        """The database at that path, its tables made; without a path one in memory."""
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path or ":memory:", timeout=30)
        version = database.execute("pragma user_version").fetchone()[0]
        if version != VERSION:
            with database:
                for table in ("runs", "outputs", "replays"):
                    database.execute(f"drop table if exists {table}")
                for statement in _SCHEMA.strip().split(";\n"):
                    database.execute(statement.rstrip(";"))
                database.execute(f"pragma user_version = {VERSION}")
        return database

    def _update(self) -> None:
        damaged: list[str] = []
        unreadable: list[str] = []
        known = {row[0] for row in self._database.execute("select id from runs")}
        there = self._store.run_ids()
        played = {row[0] for row in self._database.execute("select id from replays")}
        replays = {identity: run for run, identity in self._store.replay_ids()}
        if known != there or played != replays.keys():
            with self._database:
                self._forget(known - there, played - replays.keys())
                for identity in sorted(there - known):
                    if not self._add_run(identity, damaged):
                        unreadable.append(identity)
                for identity in sorted(replays.keys() - played):
                    self._add_replay(replays[identity], identity, damaged)
        self.damaged, self.unreadable = tuple(damaged), tuple(unreadable)

    def _forget(self, runs: Iterable[str], replays: Iterable[str]) -> None:
        for identity in runs:
            self._database.execute("delete from runs where id = ?", (identity,))
            self._database.execute("delete from outputs where run = ?", (identity,))
        for identity in replays:
            self._database.execute("delete from replays where id = ?", (identity,))

    def _add_run(self, identity: str, damaged: list[str]) -> bool:
        try:
            run = self._store.run(identity).manifest
        except ReproError as error:
            damaged.append(str(error))
            return False
        self._database.execute(
            "insert or replace into runs values (?, ?, ?, ?)",
            (identity, run.created, run.result.outcome.value, _row(run)),
        )
        self._database.executemany(
            "insert into outputs values (?, ?)",
            [(item.digest, identity) for item in run.result.outputs if item.link is None],
        )
        return True

    def _add_replay(self, run: str, identity: str, damaged: list[str]) -> None:
        try:
            content = (self._store.root / "replays" / run / identity).read_bytes()
            if manifest.run_id(content) != identity:
                raise Corrupt("its content does not have the digest that it is named by")
            record = manifest.parse(content, REPLAY_SCHEMA, f"replay {identity[:12]}")
            verdict = None if standing.says_nothing(record) else record["comparison"]["verdict"]
            row = (identity, run, record["created"], verdict, record["engine"])
        except (ReproError, OSError, KeyError, TypeError, AttributeError) as error:
            damaged.append(f"the replay record {identity[:12]} of run {run[:12]}: {error}")
            return
        self._database.execute("insert or replace into replays values (?, ?, ?, ?, ?)", row)

    # --- questions ---

    def newest(self, back: int = 0) -> str | None:
        """The id of the newest run, or the one so many before it."""
        row = self._database.execute(
            "select id from runs order by created desc, id limit 1 offset ?", (back,)
        ).fetchone()
        return row[0] if row else None

    def with_prefix(self, prefix: str) -> tuple[str, ...]:
        rows = self._database.execute(
            "select id from runs where id >= ? and id < ? order by created desc",
            (prefix, prefix + "g"),
        )
        return tuple(row[0] for row in rows)

    def with_output(self, digest: str) -> tuple[str, ...]:
        """Runs that yielded this content, newest first."""
        rows = self._database.execute(
            "select distinct id, created from runs join outputs on run = id where digest = ? "
            "order by created desc, id",
            (digest,),
        )
        return tuple(row[0] for row in rows)

    def at_commit(self, commit: str) -> tuple[str, ...]:
        """Runs of this commit, newest first."""
        return tuple(row.id for row in self.rows() if row.commit == commit)

    def count(self) -> int:
        """How many runs there are."""
        found: int = self._database.execute("select count(*) from runs").fetchone()[0]
        return found

    def rows(self, most: int = -1) -> Iterator[Row]:
        """All runs, or so many of them, newest first."""
        names: dict[str, list[str]] = {}
        for name, identity in sorted(self._store.names().items()):
            names.setdefault(identity, []).append(name)
        verdicts: dict[str, tuple[str | None, int]] = {}
        for run, verdict in self._database.execute(
            "select run, verdict from replays order by created"
        ):
            before, count = verdicts.get(run, (None, 0))
            verdicts[run] = (verdict or before, count + 1)
        query = "select id, created, outcome, row from runs order by created desc, id limit ?"
        for identity, created, outcome, text in self._database.execute(query, (most,)):
            document = canonical.loads(text.encode())
            # as pairs, because an object with the one key `float` would be taken for a number
            document |= {key: dict(document[key]) for key in ("metrics", "params")}
            verdict, count = verdicts.get(identity, (None, 0))
            yield Row(
                identity, created, outcome,
                names=tuple(names.get(identity, ())), verdict=verdict, replays=count, **document,
            )  # fmt: skip

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._database.close()


def _last(values: tuple[Scalar, ...]) -> Scalar:
    """The last there is: a logger leaves cells of a table empty where it measured nothing."""
    return next((value for value in reversed(values) if value is not None), None)


def _row(run: Manifest) -> str:
    definition, result = run.definition, run.result
    values = [
        _last(metric.values) if metric.type is MetricType.SERIES else metric.value
        for metric in result.metrics
    ]
    metrics = metric_names.shown((metric.source, metric.name) for metric in result.metrics)
    return canonical.dumps(
        {
            "command": " ".join(definition.command.argv),
            "commit": definition.source.commit,
            "dirty": bool(run.provenance.changed),
            "duration": result.duration,
            "metrics": list(zip(metrics, values)),
            "tracked": [name for source in result.metric_sources for name in source.runs],
            "params": [(item.name, item.value) for item in definition.params],
        }
    ).decode()
