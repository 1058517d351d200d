"""`repro verify --resume K`: a training continued from its checkpoint has to equal the same at once."""

from __future__ import annotations

import pytest
from workbench import Project

TRAIN = """\
import json, os, random, sys
steps, resume = int(sys.argv[1]), "--resume" in sys.argv
generator = random.Random(5)
state = {"step": 0, "loss": 1.0, "history": []}
if resume:
    state = json.load(open("last.ckpt"))
    if KEEPS_STATE:
        kind, inner, gauss = state["generator"]
        generator.setstate((kind, tuple(inner), gauss))
for step in range(state["step"], steps):
    state["loss"] *= 1 - generator.random() / 10
    print(f"step {step} loss={state['loss']!r}")
    state["history"].append(state["loss"])
state["step"] = steps
state["generator"] = generator.getstate()
json.dump(state, open("last.ckpt", "w"))
print(f"final loss: {state['loss']!r}")
json.dump({"loss": state["loss"]}, open("metrics.json", "w"))
"""
CONFIG = """\
resume:
  start: python train.py {steps}
  continue: python train.py {steps} --resume
"""


def resuming(project: Project, keeps_state: bool) -> Project:
    project.write("train.py", TRAIN.replace("KEEPS_STATE", str(keeps_state)))
    project.write("repro.yaml", CONFIG)
    project.commit()
    project.record("python", "train.py", "6", options=("--name", "train", "--watch", "off"))
    return project


@pytest.mark.docker
def test_a_training_that_keeps_its_state_passes(project: Project) -> None:
    resuming(project, keeps_state=True)
    done = project.repro("verify", "train", "--resume", "3", "--json").expect(0).document
    (run,) = done["runs"]
    assert run["verdict"] == "identical" and run["values_compared"] >= 3
    comparison = run["replays"][0]["comparison"]
    assert comparison["sides"]["b"]["called"] == "3 steps and 3 more"
    assert "with the record nothing was" in done["notes"][0]
    assert project.runs()[0]["replays"] == 0, "it is no replay of the run"


def test_one_that_forgets_it_is_different_from_the_first_step_after(project: Project) -> None:
    resuming(project, keeps_state=False)
    words = ("verify", "train", "--resume", "3", "--engine", "venv", "--json")
    (run,) = project.repro(*words).expect(1).document["runs"]
    series = [item for item in run["replays"][0]["comparison"]["metrics"] if item["steps_a"]]
    assert series and all(item["first_step"] == 3 for item in series)
    text = project.repro(*words[:-1], "-q").expect(1).out
    assert "6 steps at once" in text and "3 steps and 3 more" in text


def test_a_part_that_fails_is_no_pass(project: Project) -> None:
    resuming(project, keeps_state=True)
    project.write("repro.yaml", CONFIG.replace("--resume", "--resume; exit 3"))
    words = ("verify", "train", "--resume", "3", "--engine", "venv", "--json")
    (run,) = project.repro(*words).expect(3).document["runs"]
    assert run["verdict"] == "failed"


def test_a_project_that_does_not_say_how_is_told(project: Project) -> None:
    project.record("python", "train.py", options=("--name", "train"))
    project.repro("verify", "train", "--resume", "3").complains(2, "resume: {start")
    project.write("repro.yaml", "resume: {start: python train.py, continue: python train.py}\n")
    project.repro("verify", "train", "--resume", "3").complains(2, "expected {steps}")
