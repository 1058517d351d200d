"""`repro verify --self-test`: a run has to turn red when something of it is changed."""

from __future__ import annotations

import itertools
from concurrent.futures import Future

import pytest
from workbench import Project

from repro import project as projects
from repro.verifying import Chosen, Request
from repro.verifying.self_test import self_test
from repro.verifying.tasks import Outcome, Task

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


class Elsewhere:
    """A place whose every replay is red, on machines by turns."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = itertools.cycle(hosts)

    def submit(self, task: Task) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        outcome = Outcome(mutated="a change", verdict="different", host=next(self._hosts))
        future.set_result(outcome)
        return future

    def cancel(self) -> None:
        pass


@pytest.mark.parametrize(
    ("steady", "passed"), [({"b"}, True), ({"a", "b"}, True), ({"c"}, False), (set(), False)]
)
def test_red_on_a_machine_that_was_not_green_says_nothing(
    project: Project, steady: set[str], passed: bool
) -> None:
    project.record("python", "train.py")
    opened = projects.locate(project.path)
    (identity,) = opened.store.run_ids()
    chosen = [Chosen(opened.store.run(identity))]
    (test,) = self_test(opened, chosen, Request(), Elsewhere("a", "b"), [steady])
    assert test.passed is passed
    assert passed or "on a, where no unchanged replay of it passed" in test.error


def test_a_run_that_is_red_anyway_is_not_caught(project: Project) -> None:
    project.write(
        "train.py",
        "import json, random\njson.dump({'x': random.random()}, open('metrics.json', 'w'))",
    )
    project.commit()
    project.record("python", "train.py", options=("--name", "random"))
    done = project.repro("verify", "random", "--engine", "venv", "--self-test", "--json").expect(1)
    (test,) = done.document["self_tests"]
    assert test["caught"] == [] and "here, where no unchanged replay" in test["error"]
