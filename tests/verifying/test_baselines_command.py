"""`repro accept`, and `repro verify` without a run: a team's baselines, from the first to the next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from workbench import Project

from repro import baselines

TRAIN = """\
import json, pathlib
rate = json.loads(pathlib.Path("params.json").read_text())["rate"]
json.dump({"loss": 1 - rate}, open("metrics.json", "w"))
"""


@pytest.fixture
def team(project: Project) -> Project:
    """A project with one accepted baseline, committed."""
    project.write("train.py", TRAIN)
    project.write("params.json", '{"rate": 0.25}')
    project.write("docs/notes.md", "# Notes\n")
    project.commit()
    project.record("python", "train.py", options=("--name", "train"))
    project.repro("accept", "train", "--as-recorded", "--because", "first").expect(0)
    project.commit("First baseline")
    return project


def verify(
    project: Project, *words: str, code: int = 0, cwd: Path | None = None
) -> dict[str, object]:
    done = project.repro("verify", "--engine", "venv", "--json", *words, cwd=cwd)
    document: dict[str, object] = done.expect(code).document
    return document


def test_without_a_run_the_baselines_are_verified(team: Project) -> None:
    (run,) = verify(team)["runs"]  # type: ignore[misc]
    assert (run["name"], run["why"], run["verdict"]) == ("train", "baseline", "identical")


def test_without_a_baseline_it_says_how_to_get_one(project: Project) -> None:
    project.repro("verify").complains(2, "names no baseline", "repro accept RUN --because")


def test_a_change_is_held_to_the_baseline_and_accepted_with_its_reason(team: Project) -> None:
    team.write("params.json", '{"rate": 0.5}')
    (run,) = verify(team)["runs"]  # type: ignore[misc]
    assert run["verdict"] == "identical", "as it was recorded it yields the same"
    (run,) = verify(team, "--current", code=1)["runs"]  # type: ignore[misc]
    assert run["verdict"] == "different"
    changed = {item["ingredient"] for item in run["replays"][0]["comparison"]["ingredients"]}
    assert {"source", "params"} <= changed
    text = team.repro("verify", "--current", "--engine", "venv", "-q").expect(1).out
    assert "rate" in text and "0.75" in text and "0.5" in text

    team.repro("accept", "train").complains(2, "why is it accepted?")
    done = team.repro("accept", "train", "--because", "faster rate").expect(0)
    assert "loss: 0.75 -> 0.5" in done.out
    known = baselines.load(team.path)
    (now,), (before,) = known.current, known.history
    assert (now.because, now.replaces, now.verdict) == ("faster rate", before.run, "different")
    assert now.by == "Tester <tester@example.org>"
    shown = team.repro("show", "train", "--json").expect().document["manifest"]
    assert [item["value"] for item in shown["definition"]["params"] if item["name"] == "rate"] == [
        0.5
    ]
    assert verify(team, "--current")["passed"]
    assert verify(team)["passed"], "the baseline's own source is what was accepted"


def test_only_what_a_change_can_affect_is_verified(team: Project) -> None:
    manifest = team.repro("show", "train", "--json").expect().document["manifest"]
    if not manifest["result"].get("source_read"):
        pytest.skip("strace is not here: every change can affect every run")
    team.write("docs/notes.md", "# More notes\n")
    team.write("docs/new.md", "x")
    found = verify(team, "--changed")
    assert (found["runs"], found["passed"]) == ([], True)
    assert "none of the changed files can affect it: train" in found["notes"][0]  # type: ignore[index]
    assert "nothing to verify" in team.repro("verify", "--changed").expect(0).out
    team.write("train.py", TRAIN + "# slower\n")
    (run,) = verify(team, "--changed")["runs"]  # type: ignore[misc]
    assert (run["why"], run["verdict"]) == ("changed: train.py", "identical")
    team.repro("verify", "--changed=nowhere").complains(2, "is no commit")


def test_a_new_file_beside_one_that_was_read_counts(team: Project) -> None:
    team.write(
        "json.py", "def loads(text): return {'rate': 9}\ndef dump(a, b): b.write('{\"loss\": 9}')\n"
    )
    (run,) = verify(team, "--changed", code=1)["runs"]  # type: ignore[misc]
    assert run["verdict"] == "different"


def test_a_fresh_clone_pulls_the_baseline_from_where_it_says(team: Project, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    pushed = team.repro("push", "train", str(shared)).expect(0)
    words = ("accept", "train", "--as-recorded", "--because", "shared", "--from")
    team.repro(*words, f"{shared}:train").expect(0)
    team.commit("Say where it is")
    clone = tmp_path / "clone"
    team.git("clone", "--quiet", str(team.path), str(clone))
    assert verify(team, cwd=clone)["passed"], pushed
    shutil.rmtree(clone / ".repro")
    shutil.rmtree(shared)
    team.repro("verify", "--engine", "venv", cwd=clone).complains(2, str(shared))


def test_what_did_not_finish_is_not_accepted(team: Project) -> None:
    team.write("train.py", "raise SystemExit(3)\n")
    team.commit()
    team.record("python", "train.py", options=("--name", "broken"), code=3)
    words = ("--because", "x")
    team.repro("accept", "broken", "--as-recorded", *words).complains(2, "did not finish")
    team.repro("accept", "broken", *words).complains(2, "never replayed")
    assert len(baselines.load(team.path).current) == 1


def test_the_document_of_what_was_accepted(team: Project) -> None:
    team.repro("verify", "--engine", "venv").expect(0)
    done = team.repro("accept", "train", "--because", "again", "--this-host", "--json").expect(0)
    assert done.document["host"]["gpu"]
    assert json.loads(done.stdout)["changes"] == []
    assert len(baselines.load(team.path).current) == 2
