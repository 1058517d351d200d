"""Training on the CPU with torch: its packages are gigabytes for some, so it runs when it is asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import workbench
from training_projects import Take, comes_out_identical, goes_red, outputs

if os.environ.get("REPRO_TEST_TORCH"):
    pytestmark = [pytest.mark.docker, pytest.mark.network]
else:
    # without the marker of the engine's tests: CI refuses to have one of those skipped
    pytestmark = pytest.mark.skip(reason="REPRO_TEST_TORCH is not set: torch is large")


@pytest.fixture(scope="session")
def torch_venv(sealed: None) -> Path:
    """An interpreter with the torch that the index, or the folder of wheels, offers."""
    folder = workbench.BUILD / "venvs" / "torch"
    with workbench.locked(folder):
        if not (folder / "made").exists():
            python = str(folder / "bin/python")
            workbench.uv("venv", "--clear", "--no-project", "--python", sys.executable, str(folder))
            workbench.uv("pip", "install", "--python", python, "torch==2.13.0", "numpy==2.4.6")
            (folder / "made").touch()
    return folder


def test_a_checkpoint_that_the_training_goes_on_from(take: Take, torch_venv: Path) -> None:
    project = take("torch-checkpoint", torch_venv)
    run = project.record("python", "train.py")
    inputs = run["manifest"]["definition"].get("inputs", [])
    assert inputs == [], "it wrote the checkpoint before it read it"
    expected = {"<stdout>:train_loss", "metrics.json:mse"}
    document = comes_out_identical(project, expected)
    steps = {item["name"]: item["steps_compared"] for item in document["metrics"]}
    assert steps["train_loss"] == 6
    assert outputs(document) == {"checkpoints/last.pt": "equal", "metrics.json": "equal"}
    project.record("python", "train.py", env={"NUDGE": "0.5"})
    red = goes_red(project, expected)
    assert outputs(red)["checkpoints/last.pt"] == "different"
    (content,) = (
        item["content"] for item in red["outputs"] if item["path"] == "checkpoints/last.pt"
    )
    assert content["format"] == "torch checkpoint" and not content["reason"]
    assert content["parts"] and content["differing"] and not content["inside"]
