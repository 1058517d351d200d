"""`repro verify --self-test`: a run has to turn red when something of it is changed."""

from __future__ import annotations

from workbench import Project

DEAF = "import json\nx = 10\njson.dump({'loss': 0.5}, open('metrics.json', 'w'))\n"


def test_a_run_that_notices_passes_and_nothing_of_it_is_stored(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py", options=("--name", "train"))
    words = ("verify", "train", "--engine", "venv", "--self-test")
    done = dvc_project.repro(*words, "--json").expect(0).document
    (test,) = done["self_tests"]
    assert test["passed"] and test["caught"][0]["verdict"] == "different"
    assert "params.json" in test["caught"][0]["change"]
    assert dvc_project.runs()[0]["replays"] == 1, "the one that was not changed"
    assert "1 of 1 turned red when changed" in dvc_project.repro(*words, "-q").expect(0).out


def test_a_run_that_notices_nothing_fails_though_it_is_green(project: Project) -> None:
    project.write("train.py", DEAF)
    project.commit()
    project.record("python", "train.py", options=("--name", "deaf"))
    words = ("verify", "deaf", "--engine", "venv", "--self-test")
    done = project.repro(*words, "-q").expect(1)
    assert "identical" in done.out
    assert "no change turned it red: its green says nothing" in done.out


def test_a_run_without_anything_to_change_says_so(project: Project) -> None:
    project.write("params.json", "{}")
    project.commit()
    command = ("sh", "-c", "echo 0.5 > loss.txt; echo loss 0.5")
    project.record(*command, options=("--name", "shell"))
    words = ("verify", "shell", "--engine", "venv", "--self-test")
    done = project.repro(*words, "-q").expect(1)
    assert "nothing in it that could be changed" in done.out
