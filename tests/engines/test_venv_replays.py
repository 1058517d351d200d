"""The engine without isolation: a fresh venv, a cleaned environment, and it says what it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Done, Project

from repro.manifest import Interpreter
from repro.store import Store

LOOK_AROUND = """\
import json, os, sys
facts = {"environ": dict(os.environ), "prefix": sys.prefix, "cwd": os.getcwd(), "path": sys.path,
         "home": os.path.expanduser("~"), "executable": sys.executable}
print("FACTS " + json.dumps(facts), file=sys.stderr, flush=True)
open("answer.txt", "w").write("always the same")
"""


def facts_of(done: Done) -> dict[str, Any]:
    (line,) = (line for line in done.err.splitlines() if line.startswith("FACTS "))
    found: dict[str, Any] = json.loads(line.removeprefix("FACTS "))
    return found


def test_its_verdict_says_that_it_is_not_isolated(project: Project) -> None:
    project.record("python", "train.py")
    done = project.repro("replay", "--engine", "venv").expect(0)
    assert done.out.startswith("identical")
    assert "not isolated" in done.out
    document = project.replay(engine="venv").expect(0).document
    assert document["sides"]["b"]["isolation"] == "not isolated"
    assert any("not isolated" in note for note in document["notes"])


def test_it_has_a_venv_of_its_own_and_a_cleaned_environment(
    project: Project, tmp_path: Any
) -> None:
    project.write("look.py", LOOK_AROUND)
    project.write("repro.yaml", "env: [ALLOWED]\nlog: {ignore: ['*']}\n")
    project.commit()
    project.record("python", "look.py", env={"ALLOWED": "as recorded"})
    mine = {"ALLOWED": "of today", "NOT_ALLOWED": "x", "PYTHONPATH": str(tmp_path),
            "PYTHONHASHSEED": "5", "AWS_SECRET_ACCESS_KEY": "y"}  # fmt: skip
    facts = facts_of(project.replay(engine="venv", env=mine).expect(0))
    environ = facts["environ"]
    assert environ["ALLOWED"] == "as recorded"
    assert not {"NOT_ALLOWED", "PYTHONPATH", "PYTHONHASHSEED", "AWS_SECRET_ACCESS_KEY"} & set(
        environ
    )
    sessions = str(project.path / ".repro" / "tmp")
    for place in ("prefix", "cwd", "home", "executable"):
        assert facts[place].startswith(sessions), place
    assert environ["VIRTUAL_ENV"] == facts["prefix"]
    assert str(tmp_path / "scratch") not in facts["path"]


def test_each_replay_has_a_fresh_one(project: Project) -> None:
    """What a training leaves in its environment, or its home, is not there the next time."""
    project.write(
        "train.py",
        "import os, sys, json, pathlib\n"
        "marks = [pathlib.Path(sys.prefix) / 'mark', pathlib.Path.home() / 'mark']\n"
        "found = [mark.exists() for mark in marks] if '.repro' in sys.prefix else [False, False]\n"
        "if '.repro' in sys.prefix: [mark.touch() for mark in marks]\n"
        "json.dump({'found': found}, open('metrics.json', 'w'))\n",
    )
    project.record("python", "train.py")
    for _ in range(2):
        assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_the_recorded_packages_are_in_it_and_no_others(
    project: Project, rates: Callable[[str], None]
) -> None:
    rates("1.5")
    project.write(
        "train.py",
        "import importlib.metadata as about, json\n"
        "names = sorted(item.metadata['Name'].lower() + item.version for item in about.distributions())\n"
        "json.dump({'names': names}, open('metrics.json', 'w'))\n",
    )
    run = project.record("python", "train.py")
    (metric,) = run["manifest"]["result"]["metrics"]
    assert (metric["name"], metric["value"]) == ("names.0", "repro-test-rates1.5")
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_an_interpreter_that_is_not_to_be_had_makes_it_unreplayable(project: Project) -> None:
    store = Store(project.path / ".repro")
    run = project.record("python", "train.py")["id"]
    manifest = store.run(run).manifest
    environment = replace(manifest.definition.environment, interpreter=Interpreter("3.99.9"))
    definition = replace(manifest.definition, environment=environment)
    other = store.add(replace(manifest, definition=definition)).id
    document = project.replay(other, engine="venv").expect(3).document
    assert document["verdict"] == "unreplayable" and "3.99" in " ".join(document["reasons"])


PIPELINE = "sort points > sorted && awk '{s += $1} END {print \"mean:\", s / NR}' sorted"


def test_a_run_without_python_is_executed_with_the_programs_of_this_machine(
    project: Project,
) -> None:
    project.write("points", "3\n1\n2\n")
    project.commit()
    run = project.repro("run", "--", "sh", "-c", PIPELINE, cwd=project.path).expect(0)
    assert "next: repro replay" in run.err and "--engine venv" in run.err.splitlines()[-1]
    done = project.repro("replay", "latest", "--engine", "venv", cwd=project.path).expect(0)
    assert done.out.startswith("identical: 1 metric equal, 1 output bit for bit the same")
    assert "programs that this" in done.out and "machine has now" in " ".join(done.out.split())


def test_another_program_of_that_name_turns_it_red(project: Project, tmp_path: Path) -> None:
    """What this machine has now need not be what it had."""
    project.write("points", "3\n1\n2\n")
    project.commit()
    project.record("sh", "-c", PIPELINE)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/awk").write_text("#!/bin/sh\necho mean: 5\n")
    (tmp_path / "bin/awk").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{project.repro.path}"
    done = project.replay(engine="venv", env={"PATH": path}).expect(1)
    assert done.verdict == "different" and "mean" in done.document["reasons"][0]


def test_a_run_in_an_image_is_none_of_this_machine(project: Project) -> None:
    project.write("repro.yaml", "image: repro-test/none\n")
    project.record("sh", "-c", "echo hello > out.txt")
    document = project.replay(engine="venv").expect(3).document
    assert document["verdict"] == "unreplayable" and "--engine docker" in document[
        "next_step"
    ] + " ".join(document["reasons"] + document["notes"])


@pytest.mark.parametrize("word", [sys.executable, "python3"])
def test_the_interpreter_is_replaced_however_it_was_called(project: Project, word: str) -> None:
    """By its full path, too: that of the recording machine is not meant."""
    project.write(
        "train.py",
        "import json, sys\njson.dump({'one': 1}, open('metrics.json', 'w'))\n"
        "print('PREFIX ' + sys.prefix, file=sys.stderr)\n",
    )
    if word == sys.executable:
        word = project.repro.path.split(":")[0] + "/python"
    project.record(word, "train.py")
    done = project.replay(engine="venv").expect(0)
    assert f"PREFIX {project.path}/.repro/tmp/" in done.err
