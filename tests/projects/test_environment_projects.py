"""Projects whose environment is the hard part: their own image, another language, a lock, a package."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from training_projects import (
    HERE,
    Document,
    Take,
    comes_out_identical,
    differ,
    findings,
    goes_red,
    metrics,
    outputs,
    ran,
)
from workbench import Project

pytestmark = [pytest.mark.docker, pytest.mark.network]

# --- images of their own --------------------------------------------------------------------


def test_a_dockerfile_with_stages_an_entry_point_and_a_user(take: Take) -> None:
    project = take("own-dockerfile", BASE=workbench.base_image())
    run = project.record("python3", "train.py")
    assert run["manifest"]["definition"]["environment"]["kind"] == "dockerfile"
    expected = {
        "<stdout>:schedule cosine loss",
        "metrics.json:weight",
        "metrics.json:rates",
    }
    document = comes_out_identical(project, expected)
    assert outputs(document) == {"metrics.json": "equal"}
    # a file that git ignores is seen by the recorded run only: nobody watches inside of an image
    project.write("local/weight.txt", "0.5")
    run = project.record("python3", "train.py")
    assert "not watched" in findings(run)
    goes_red(project, {"<stdout>:schedule cosine loss", "metrics.json:weight"})
    project.write("rates.csv", "0.3\n0.2\n")
    project.commit("Another table, and so another image")
    project.record("python3", "train.py")
    red = differ(project, "latest~2", "latest")
    assert "metrics.json:rates" in metrics(red, "different")


def test_the_base_that_an_argument_of_the_dockerfile_names(take: Take) -> None:
    project = take("own-dockerfile", BASE=workbench.base_image())
    run = project.record("python3", "train.py")
    image = run["manifest"]["definition"]["environment"]["image"]
    assert list(image.get("bases", ())) == [workbench.base_image()] or "BASE" in findings(run)


def test_r_in_an_image_without_python(take: Take) -> None:
    project = take("r-in-docker", BASE=workbench.base_image())
    run = project.record("Rscript", "train.R")
    environment = run["manifest"]["definition"]["environment"]
    assert environment["kind"] == "dockerfile"
    assert not environment.get("packages")
    expected = {"<stdout>:rmse", "metrics.csv:rmse", "metrics.csv:slope"}
    document = comes_out_identical(project, expected)
    assert outputs(document) == {"metrics.csv": "equal", "model.rds": "equal"}
    project.write("local/offset.txt", "0.25\n")
    project.record("Rscript", "train.R")
    red = goes_red(project, {"<stdout>:rmse", "metrics.csv:rmse"})
    assert outputs(red) == {"metrics.csv": "different", "model.rds": "equal"}


# --- locks ----------------------------------------------------------------------------------


def in_step_with(project: Project, run: Document, lock: str) -> None:
    """The lock was found and read to its end, and what is installed is what it says."""
    assert run["manifest"]["provenance"]["lockfile"] == lock
    assert run["manifest"]["provenance"]["prefix"] == str(project.path / ".venv")
    packages = run["manifest"]["definition"]["environment"]["packages"]
    assert "numpy" in [item["name"] for item in packages]
    assert lock not in findings(run), "nothing is to be said of it"


def out_of_step(project: Project, lock: str, *command: str) -> None:
    """Another version than the lock's is said by its name, and counts as what it is."""
    (before,) = (item["id"] for item in project.runs())
    python = str(project.path / ".venv/bin/python")
    workbench.uv("pip", "install", "--python", python, "iniconfig==2.0.0")
    run = project.record(*command)
    said = f"installed in another version than {lock} says: iniconfig 2.0.0 (locked: "
    assert said in findings(run)
    # the metrics agree all the same: exit code 1, because something else went in
    done = project.repro("diff", before, run["id"], "--json").expect(1)
    assert "iniconfig" in [item["name"] for item in done.document["comparison"]["ingredients"]]


LOSS = {"history.csv:loss"}


@pytest.fixture
def uv_locked(take: Take) -> Project:
    """Locked and installed here: the file holds addresses of the index."""
    project = take("uv-locked")
    python = {"UV_PYTHON": os.path.realpath(sys.executable)}
    ran(project, "uv", "lock", "--quiet", env=python)
    ran(project, "uv", "sync", "--quiet", env=python)
    project.commit("Locked")
    return project


def test_a_lock_of_uv(uv_locked: Project) -> None:
    command = (".venv/bin/python", "train.py")
    run = uv_locked.record(*command)
    in_step_with(uv_locked, run, "uv.lock")
    (loss,) = comes_out_identical(uv_locked, LOSS)["metrics"]
    assert loss["steps_compared"] == 4
    out_of_step(uv_locked, "uv.lock", *command)
    uv_locked.record(*command, env={"NUDGE": "1"})
    goes_red(uv_locked, LOSS)


def test_uv_run_with_its_own_lock_file(uv_locked: Project) -> None:
    # uv's downloads are where they are for those who do not move them: below home
    below_home = {"UV_CACHE_DIR": None, "XDG_CACHE_HOME": None}
    run = uv_locked.record("uv", "run", "train.py", env=below_home)
    in_step_with(uv_locked, run, "uv.lock")
    document = comes_out_identical(uv_locked, LOSS)
    assert outputs(document) == {"history.csv": "equal"}


@pytest.fixture(scope="session")
def poetry_venv(sealed: None) -> Path:
    """An interpreter with Poetry, which keeps out of the projects' own environments."""
    return workbench.training_venv(HERE / "poetry-tool.lock")


POETRY_PINS = ("numpy==2.4.6", "iniconfig==2.3.1")
"""What poetry.lock says for this platform."""


def test_a_lock_of_poetry(take: Take, poetry_venv: Path) -> None:
    project = take("poetry-locked", poetry_venv)
    venv = project.path / ".venv"
    workbench.uv("venv", "--no-project", "--python", sys.executable, str(venv))
    workbench.uv("pip", "install", "--python", str(venv / "bin/python"), *POETRY_PINS)
    command = ("poetry", "run", "python", "train.py")
    run = project.record(*command)
    in_step_with(project, run, "poetry.lock")
    comes_out_identical(project, LOSS)  # where there is no Poetry
    out_of_step(project, "poetry.lock", *command)
    project.record(*command, env={"NUDGE": "1"})
    goes_red(project, LOSS)


# --- the project is a package ---------------------------------------------------------------


def test_a_command_that_the_project_installs(
    take: Take, tmp_path: Path, use_venv: Callable[[Path], None]
) -> None:
    project = take("console-script")
    venv = tmp_path / "venv"
    workbench.uv("venv", "--no-project", "--python", sys.executable, str(venv))
    python = str(venv / "bin/python")
    workbench.uv("pip", "install", "--python", python, "--editable", str(project.path))
    use_venv(venv)
    run = project.record("fit-lines", "--epochs", "4")
    (package,) = run["manifest"]["definition"]["environment"]["packages"]
    assert (package["name"], package["origin"]) == ("lines-of-ours", "editable")
    expected = {"<stdout>:loss", "out/scores.json:loss"}
    document = comes_out_identical(project, expected)
    steps = {item["source"]: item["steps_compared"] for item in document["metrics"]}
    assert steps["<stdout>"] == 4
    project.write("src/lines/settings.json", '{"rate": 0.07}\n')
    project.record("fit-lines", "--epochs", "4", env={"NUDGE": "0.2"})
    goes_red(project, expected)
    # code and settings are those of the record, whatever became of them
    comes_out_identical(project, expected, "latest~1")
    red = differ(project, "latest~1", "latest")
    assert metrics(red, "different") == expected
    assert "src/lines/settings.json" in str(red["ingredients"])
