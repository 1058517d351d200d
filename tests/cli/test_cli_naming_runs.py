"""RUN: an id, a prefix, a name, latest~N, a git revision, the path of an output."""

from __future__ import annotations

import pytest
from workbench import Project


@pytest.fixture(scope="module")
def project(shared_project: Project) -> Project:
    return shared_project


@pytest.fixture(scope="module")
def runs(project: Project) -> list[str]:
    """Three runs of three commits, oldest first; the second is called `second`."""
    found = []
    for number, options in enumerate(((), ("--name", "second"), ())):
        project.write("train.py", f"open('out.txt', 'w').write('made {number}\\n')\n")
        project.commit(f"Number {number}")
        found.append(project.record("python", "train.py", options=options)["id"])
    return found


def resolved(project: Project, wanted: str) -> str:
    return str(project.repro("show", wanted, "--json").expect(0).document["id"])


def test_a_run_can_be_named_in_every_documented_way(project: Project, runs: list[str]) -> None:
    first, second, third = runs
    assert resolved(project, first) == first
    assert resolved(project, first[:12]) == first
    assert resolved(project, "second") == second
    assert resolved(project, "latest") == third
    assert resolved(project, "latest~1") == second
    assert resolved(project, "latest~2") == first
    assert resolved(project, "HEAD") == third
    assert resolved(project, "HEAD~2") == first
    assert resolved(project, "main") == third
    assert resolved(project, project.git("rev-parse", "HEAD~1")) == second
    assert resolved(project, "out.txt") == third
    project.git("tag", "v1", "HEAD~1")
    assert resolved(project, "v1") == second


def test_a_file_finds_the_run_that_made_its_content(project: Project, runs: list[str]) -> None:
    project.write("elsewhere/old.txt", "made 0\n")
    assert resolved(project, "elsewhere/old.txt") == runs[0]


def test_a_file_that_no_run_made_is_said_so(project: Project, runs: list[str]) -> None:
    project.write("foreign.txt", "never made by a run\n")
    done = project.repro("show", "foreign.txt")
    done.complains(2, "no recorded run yielded the content of foreign.txt")


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        ("secnd", ("there is no run 'secnd'", "did you mean second?")),
        ("latest~7", ("there are not that many runs", "repro list")),
        ("nowhere/at/all.bin", ("there is no run 'nowhere/at/all.bin'",)),
        ("ffffffffffff", ("there is no run 'ffffffffffff'",)),
    ],
)
def test_an_unknown_run_is_met_with_the_nearest(
    project: Project, runs: list[str], wanted: str, parts: tuple[str, ...]
) -> None:
    for command in ("show", "replay"):
        project.repro(command, wanted).complains(2, *parts)


def test_a_mistyped_id_is_met_with_the_nearest(project: Project, runs: list[str]) -> None:
    wrong = runs[0][:6] + ("0" if runs[0][6] != "0" else "1") + runs[0][7:12]
    project.repro("show", wrong).complains(2, f"did you mean {runs[0][:12]}")


def test_a_commit_without_runs_is_said_so(project: Project, runs: list[str]) -> None:
    commit = project.git("commit-tree", "HEAD^{tree}", "-m", "Nobody ran this")
    project.repro("show", commit).complains(2, f"there is no run of commit {commit[:12]}")


def test_metrics_that_share_a_name_are_told_apart_where_they_are_listed(project: Project) -> None:
    project.write(
        "train.py", "print('loss 1.5')\nopen('metrics.json', 'w').write('{\"loss\": 0.5}')\n"
    )
    project.commit()
    project.record("python", "train.py", options=("--name", "n"))
    done = project.repro("noise", "n", "-n", "2", "--engine", "venv", "-q").expect(0)
    assert "bit for bit: <stdout>:loss, loss" in done.out
    project.write("train.py", (project.path / "train.py").read_text().replace(".5", ".25"))
    project.repro("verify", "n", "--current", "--engine", "venv").expect(1)
    project.repro("accept", "n", "--because", "both moved").expect(0)
    text = (project.path / "repro-baselines.yaml").read_text()
    assert '"<stdout>:loss: 1.5 -> 1.25"' in text
    assert '"loss: 0.5 -> 0.25"' in text
