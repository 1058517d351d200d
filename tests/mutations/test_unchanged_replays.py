"""Nothing was changed: ten deterministic projects of different kinds, and all come out identical."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from workbench import PARAMS, POINTS, TRAIN, Project, with_dvc

Record = Callable[[Project], dict[str, Any]]


def a_committed_script(project: Project) -> dict[str, Any]:
    return project.record("python", "train.py")


def data_in_dvc(project: Project) -> dict[str, Any]:
    return with_dvc(project).record("python", "train.py")


def data_changed_since_it_was_added(project: Project) -> dict[str, Any]:
    with_dvc(project)
    (project.path / "data/points.csv").unlink()
    project.write("data/points.csv", POINTS + "3,7\n")
    return project.record("python", "train.py")


def data_in_the_remote_only(project: Project) -> dict[str, Any]:
    import shutil

    with_dvc(project)
    run = project.record("python", "train.py")
    shutil.rmtree(project.path / ".dvc" / "cache")
    (project.path / "data/points.csv").unlink()
    return run


def a_dirty_work_tree(project: Project) -> dict[str, Any]:
    project.write("train.py", TRAIN.replace("0.0", "0.25"))
    project.write("helper.py", "SCALE = 2\n")
    (project.path / "params.json").unlink()
    project.write("params.json", json.dumps({**PARAMS, "seed": 11}))
    project.git("add", "helper.py")
    return project.record("python", "train.py")


def arguments_and_an_allowed_variable(project: Project) -> dict[str, Any]:
    project.write("repro.yaml", "env: [MODE]\n")
    project.write(
        "train.py", TRAIN + "\nimport os\nopen('mode.txt', 'w').write(os.environ['MODE'])\n"
    )
    return project.record("python", "train.py", "3", env={"MODE": "with 'quotes' and $HOME"})


def an_executable_script_and_links(project: Project) -> dict[str, Any]:
    project.write("go.sh", "#!/bin/sh\nset -e\nexec python real.py\n", mode=0o755)
    (project.path / "real.py").symlink_to("train.py")
    project.commit()
    return project.record("./go.sh")


def a_pipeline_of_two_stages(project: Project) -> dict[str, Any]:
    project.write(
        "prepare.py", "open('half.csv', 'w').writelines(list(open('data/points.csv'))[:9])\n"
    )
    project.write("train.py", TRAIN.replace("data/points.csv", "half.csv"))
    project.write(".gitignore", "/models/\n/half.csv\n__pycache__/\n")
    project.dvc("init")
    project.write(
        "dvc.yaml",
        "stages:\n"
        "  prepare: {cmd: python prepare.py, deps: [prepare.py, data/points.csv], outs: [half.csv]}\n"
        "  train:\n    cmd: python train.py\n    deps: [train.py, half.csv]\n"
        "    params: [{params.json: [seed, rate, epochs]}]\n    outs: [models/model.bin]\n"
        "    metrics: [{metrics.json: {cache: false}}]\n"
        "    plots: [{history.csv: {cache: false, x: step}}]\n",
    )
    project.commit("A pipeline")
    run = project.record()
    stages = run["manifest"]["definition"]["command"]["stages"]
    assert [stage["name"] for stage in stages] == ["prepare", "train"]
    return run


def a_subfolder_with_strange_names(project: Project) -> dict[str, Any]:
    folder = "deep er/ünï"
    for name in ("train.py", "params.json", "data/points.csv"):
        project.write(f"{folder}/{name}", (project.path / name).read_bytes())
    project.write(f"{folder}/{os.fsdecode(bytes([0xE9]))}.txt", "latin-1\n")
    project.commit()
    return project.record("python", "train.py", cwd=project.path / folder)


def an_unborn_branch(project: Project) -> dict[str, Any]:
    import shutil

    shutil.rmtree(project.path / ".git")
    project.git("init", "--quiet")
    return project.record("python", "train.py")


def a_training_that_asks_git(project: Project) -> dict[str, Any]:
    project.write(
        "train.py",
        TRAIN + "\nimport subprocess\nhead = subprocess.run(['git', 'rev-parse', 'HEAD'],"
        " capture_output=True, text=True, check=True).stdout.strip()\n"
        "open('version.txt', 'w').write(head)\n",
    )
    project.commit()
    return project.record("python", "train.py")


def nan_on_both_sides(project: Project) -> dict[str, Any]:
    project.write("train.py", "open('metrics.json', 'w').write('{\"loss\": NaN, \"rows\": 3}')")
    return project.record("python", "train.py")


def a_captured_run(project: Project) -> dict[str, Any]:
    project.write(
        "repro.yaml", "metrics: [metrics.json, history.csv]\noutputs: [models/model.bin]\n"
    )
    subprocess.run(["python", "train.py"], cwd=project.path, env=project.repro.environment(),
                   check=True, capture_output=True)  # fmt: skip
    document: dict[str, Any] = (
        project.repro("capture", "--json", "--", "python", "train.py").expect(0).document
    )
    return document


IN_DOCKER: tuple[Record, ...] = (
    a_committed_script,
    data_in_dvc,
    a_dirty_work_tree,
    arguments_and_an_allowed_variable,
    an_executable_script_and_links,
    a_pipeline_of_two_stages,
    a_training_that_asks_git,
    a_subfolder_with_strange_names,
)
WITHOUT: tuple[Record, ...] = (
    a_committed_script,
    data_changed_since_it_was_added,
    data_in_the_remote_only,
    a_pipeline_of_two_stages,
    an_unborn_branch,
    nan_on_both_sides,
    a_captured_run,
)


def identical(project: Project, record: Record, engine: str) -> None:
    run = record(project)
    document = project.replay(run["id"], engine=engine).expect(0).document
    assert document["verdict"] == "identical", document["reasons"]
    assert document["metrics_compared"] >= 1 and not document["next_step"]


@pytest.mark.docker
@pytest.mark.parametrize("record", IN_DOCKER, ids=lambda record: record.__name__)
def test_an_unchanged_replay_in_docker_is_identical(project: Project, record: Record) -> None:
    identical(project, record, "docker")


@pytest.mark.parametrize("record", WITHOUT, ids=lambda record: record.__name__)
def test_an_unchanged_replay_without_isolation_is_identical(
    project: Project, record: Record
) -> None:
    identical(project, record, "venv")


@pytest.mark.docker
def test_a_second_and_a_third_replay_are_identical_too(project: Project) -> None:
    run = project.record("python", "train.py")
    for _ in range(3):
        assert project.replay(run["id"]).expect(0).verdict == "identical"
    (row,) = project.runs()
    assert row["replays"] == 3 and row["verdict"] == "identical"
