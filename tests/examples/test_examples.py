"""The example projects, recorded and replayed in Docker through the installed command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench import ROOT, Project, Repro

pytestmark = [pytest.mark.docker, pytest.mark.network]


@pytest.fixture
def prepared(
    tmp_path: Path, repro: Repro, packed_venv: Path, use_venv: Callable[[Path], None]
) -> Callable[[str], Project]:
    """Makes a project of an example, as its README says."""
    use_venv(packed_venv)

    def prepare(example: str) -> Project:
        path = tmp_path / example
        script = ROOT / "examples" / "prepare.sh"
        subprocess.run(
            ["bash", script, example, path],
            env=repro.environment(),
            check=True,
            capture_output=True,
        )
        repro.folder = path
        return Project(path, repro)

    return prepare


def test_breast_cancer_comes_out_identical_model_file_included(
    prepared: Callable[[str], Project],
) -> None:
    project = prepared("breast-cancer")
    run = project.record("python", "train.py")
    breaking = [
        item for item in run["manifest"].get("findings", ()) if item["severity"] == "breaks"
    ]
    assert not breaking
    definition = run["manifest"]["definition"]
    assert [item["path"] for item in definition["data"]] == ["data/breast_cancer.csv"]
    assert {"scikit-learn", "numpy", "pyyaml"} <= {
        item["name"] for item in definition["environment"]["packages"]
    }
    done = project.replay().expect(0)
    document = done.document
    assert document["verdict"] == "identical"
    compared = [item["source"] for item in document["metrics"]]
    assert compared.count("metrics.json") == 10 and "<stdout>" in compared
    assert {item["path"]: item["status"] for item in document["outputs"]} == {
        "metrics.json": "equal",
        "models/model.pkl": "equal",
    }
    assert "800 trees" in done.err, "the log is shown live"


def test_the_digits_pipeline_is_recorded_with_its_stages_and_comes_out_identical(
    prepared: Callable[[str], Project],
) -> None:
    project = prepared("digits-pipeline")
    run = project.record()
    command = run["manifest"]["definition"]["command"]
    assert [stage["name"] for stage in command["stages"]] == ["prepare", "train", "evaluate"]
    assert command["stages"][1]["inputs"] and command["stages"][1]["outputs"]
    times = {item["name"]: item.get("seconds") for item in run["manifest"]["result"]["stages"]}
    assert list(times) == ["prepare", "train", "evaluate"]
    assert all(seconds and seconds > 0 for seconds in times.values())
    assert "train (" in project.repro("show").expect(0).out
    again = project.record()["manifest"]["result"]["stages"]
    assert [item.get("seconds") for item in again] == [None, None, None], "nothing has changed"
    document = project.replay(run["id"]).expect(0).document
    assert document["verdict"] == "identical"
    compared = {(item["source"], item["name"]) for item in document["metrics"]}
    assert {("history.csv", "loss"), ("metrics.json", "test.log_loss")} <= compared
    outputs = {item["path"]: item["status"] for item in document["outputs"]}
    assert outputs["models/model.pkl"] == "equal"
    assert outputs["data/split/train.csv"] == outputs["data/split/test.csv"] == "equal"


def test_unseeded_threads_come_out_different_and_the_first_differing_step_is_named(
    prepared: Callable[[str], Project],
) -> None:
    project = prepared("unseeded-threads")
    project.record("python", "train.py")
    done = project.repro("replay", "latest").expect(1)
    assert done.out.startswith("different:")
    assert "test.log_loss" in done.out
    assert "next: " in done.out
    document = project.replay().expect(1).document
    red = {item["name"]: item for item in document["metrics"] if item["status"] == "different"}
    assert {"test.log_loss", "train.log_loss", "loss"} <= red.keys()
    assert red["loss"]["first_step"] == 1
    assert red["loss"]["differing_steps"] == red["loss"]["steps_a"] == 20
    assert "metrics differ: " in document["reasons"][0] and "loss" in document["reasons"][0]
    assert "seed every generator" in document["next_step"], "two replays did not agree either"
