"""`repro noise`: from a training that scatters to a tolerance under which it passes."""

from __future__ import annotations

from workbench import Project

SCATTERS = """\
import json, random
json.dump({"loss": 0.5 + random.random() * 1e-9, "rows": 10}, open("metrics.json", "w"))
"""


def test_what_it_writes_makes_the_replays_pass(project: Project) -> None:
    project.write("train.py", SCATTERS)
    project.commit()
    project.record("python", "train.py", options=("--name", "train"))
    words = ("noise", "train", "-n", "3", "-j", "2", "--engine", "venv")
    found = project.repro(*words, "--write", "--json").expect(0).document
    by_name = {item["name"]: item for item in found["metrics"]}
    assert by_name["rows"]["kind"] == "constant"
    assert 0 < by_name["loss"]["tolerance"]["absolute"] < 1.1e-9
    text = (project.path / "repro.yaml").read_text()
    assert "3 replays of" in text and '"loss": {absolute: ' in text
    done = project.repro("verify", "train", "--engine", "venv", "--json")
    assert done.code in (0, 1), (
        "another replay may scatter farther: that is what the confidence says"
    )
    assert "Traceback" not in done.err


def test_a_replay_that_fails_is_no_measurement(project: Project) -> None:
    project.write("train.py", "import os\nassert os.path.exists('local/here')\n" + SCATTERS)
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py", options=("--name", "train", "--watch", "off"))
    done = project.repro("noise", "train", "-n", "2", "--engine", "venv").expect(3)
    assert done.stdout == b""
    assert "failed" in done.err
