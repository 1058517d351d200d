"""RUN: an id, a prefix, a name, latest~N, a git revision, the path of an output."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workbench import Project

from repro.manifest import Manifest, dumps, run_id
from repro.store import Store


@pytest.fixture
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


def test_a_name_moves_to_the_newer_run(project: Project, runs: list[str]) -> None:
    newer = project.record("python", "train.py", options=("--name", "second"))
    assert resolved(project, "second") == newer["id"]


def test_a_file_that_no_run_made_is_said_so(project: Project, runs: list[str]) -> None:
    project.write("foreign.txt", "never made by a run\n")
    done = project.repro("show", "foreign.txt")
    done.complains(2, "no recorded run yielded the content of foreign.txt")


def test_an_ambiguous_prefix_names_the_candidates(project: Project) -> None:
    project.record("python", "train.py")
    store = Store(project.path / ".repro")
    (identity,) = store.run_ids()
    known = store.run(identity).manifest
    seen: dict[str, Manifest] = {}
    for number in range(10_000):
        made = replace(known, created=f"2026-01-01T00:00:00.{number:06}Z")
        made_id = run_id(dumps(made))
        if made_id[:4] in seen:
            break
        seen[made_id[:4]] = made
    ids = [store.add(item).id for item in (made, seen[made_id[:4]])]
    shown = [item[:12] for item in ids]
    for command in ("show", "replay"):
        done = project.repro(command, made_id[:4])
        done.complains(2, "is the beginning of 2 runs", *shown, "give more digits")
    assert resolved(project, ids[1]) == ids[1]


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
    commit = project.commit("Nobody ran this")
    project.repro("show", "HEAD").complains(2, f"there is no run of commit {commit[:12]}")


def test_without_any_run_the_first_step_is_named(project: Project) -> None:
    for command in ("show", "replay"):
        done = project.repro(command)
        done.complains(2, "no run has been recorded", "repro run -- python train.py")


@pytest.mark.parametrize("name", ["latest", "-x", "a/b", "", "ü", "a b"])
def test_what_cannot_be_a_name_is_refused_before_anything_runs(project: Project, name: str) -> None:
    done = project.repro("run", f"--name={name}", "--", "touch", "ran")
    done.complains(2, "cannot be the name of a run")
    assert not (project.path / "ran").exists()
