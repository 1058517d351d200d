"""`repro init` and `repro doctor` through the command line."""

from __future__ import annotations

import pytest
from workbench import Project


def test_init_writes_a_repro_yaml_that_works_and_changes_nothing_else(
    dvc_project: Project,
) -> None:
    before = dvc_project.git("status", "--porcelain")
    dvc_project.repro("init").expect(0)
    assert dvc_project.git("status", "--porcelain") == "\n".join(
        filter(None, [before, "?? repro.yaml"])
    )
    assert ".repro/" in (dvc_project.path / ".git/info/exclude").read_text()
    text = (dvc_project.path / "repro.yaml").read_text("utf-8")
    assert "params.json" in text and "#" in text
    run = dvc_project.record("python", "train.py")
    assert dvc_project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_init_does_not_overwrite(project: Project) -> None:
    project.write("repro.yaml", "metrics: [metrics.json]\n")
    project.repro("init").complains(2, "repro.yaml", "--force")
    assert (project.path / "repro.yaml").read_text() == "metrics: [metrics.json]\n"
    project.repro("init", "--force").expect(0)
    assert (project.path / "repro.yaml").read_text() != "metrics: [metrics.json]\n"


def test_init_prints_without_writing(project: Project) -> None:
    done = project.repro("init", "--print").expect(0)
    assert "metrics" in done.out
    assert not (project.path / "repro.yaml").exists()


def test_doctor_names_an_engine_that_is_not_there_and_its_remedy(project: Project) -> None:
    done = project.repro("doctor", env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"}).expect(1)
    assert "Docker" in done.out and "start it" in done.out


@pytest.mark.docker
def test_doctor_finds_nothing_wrong_with_a_healthy_project(dvc_project: Project) -> None:
    done = dvc_project.repro("doctor").expect(0)
    assert "Docker" in done.out and not done.err
    assert dvc_project.repro("list").expect(0).out == "no runs\n"


def test_doctor_outside_of_a_repository_says_how_to_begin(project: Project) -> None:
    done = project.repro("doctor", cwd=project.path.parent).expect(0)
    assert "git init" in done.out
