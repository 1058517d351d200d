"""MLflow's stores: whose runs count, what they are called, what is refused."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from tracker_files import FIRST, database, filed, tracked

from repro.manifest import Metric, MetricType, SourceState
from repro.trackers import mlflow, mlflow_database, mlflow_nouns, mlflow_server
from repro.trackers.nouns import Found

NOON = 1_795_000_000.25
A, B, C = "a" * 32, "b" * 32, "c" * 32


def values(metrics: tuple[Metric, ...]) -> dict[str, object]:
    return {
        item.name: list(zip(item.steps, item.values))
        if item.type is MetricType.SERIES
        else item.value
        for item in metrics
    }


@pytest.fixture
def base(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = database(tmp_path / "mlflow.db")
    yield connection
    connection.close()


# --- the database -------------------------------------------------------------------------------


def test_only_runs_that_began_during_the_command_count(
    tmp_path: Path, base: sqlite3.Connection
) -> None:
    tracked(base, A, NOON - 0.01, [("loss", 0, 1.0)])
    tracked(base, B, NOON, [("loss", 0, 2.0)])
    tracked(base, C, NOON + 9, [("loss", 0, 3.0)])
    path = tmp_path / "mlflow.db"
    assert [run.id for run in mlflow.runs(path, "s", NOON, NOON + 5)] == [B]
    assert [run.id for run in mlflow.runs(path, "s", None, None)] == [A, B, C]
    assert values(mlflow.read(path, "s", NOON, NOON + 5).metrics) == {"loss": 2.0}
    assert mlflow.read(path, "s", NOON + 60) == Found(
        SourceState.STALE, "no run in it began during the command"
    )


def test_series_are_by_step_and_time(tmp_path: Path, base: sqlite3.Connection) -> None:
    tracked(
        base,
        A,
        NOON,
        [("v.loss", 2, 1.0), ("v.loss", 0, 3.0), ("v.loss", 2, 0.5), ("n", 7, math.nan)],
    )
    found = mlflow.read(tmp_path / "mlflow.db", "mlflow.db", NOON)
    assert values(found.metrics) == {
        "n": pytest.approx(math.nan, nan_ok=True),
        r"v\.loss": [(0, 3.0), (2, 1.0), (2, 0.5)],
    }
    assert {item.source for item in found.metrics} == {"mlflow.db"}


def test_several_runs_are_numbered_in_the_order_of_their_start(
    tmp_path: Path, base: sqlite3.Connection
) -> None:
    tracked(base, C, NOON, [("a", 0, 1.0)], name="bold-fish-123")
    tracked(base, B, NOON, [("a", 0, 2.0)])
    tracked(base, A, NOON + 1, [("a", 0, 3.0)], tags={"mlflow.runName": "large.model"})
    found = mlflow.read(tmp_path / "mlflow.db", "s", NOON)
    assert values(found.metrics) == {"run 1.a": 1.0, "run 2.a": 2.0, r"large\.model.a": 3.0}


@pytest.mark.parametrize("name", ["same", "train-20261121-120000", "0123456789ab", "run 2"])
def test_names_that_are_not_one_runs_own_are_no_names(
    tmp_path: Path, base: sqlite3.Connection, name: str
) -> None:
    tracked(base, A, NOON, [("a", 0, 1.0)], name=name)
    tracked(base, B, NOON + 1, [("a", 0, 2.0)], name=name if name == "same" else "")
    found = mlflow.read(tmp_path / "mlflow.db", "s", NOON)
    assert values(found.metrics) == {"run 1.a": 1.0, "run 2.a": 2.0}


def test_gauges_of_the_machine_failures_and_deleted_runs(
    tmp_path: Path, base: sqlite3.Connection
) -> None:
    tracked(
        base,
        A,
        NOON,
        [("a", 0, 1.0), ("system/cpu", 0, 9.0), ("train_runtime", 0, 3.0)],
        status="FAILED",
    )
    tracked(base, B, NOON, [("a", 0, 2.0)], stage="deleted")
    found = mlflow.read(tmp_path / "mlflow.db", "s", NOON)
    assert values(found.metrics) == {"a": 1.0}
    assert found.detail == (
        "marked FAILED; not compared, being times or gauges of the machine: system/cpu, train_runtime"
    )


def test_a_run_without_metrics_is_empty(tmp_path: Path, base: sqlite3.Connection) -> None:
    tracked(base, A, NOON)
    assert mlflow.read(tmp_path / "mlflow.db", "s", NOON).state is SourceState.EMPTY


def test_a_given_run_with_all_that_is_known_of_it(tmp_path: Path, base: sqlite3.Connection) -> None:
    tracked(
        base, A, NOON, [("acc", 0, 0.5)], params={"lr": "0.1"}, tags={"mlflow.source.name": "t.py"}
    )
    base.execute(
        "UPDATE runs SET source_version = 'c0ffee', source_name = 'old.py', entry_point_name = 'main'"
    )
    base.execute("INSERT INTO model_versions VALUES ('net', 3, ?)", (A,))
    base.execute("INSERT INTO registered_model_aliases VALUES ('net', 'champion', 3)")
    base.commit()
    path = tmp_path / "mlflow.db"
    for name in (A, "models:/net/3", "models:/net@champion"):
        run = mlflow.find_run(f"sqlite:///{path}", name)
        assert (run.id, run.status, run.started, run.params) == (A, "FINISHED", NOON, {"lr": "0.1"})
        assert values(run.metrics) == {"acc": 0.5}
        assert run.tags == {
            "mlflow.source.name": "t.py",
            "mlflow.source.git.commit": "c0ffee",
            "mlflow.project.entryPoint": "main",
            "mlflow.user": "ann",
        }
    for name, said in (
        (B, "has no run"),
        ("models:/net/4", "not in this registry"),
        ("models:/net@x", "not in this registry"),
        ("models:/net/" + "9" * 40, "cannot be read"),
        ("models:/net", "was expected"),
        ("models:/net/Production", "was expected"),
    ):
        with pytest.raises(ValueError, match=said):
            mlflow.find_run(path, name)


def test_the_first_versions_had_no_steps(tmp_path: Path) -> None:
    base = database(tmp_path / "old.db", FIRST)
    base.execute(
        "INSERT INTO runs (run_uuid, status, start_time) VALUES ('r', 'FINISHED', ?)",
        (int(NOON * 1000),),
    )
    for at, value in enumerate((2.0, 1.0)):
        base.execute("INSERT INTO metrics VALUES ('a', ?, ?, 'r', NULL)", (value, at))
    base.commit()
    base.close()
    (run,) = mlflow.runs(tmp_path / "old.db", "s", NOON, None)
    assert values(run.metrics) == {"a": [(0, 2.0), (0, 1.0)]}
    assert run.status == "FINISHED"


def test_a_write_ahead_log_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    base = database(tmp_path / "mlflow.db")
    base.execute("PRAGMA journal_mode = WAL")
    tracked(base, A, NOON, [("a", 0, 1.0)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "mlflow.db-wal" in before
    assert values(mlflow.read(tmp_path / "mlflow.db", "s", NOON).metrics) == {"a": 1.0}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    base.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert values(mlflow.read(tmp_path / "mlflow.db", "s", NOON).metrics) == {"a": 1.0}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_every_kind_of_damage_is_one_line(tmp_path: Path, base: sqlite3.Connection) -> None:
    tracked(base, A, NOON, [("a", step, 1.0) for step in range(500)])
    base.close()
    path = tmp_path / "mlflow.db"
    good = path.read_bytes()
    for damaged in (
        b"",
        b"no database",
        good[:100],
        good[:5000],
        good[:16] + b"\xff" * (len(good) - 16),
        good[: len(good) // 2] + b"\xff" * (len(good) // 2),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError) as caught:
            mlflow.read(path, "s", NOON)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE metrics SET value = 'text'",
        "UPDATE metrics SET value = x'00'",
        "UPDATE metrics SET step = 'text'",
        "DROP TABLE metrics",
        "ALTER TABLE runs RENAME COLUMN start_time TO begun",
        "DROP TABLE metrics; CREATE VIEW metrics AS WITH RECURSIVE r(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM r) SELECT * FROM r",  # noqa: E501
    ],
)
def test_tables_with_something_else_in_them(
    tmp_path: Path, base: sqlite3.Connection, change: str
) -> None:
    tracked(base, A, NOON, [("a", 0, 1.0)])
    base.executescript(change)
    with pytest.raises(ValueError) as caught:
        mlflow.read(tmp_path / "mlflow.db", "s", NOON)
    assert "\n" not in str(caught.value)


def test_a_database_of_something_else_is_none(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "x.db")
    base.execute("CREATE TABLE runs (a)")
    base.close()
    with pytest.raises(ValueError, match="no database of MLflow"):
        mlflow.read(tmp_path / "x.db", "s", NOON)


def test_more_than_can_be_read_is_refused(
    tmp_path: Path, base: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(3):
        tracked(base, f"{at:032}", NOON, [("a", step, 1.0) for step in range(3)])
    monkeypatch.setattr(mlflow_database, "MOST_POINTS", 2)
    with pytest.raises(ValueError, match="more than 2 values"):
        mlflow.read(tmp_path / "mlflow.db", "s", NOON)
    monkeypatch.setattr(mlflow_database, "MOST_RUNS", 2)
    with pytest.raises(ValueError, match="3 runs began"):
        mlflow.read(tmp_path / "mlflow.db", "s", NOON)


def test_a_place_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        mlflow.read(tmp_path / "none.db", "s", NOON)
    with pytest.raises(ValueError, match="postgresql"):
        mlflow.read("postgresql://ann:secret@host/db", "s", NOON)
    assert mlflow.shown("http://ann:secret@host/x") == "http://host/x"


# --- the folder ---------------------------------------------------------------------------------


def test_a_file_store_is_read_alike(tmp_path: Path) -> None:
    store = tmp_path / "mlruns"
    filed(store, A, NOON - 60, {"loss": "1 9.0 0\n"})
    filed(
        store,
        B,
        NOON,
        {"loss": "2 0.5 1\n1 1.0 0\n3 0.25 1\n", "val/acc": "1 nan 0\n", "b": "1 inf 0"},
    )
    filed(store, C, NOON + 1, {"x": "1 1\n"}, stage="deleted")
    (run,) = mlflow.runs(store, "mlruns", NOON, None)
    found = values(run.metrics)
    assert math.isnan(found.pop("val/acc"))  # type: ignore[arg-type]
    assert found == {"b": math.inf, "loss": [(0, 1.0), (1, 0.5), (1, 0.25)]}
    assert (run.id, run.status, run.started, run.tags["mlflow.user"]) == (
        B,
        "FINISHED",
        NOON,
        "ann",
    )
    assert mlflow.find_run(f"file://{store}", A).started == NOON - 60


def test_the_registry_of_a_file_store(tmp_path: Path) -> None:
    store = tmp_path / "mlruns"
    filed(store, A, NOON, {"a": "1 1 0"})
    version = store / "models" / "net" / "version-2"
    version.mkdir(parents=True)
    (version / "meta.yaml").write_text(f"name: net\nrun_id: {A}\nversion: '2'\n")
    (store / "models" / "net" / "aliases").mkdir()
    (store / "models" / "net" / "aliases" / "best").write_text("2")
    assert mlflow.find_run(store, "models:/net/2").id == A
    assert mlflow.find_run(store, "models:/net@best").id == A
    for model in ("models:/net/1", "models:/net@no", "models:/..@best", "models:/%2e%2e@best"):
        with pytest.raises(ValueError):
            mlflow.find_run(store, model)


@pytest.mark.parametrize("line", ["1", "x 1 0", "1 x 0", "1 1 x", "1 \x00 0"])
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    filed(tmp_path, A, NOON, {"loss": f"1 1.0 0\n{line}\n"})
    with pytest.raises(ValueError, match=r"metrics/loss: line 2"):
        mlflow.read(tmp_path, "s", NOON)


@pytest.mark.parametrize("meta", ["", "[]", "a: b", "start_time: soon", "a: [", "&a [*a]"])
def test_a_run_without_its_start_is_refused(tmp_path: Path, meta: str) -> None:
    (filed(tmp_path, A, NOON, {"loss": "1 1.0 0\n"}) / "meta.yaml").write_text(meta)
    with pytest.raises(ValueError):
        mlflow.read(tmp_path, "s", NOON)


def test_links_in_a_store_are_not_followed(tmp_path: Path) -> None:
    secret = filed(tmp_path / "elsewhere", B, NOON, {"secret": "1 1 0"})
    run = filed(tmp_path / "store", A, NOON, {"a": "1 1 0"})
    (tmp_path / "store" / "0" / B).symlink_to(secret)
    (run / "metrics" / "linked").symlink_to(secret / "metrics" / "secret")
    (run / "metrics" / "folder").symlink_to(secret / "metrics")
    assert values(mlflow.read(tmp_path / "store", "s", NOON).metrics) == {"a": 1.0}


# --- the server ---------------------------------------------------------------------------------


class Answering(BaseHTTPRequestHandler):
    """A small MLflow server: two pages of everything."""

    answers: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[str, dict[str, Any], str | None]]] = []

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self._answer(json.loads(self.rfile.read(size)))

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._answer({key: items[0] for key, items in query.items()})

    def _answer(self, query: dict[str, Any]) -> None:
        path = urlsplit(self.path).path.removeprefix("/api/2.0/mlflow/")
        self.asked.append((path, query, self.headers["Authorization"]))
        answer = self.answers.get(path, 404)
        answer = answer(query) if callable(answer) else answer
        self.send_response(answer if isinstance(answer, int) else 200)
        if answer == 302:
            self.send_header("Location", "/api/2.0/mlflow/elsewhere")
        self.end_headers()
        if not isinstance(answer, int):
            self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


def _run(run_id: str, start: float, *keys: str) -> dict[str, Any]:
    return {
        "info": {
            "run_id": run_id,
            "start_time": int(start * 1000),
            "status": "FINISHED",
            "user_id": "ann",
        },
        "data": {
            "metrics": [{"key": key, "value": 1.0} for key in keys],
            "params": [{"key": "lr", "value": "0.1"}],
            "tags": [{"key": "mlflow.source.git.commit", "value": "c0ffee"}],
        },
    }


def _history(query: dict[str, Any]) -> dict[str, Any]:
    if query["metric_key"] == "nan":
        return {"metrics": [{"key": "nan", "value": "NaN", "timestamp": "1", "step": "4"}]}
    if "page_token" in query:
        return {"metrics": [{"value": 1.0, "timestamp": 2, "step": "0"}]}
    return {"metrics": [{"value": 0.5, "timestamp": 9, "step": 1}], "next_page_token": "2"}


def _runs(query: dict[str, Any]) -> dict[str, Any]:
    if "page_token" in query:
        return {"runs": [_run(A, NOON - 5, "loss"), _run(B, NOON, "loss", "nan")]}
    return {"runs": [], "next_page_token": "more"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    Answering.asked.clear()
    Answering.answers = {
        "experiments/search": {"experiments": [{"experiment_id": "0"}]},
        "runs/search": _runs,
        "runs/get": lambda query: {"run": _run(A, NOON, "nan")} if query["run_id"] == A else 404,
        "metrics/get-history": _history,
        "registered-models/alias": {"model_version": {"run_id": A}},
        "model-versions/get": lambda query: (
            {"model_version": {"run_id": A}} if query["version"] == "3" else 404
        ),
    }
    listening = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_server_is_read_page_by_page(server: str) -> None:
    assert mlflow.is_mlflow_server(server)
    (run,) = mlflow.runs(server, "server", NOON, None)
    found = values(run.metrics)
    assert math.isnan(found.pop("nan"))  # type: ignore[arg-type]
    assert found == {"loss": [(0, 1.0), (1, 0.5)]}
    assert (run.id, run.params, run.tags["mlflow.user"]) == (B, {"lr": "0.1"}, "ann")
    assert ("runs/search", f"attributes.start_time >= {int(NOON * 1000)}") in [
        (path, query.get("filter")) for path, query, _ in Answering.asked
    ]


def test_a_given_run_of_a_server(server: str) -> None:
    for name in (A, "models:/net/3", "models:/net@champion"):
        assert mlflow.find_run(server, name).tags["mlflow.source.git.commit"] == "c0ffee"
    for name in (B, "models:/net/4"):
        with pytest.raises(ValueError):
            mlflow.find_run(server, name)


def test_names_and_tokens_are_sent_as_mlflow_does(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0k")
    mlflow.is_mlflow_server(server)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pw")
    mlflow.is_mlflow_server(server)
    mlflow.is_mlflow_server(server.replace("//", "//bob:x@"))
    assert [sent for *_, sent in Answering.asked] == [
        "Bearer t0k",
        "Basic YW5uOnB3",
        "Basic Ym9iOng=",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (401, "MLFLOW_TRACKING_USERNAME"),
        (500, "status 500"),
        (302, "status 302"),
        (b"<html>", "no MLflow server"),
        (b"[]", "no MLflow server"),
        (b"[" * 100_000, "no MLflow server"),
        ({"experiments": [3]}, "no MLflow server"),
        ({"experiments": [], "next_page_token": "a"}, ""),
    ],
)
def test_another_answer_is_one_line(server: str, answer: Any, said: str) -> None:
    Answering.answers["experiments/search"] = answer
    if not said:
        assert mlflow.read(server, "s", NOON).state is SourceState.STALE
        return
    with pytest.raises((OSError, ValueError), match=said) as caught:
        mlflow.read(server, "s", NOON)
    assert "\n" not in str(caught.value)
    assert "elsewhere" not in [path for path, *_ in Answering.asked]


def test_what_is_no_server_is_none(server: str) -> None:
    Answering.answers.clear()
    assert not mlflow.is_mlflow_server(server)
    assert not mlflow.is_mlflow_server("http://127.0.0.1:9")
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        mlflow.read("http://ann:secret@127.0.0.1:9", "s", NOON)


def test_only_loopback_or_the_configured_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ValueError, match=r"tracking\.invalid is asked only"):
        mlflow.read("http://tracking.invalid:5000", "s", NOON)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.invalid:5000/")
    assert mlflow_server.Server("http://tracking.invalid:5000")
    for near in ("http://127.0.0.1.tracking.invalid", "http://tracking.invalid:5001"):
        with pytest.raises(ValueError):
            mlflow_server.Server(near)


def test_pages_without_an_end_have_one(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(10**6))
    Answering.answers["experiments/search"] = lambda _: {"next_page_token": str(next(count))}
    monkeypatch.setattr(mlflow_server, "_MOST_PAGES", 20)
    with pytest.raises(ValueError, match="without an end"):
        mlflow.read(server, "s", NOON)


@pytest.mark.parametrize("value", [None, True, [], {}, "x", "1e"])
def test_values_that_are_none(value: object) -> None:
    with pytest.raises(ValueError):
        mlflow_nouns.value_of(value)


def test_against_the_real_library(tmp_path: Path) -> None:
    real = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    real.set_tracking_uri(uri)
    client = real.MlflowClient()
    with real.start_run() as run:
        real.log_param("lr", 0.1)
        for step in range(20):
            real.log_metric("loss", 1 / (step + 1), step=19 - step)
        real.log_metric("nan", math.nan)
    ours = mlflow.find_run(uri, run.info.run_id)
    theirs = client.get_metric_history(run.info.run_id, "loss")
    assert values(ours.metrics)["loss"] == sorted((item.step, item.value) for item in theirs)
    assert (ours.params, ours.name) == ({"lr": "0.1"}, run.info.run_name)
