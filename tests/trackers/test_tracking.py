"""Runs as MLflow knows them: `repro capture --mlflow`, `mlflow:RUN_ID`, `models:/NAME@ALIAS`."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from tracker_files import database, tracked
from workbench import Project

A, B = "a" * 32, "b" * 32
LOGS = f"""\
import json, sqlite3, sys, time
open("metrics.json", "w").write(json.dumps({{"own": 1}}))
sys.path.insert(0, {str(Path(__file__).parent)!r})
from tracker_files import tracked
base = sqlite3.connect("mlflow.db")
tracked(base, "{B}", time.time(), [("loss", 0, 0.5), ("loss", 1, 0.25)])
base.close()
"""


@pytest.fixture
def logged(project: Project) -> Project:
    """A project whose mlflow.db has one run of last year, and whose training logs another."""
    project.write("train.py", LOGS)
    project.write(".gitignore", "mlflow.db\n")
    project.commit()
    base = database(project.path / "mlflow.db")
    tracked(base, A, time.time() - 3e7, [("loss", 0, 0.5), ("loss", 1, 0.75)])
    base.execute("insert into tags values ('mlflow.source.git.commit', ?, ?)", ("c" * 40, A))
    base.commit()
    base.close()
    return project


def test_a_recorded_run_is_found_by_the_id_that_mlflow_gave_it(logged: Project) -> None:
    run = logged.record("python", "train.py")
    sources = {item["path"]: item for item in run["manifest"]["result"]["metric_sources"]}
    assert sources["mlflow.db"]["runs"] == [B]
    shown = logged.repro("show", f"mlflow:{B}", "--json").expect(0).document
    assert shown["id"] == run["id"]
    logged.repro("show", f"mlflow:{A}").complains(
        2, "which was not recorded by repro", f"repro capture --mlflow {A}"
    )


def test_a_run_is_found_by_the_model_that_came_of_it(logged: Project) -> None:
    run = logged.record("python", "train.py")
    base = sqlite3.connect(logged.path / "mlflow.db")
    base.execute("create table if not exists model_versions (name, version, run_id, current_stage)")
    base.execute("create table if not exists registered_model_aliases (alias, version, name)")
    base.execute("insert into model_versions (name, version, run_id) values ('m', 3, ?)", (B,))
    base.execute(
        "insert into registered_model_aliases (alias, version, name) values ('best', 3, 'm')"
    )
    base.commit()
    base.close()
    for wanted in ("models:/m/3", "models:/m@best"):
        assert logged.repro("show", wanted, "--json").expect(0).document["id"] == run["id"]
    logged.repro("show", "models:/m@worst").complains(2, "is not in this registry")


def test_a_run_of_last_year_is_taken_down(logged: Project) -> None:
    done = logged.repro("capture", "--mlflow", A, "--json", "--", "python", "train.py").expect(0)
    manifest = done.document["manifest"]
    assert not manifest["result"].get("observed", False)
    (loss,) = [item for item in manifest["result"]["metrics"] if item["source"] == "mlflow.db"]
    assert loss["values"] == [0.5, 0.75]
    said = [item["message"] for item in manifest["findings"] if item["subject"] == "source"]
    assert any("made from commit cccccccccccc; what is recorded is" in item for item in said)
    found = logged.repro("show", f"mlflow:{A}", "--json").expect(0).document
    assert found["id"] == done.document["id"]


def test_its_metrics_stand_beside_those_of_a_run_that_is_recorded(logged: Project) -> None:
    logged.repro("capture", "--mlflow", A, "--", "python", "train.py").expect(0)
    logged.record("python", "train.py")
    comparison = (
        logged.repro("diff", "latest~1", "latest", "--json").expect(1).document["comparison"]
    )
    (loss,) = [item for item in comparison["metrics"] if item["name"] == "loss"]
    assert loss["status"] == "different" and loss["first_step"] == 1


def test_what_mlflow_does_not_have_is_said(logged: Project) -> None:
    logged.repro("capture", "--mlflow", "nope", "--", "python", "train.py").complains(
        2, "has no run nope", "MLFLOW_TRACKING_URI"
    )
    assert logged.runs() == []
    (logged.path / "mlflow.db").unlink()
    logged.repro("capture", "--mlflow", A, "--", "python", "train.py").complains(
        2, "MLflow is not to be found"
    )
