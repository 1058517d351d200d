"""Names of runs: what may be one, what is ambiguous, what there is before any run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workbench import Project

from repro.manifest import Manifest, dumps, run_id
from repro.store import Store


def test_a_name_moves_to_the_newer_run(project: Project) -> None:
    first, second = (
        project.record("python", "train.py", options=("--name", "best")) for _ in range(2)
    )
    assert first["id"] != second["id"]
    assert project.repro("show", "best", "--json").expect(0).document["id"] == second["id"]
    assert [run["names"] for run in project.runs()] == [["best"], []]


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
    assert project.repro("show", ids[1], "--json").expect(0).document["id"] == ids[1]


def test_without_any_run_the_first_step_is_named(project: Project) -> None:
    for command in ("show", "replay"):
        done = project.repro(command)
        done.complains(2, "no run has been recorded", "repro run -- python train.py")


@pytest.mark.parametrize("name", ["latest", "-x", "a/b", "", "ü", "a b"])
def test_what_cannot_be_a_name_is_refused_before_anything_runs(project: Project, name: str) -> None:
    done = project.repro("run", f"--name={name}", "--", "touch", "ran")
    done.complains(2, "cannot be the name of a run")
    assert not (project.path / "ran").exists()
