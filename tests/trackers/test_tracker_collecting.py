"""Trackers' metrics among what a run left: found without configuration, and only the run's own."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tracker_files import database, event, events, filed, history, scalar, tracked, wandb_file
from workbench import Project

from repro.capturing import files, results
from repro.capturing.results import Collected, Expected
from repro.manifest import SourceState

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc).timestamp()
READ, EMPTY, UNREADABLE = SourceState.READ, SourceState.EMPTY, SourceState.UNREADABLE
MISSING, STALE = SourceState.MISSING, SourceState.STALE
A, B = "a" * 32, "b" * 32
NOTHING = Expected()


@dataclass
class Space:
    top: Path

    def run(
        self,
        action: Callable[[], object],
        expected: Expected = NOTHING,
        started: float | None = NOON,
    ) -> Collected:
        before = files.scan(self.top, self.top)
        action()
        after = files.scan(self.top, self.top)
        return results.collect(self.top, before, after, expected, started)

    def captured(self, expected: Expected) -> Collected:
        return results.collect(self.top, None, files.scan(self.top, self.top), expected)

    def write(self, name: str, content: str) -> None:
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_text(content)

    def log(self, name: str, start: float, value: float, run_id: str = A) -> None:
        path = self.top / name
        base = sqlite3.connect(path) if path.exists() else database(path)
        tracked(base, run_id, start, [("acc", 0, value)])
        base.close()


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "project").mkdir()
    return Space(tmp_path / "project")


def states(found: Collected) -> dict[str, SourceState]:
    return {item.path: item.state for item in found.sources}


def values(found: Collected) -> dict[str, object]:
    return {f"{item.source}:{item.name}": item.values or item.value for item in found.metrics}


def test_every_tracker_is_found_without_configuration(space: Space) -> None:
    def act() -> None:
        space.log("mlflow.db", NOON + 1, 0.5)
        filed(space.top / "mlruns", B, NOON + 1, {"f1": "1 0.25 0"})
        events(space.top / "logs" / "events.out.tfevents.1.h", event(0, scalar("loss", 1.0)))
        wandb_file(space.top / "wandb/run-20261121_120001-x/run-x.wandb", [history(0, auc=0.75)])
        space.write("wandb/run-20261121_120001-x/files/wandb-summary.json", '{"auc": 0.75}')
        space.write("mlruns/0/" + B + "/artifacts/metrics.json", '{"auc": 0.75}')

    ignored = Expected(ignored=("wandb", "mlruns", "logs"))  # as outputs, which they often are
    found = space.run(act, ignored)
    assert values(found) == {
        "mlflow.db:acc": 0.5,
        "mlruns:f1": 0.25,
        "logs/events.out.tfevents:loss": 1.0,
        "wandb/run:auc": 0.75,
    }
    assert not any(item.declared for item in found.sources)


def test_of_what_was_there_before_nothing_counts(space: Space) -> None:
    space.log("mlflow.db", NOON - 60, 0.1)
    filed(space.top / "mlruns", A, NOON - 60, {"f1": "1 0.1 0"})
    events(space.top / "logs" / "events.out.tfevents.1.h", event(0, scalar("loss", 9.0)))
    wandb_file(space.top / "wandb/run-20261120_120001-x/run-x.wandb", [history(0, auc=0.1)])

    def act() -> None:
        space.log("mlflow.db", NOON + 1, 0.5, B)
        filed(space.top / "mlruns", B, NOON + 1, {"f1": "1 0.5 0"})
        events(space.top / "logs" / "events.out.tfevents.2.h", event(0, scalar("loss", 0.5)))
        wandb_file(space.top / "wandb/run-20261121_120001-y/run-y.wandb", [history(0, auc=0.5)])

    found = space.run(act)
    assert set(values(found).values()) == {0.5} and len(found.metrics) == 4


def test_a_run_that_logs_nothing_has_no_metrics_of_earlier_ones(space: Space) -> None:
    space.log("mlflow.db", NOON - 60, 0.1)
    events(space.top / "logs" / "events.out.tfevents.1.h", event(0, scalar("loss", 9.0)))
    expected = Expected(
        known_metrics=("mlflow.db", "logs/events.out.tfevents", "wandb/run", "mlruns")
    )
    found = space.run(lambda: None, expected)
    assert states(found) == {
        "mlflow.db": STALE,
        "logs/events.out.tfevents": STALE,
        "wandb/run": MISSING,
        "mlruns": MISSING,
    }
    assert found.metrics == ()
    touched = space.run(lambda: space.log("mlflow.db", NOON - 30, 0.2, B), expected)
    assert states(touched)["mlflow.db"] is STALE and touched.metrics == ()


def test_a_database_whose_log_alone_was_written(space: Space) -> None:
    space.log("mlflow.db", NOON - 60, 0.1)
    base = sqlite3.connect(space.top / "mlflow.db")
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA wal_autocheckpoint = 0")
    base.execute("INSERT INTO tags VALUES ('a', 'b', 'c')")
    base.commit()
    found = space.run(lambda: tracked(base, B, NOON + 1, [("acc", 0, 0.5)]))
    assert values(found) == {"mlflow.db:acc": 0.5}
    base.close()


def test_without_the_time_of_its_start_no_run_is_taken_for_its_own(space: Space) -> None:
    expected = Expected(known_metrics=("mlflow.db",))
    found = space.run(lambda: space.log("mlflow.db", NOON, 0.5), expected, started=None)
    assert states(found) == {"mlflow.db": UNREADABLE} and found.metrics == ()


def test_two_runs_with_times_in_their_paths_pair(space: Space) -> None:
    def act(day: str, month: str) -> None:
        space.write(f"outputs/{day}/12-00-04/metrics.json", '{"loss": 0.5}')
        space.write(f"outputs/{day}/12-30-04/metrics.json", '{"loss": 0.25}')
        folder = space.top / "runs" / f"{month}_12-00-04_host"
        events(folder / "events.out.tfevents.1.host", event(0, scalar("a", 1.0)))

    first = space.run(lambda: act("2026-11-21", "Nov21"))
    later = datetime(2027, 3, 4, 12, tzinfo=timezone.utc).timestamp()
    known = Expected(known_metrics=tuple(states(first)))
    second = space.run(lambda: act("2027-03-04", "Mar04"), known, later)
    assert values(first) == {
        "outputs/{time}/{time}/metrics.json:loss": 0.5,
        "outputs/{time}/{time} 2/metrics.json:loss": 0.25,
        "runs/{time}/events.out.tfevents:a": 1.0,
    }
    assert (first.metrics, first.sources) == (second.metrics, second.sources)
    assert set(states(space.run(lambda: None, known, later)).values()) <= {MISSING, STALE}


def test_a_declared_glob_over_times_takes_this_runs_alone(space: Space) -> None:
    space.write("outputs/2026-11-20/12-00-00/m.json", '{"loss": 9}')
    expected = Expected(metrics=("outputs/**/m.json",))
    found = space.run(
        lambda: space.write("outputs/2026-11-21/12-00-00/m.json", '{"loss": 1}'), expected
    )
    assert values(found) == {"outputs/{time}/{time}/m.json:loss": 1}
    assert states(found) == {"outputs/{time}/{time}/m.json": READ}
    nothing = space.run(lambda: None, expected)
    assert set(states(nothing).values()) == {STALE} and nothing.metrics == ()


@pytest.mark.parametrize("pattern", ["mlruns", "mlruns/", "mlruns/**"])
def test_a_declared_store_is_read_as_one(space: Space, pattern: str) -> None:
    def act() -> None:
        folder = filed(space.top / "mlruns", A, NOON + 1, {"f1": "1 0.25 0"})
        (folder / "artifacts" / "conda.yaml").write_text("name: env")

    found = space.run(act, Expected(metrics=(pattern,)))
    assert values(found) == {"mlruns:f1": 0.25}
    assert [(item.path, item.declared) for item in found.sources] == [("mlruns", True)]


def test_a_declared_folder_of_events_and_tables(space: Space) -> None:
    def act() -> None:
        events(space.top / "logs" / "events.out.tfevents.1.h", event(0, scalar("loss", 1.0)))
        space.write("logs/hist.csv", "epoch,acc\n0,0.5\n")
        space.write("logs/notes.ipynb", "{}")
        space.write("logs/other.db", "no database")

    found = space.run(act, Expected(metrics=("logs",)))
    assert states(found) == {"logs/events.out.tfevents": READ, "logs/hist.csv": READ}
    assert all(item.declared for item in found.sources)


def test_a_declared_place_that_is_not_written_is_missing(space: Space) -> None:
    for pattern in ("mlflow.db", "logs/events.out.tfevents", "wandb/run", "mlruns"):
        found = space.run(lambda: None, Expected(metrics=(pattern,)))
        assert states(found) == {pattern: MISSING}


def test_damage_to_a_declared_place_is_said_and_to_another_passed_over(space: Space) -> None:
    def act() -> None:
        space.write("mlflow.db", "SQLite format 3\0 and then nothing")
        space.write("logs/events.out.tfevents.1.h", "no events at all")
        space.write("wandb/run-20261121_120001-x/run-x.wandb", "no such file")
        space.write("report.ipynb", "no notebook")

    assert space.run(act).sources == ()
    named = ("mlflow.db", "logs/events.out.tfevents", "wandb/run", "report.ipynb")
    found = space.run(act, Expected(metrics=named))
    assert states(found) == dict.fromkeys(named, UNREADABLE)
    assert all(item.detail and "\n" not in item.detail for item in found.sources)


def test_a_database_through_a_link_out_of_the_project_is_not_read(
    space: Space, tmp_path: Path
) -> None:
    Space(tmp_path).log("other.db", NOON + 1, 0.5)
    found = space.run(
        lambda: (space.top / "mlflow.db").symlink_to(tmp_path / "other.db"),
        Expected(metrics=("mlflow.db",)),
    )
    assert states(found) == {"mlflow.db": UNREADABLE} and found.metrics == ()


def test_where_nothing_was_observed_only_what_is_declared_is_taken(space: Space) -> None:
    space.log("mlflow.db", NOON - 60, 0.5)
    events(space.top / "logs" / "events.out.tfevents.1.h", event(0, scalar("loss", 1.0)))
    assert space.captured(NOTHING).sources == ()
    found = space.captured(Expected(metrics=("mlflow.db", "logs")))
    assert values(found) == {"mlflow.db:acc": 0.5, "logs/events.out.tfevents:loss": 1.0}


@pytest.mark.parametrize(
    ("name", "content", "metric", "value"),
    [
        (
            "out/trainer_state.json",
            '{"log_history": [{"step": 1, "loss": 2.5, "train_runtime": 9.0}]}',
            "log_history.loss",
            (2.5,),
        ),
        (
            "out/all_results.json",
            '{"eval_loss": 0.5, "train_samples_per_second": 99.5}',
            "eval_loss",
            0.5,
        ),
        (
            "history.json",
            '[{"epoch": 1, "loss": 0.5, "dur": 0.01}, {"epoch": 2, "loss": 0.25, "dur": 0.5}]',
            "loss",
            (0.5, 0.25),
        ),
        ("cv_results.csv", "mean_test_score,mean_fit_time\n0.5,0.125\n", "mean_test_score", (0.5,)),
        (
            "evals_result.json",
            '{"validation_0": {"logloss": [0.5, 0.25]}}',
            "validation_0.logloss",
            (0.5, 0.25),
        ),
        ("history.jsonl", '{"epoch": 1, "loss": 0.5}\n', "loss", (0.5,)),
        ("training.log", "epoch,loss\n0,0.5\n", "loss", (0.5,)),
        ("catboost_info/learn_error.tsv", "iter\tLogloss\n0\t0.5\n", "Logloss", (0.5,)),
        ("logs/progress.csv", "epoch,loss\n0,0.5\n", "loss", (0.5,)),
        ("learning_curve.json", '{"a": 1}', "a", 1),
        (
            "x/vis_data/scalars.json",
            '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n',
            "loss",
            (0.5, 0.25),
        ),
    ],
)
def test_where_well_known_tools_write(
    space: Space, name: str, content: str, metric: str, value: object
) -> None:
    found = space.run(lambda: space.write(name, content))
    assert values(found) == {f"{name}:{metric}": value}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.jsonl", '{"prompt": "a", "answer": "b"}\n'),
        ("train.jsonl", '{"a": 1}\n'),
        ("app.log", "a,b\n1,2\n"),
        ("training.log", "2026-01-15 12:00:04,500 INFO begun\n2026-01-15 12:00:05,500 INFO done\n"),
        ("catboost_info/time_left.tsv", "iter\tPassed\n0\t17\n"),
        ("catboost_info/catboost_training.json", '{"a": 1}'),
        ("catalog.csv", "a,b\n1,2\n"),
        ("data.db", "x"),
    ],
)
def test_what_only_looks_alike_is_an_output(space: Space, name: str, content: str) -> None:
    found = space.run(lambda: space.write(name, content))
    assert found.sources == () and [item.path for item in found.outputs] == [name]


def test_a_declared_log_may_be_a_table(space: Space) -> None:
    found = space.run(
        lambda: space.write("fit.log", "epoch;loss\n0;0.5\n"), Expected(metrics=("fit.log",))
    )
    assert values(found) == {"fit.log:loss": (0.5,)}


def test_durations_that_are_left_out_are_said(space: Space) -> None:
    content = '{"eval_loss": NaN, "train_runtime": 9.0, "eval_samples_per_second": 3.0}'
    found = space.run(lambda: space.write("all_results.json", content))
    (metric,), (source,) = found.metrics, found.sources
    assert isinstance(metric.value, float) and math.isnan(metric.value)
    assert source.detail.endswith("eval_samples_per_second, train_runtime")


def test_what_aim_keeps_is_no_output_and_is_said_to_be_unread(project: Project) -> None:
    project.write(
        "train.py",
        "import os, pathlib\n"
        "place = pathlib.Path('.aim/seqs/chunks/' + os.urandom(12).hex())\n"
        "place.mkdir(parents=True)\n"
        "(place / 'LOG').write_bytes(os.urandom(9))\n"
        "print('loss 0.5')\n",
    )
    run = project.record("python", "train.py")
    assert run["manifest"]["result"].get("outputs", []) == []
    (said,) = (item for item in run["manifest"]["findings"] if "Aim" in item["message"])
    assert said["severity"] == "risks" and "not read" in said["message"]
    assert project.replay(engine="venv").expect(0).verdict == "identical"
