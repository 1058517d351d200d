"""`repro verify` as a pipeline calls it: several runs, several replays, one exit code."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from workbench import Project, containers, docker, eventually, forked

UNSEEDED = "import json, random\njson.dump({'loss': random.random()}, open('metrics.json', 'w'))\n"
SEEDED = UNSEEDED.replace("json.dump", "random.seed(3)\njson.dump", 1)
# Slow only where it is replayed.
SLOW = forked("import time\ntime.sleep(100)")


@pytest.fixture
def two(project: Project) -> Project:
    """A run that repeats itself and one that does not."""
    project.write("seeded.py", SEEDED)
    project.write("unseeded.py", UNSEEDED)
    project.commit()
    project.record("python", "seeded.py", options=("--name", "good"))
    project.record("python", "unseeded.py", options=("--name", "bad"))
    return project


@pytest.mark.docker
def test_each_run_gets_its_verdict_and_the_worst_is_the_exit_code(two: Project) -> None:
    done = two.repro("verify", "good", "bad", "-n", "2", "-j", "2", "--json").expect(1)
    good, bad = done.document["runs"]
    assert (good["verdict"], good["passed"], good["values_compared"]) == ("identical", True, 4)
    assert (bad["verdict"], bad["passed"], len(bad["pairs"])) == ("different", False, 1)
    assert "not deterministic" in bad["diagnosis"]
    assert len({replay["id"] for replay in good["replays"]}) == 2
    text = two.repro("verify", "good", "-q").expect(0)
    assert re.search(r"good \w{12} +identical +1 of 1 +2 ", text.out)
    assert "1 of 1 run passed; 2 values compared" in text.out
    assert text.err == ""


def test_a_time_limit_names_what_was_not_reached(two: Project) -> None:
    two.write("slow.py", SLOW)
    two.write("local/here", "")
    two.commit()
    two.record("python", "slow.py", options=("--name", "slow"))
    words = ("verify", "slow", "--engine", "venv", "--within", "8s", "--json")
    found = two.repro(*words).expect(3).document
    assert found["stopped"] == "the time was up (8 s)"
    assert (found["runs"][0]["state"], found["runs"][0]["verdict"]) == ("not reached", None)
    assert two.repro("list", "--json").expect().document["runs"][0]["replays"] == 0


def test_it_stops_at_the_first_red_when_asked(two: Project) -> None:
    words = ("verify", "bad", "good", "-n", "3", "--engine", "venv", "--fail-fast", "--json")
    found = two.repro(*words).expect(1).document
    assert "--fail-fast" in found["stopped"]
    assert sum(len(run["replays"]) for run in found["runs"]) < 6


EPOCHS = """\
import json, os, sys, time
for epoch in range(40):
    loss = 1 / (epoch + 1)
    if epoch == 3 and os.path.exists("local/here") is False and "drift" in sys.argv:
        loss += 0.001
    print(f"epoch {epoch} loss={loss:.6f}", flush=True)
    time.sleep(0 if os.path.exists("local/here") else 0.5)
json.dump({"final": loss}, open("metrics.json", "w"))
"""


@pytest.mark.docker
@pytest.mark.parametrize("engine", ["docker", "venv"])
def test_a_prefix_is_compared_and_the_rest_not_executed(project: Project, engine: str) -> None:
    project.write("train.py", EPOCHS)
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py", options=("--name", "steady", "--watch", "off"))
    project.record("python", "train.py", "drift", options=("--name", "drifts", "--watch", "off"))
    words = ("verify", "steady", "drifts", "--steps", "5", "-j", "2", "--engine", engine)
    done = project.repro(*words, "--json").expect(1)
    steady, drifts = done.document["runs"]
    assert (steady["verdict"], steady["values_compared"]) == ("equivalent", 1)
    (metric,) = drifts["replays"][0]["comparison"]["metrics"]
    assert (metric["status"], metric["first_step"]) == ("different", 3)
    for run in (steady, drifts):
        record = project.path / ".repro" / "replays" / run["id"] / run["replays"][0]["id"]
        assert json.loads(record.read_bytes())["result"]["outcome"] == "interrupted"
    assert "only the first 5 steps" in done.document["notes"][0]
    short = project.repro(*words[:2], "--steps", "3", "--engine", engine)
    assert "neither what comes later nor" in short.expect(0).out
    none = project.repro(*words[:2], "--steps", "40", "--engine", engine).expect(3)
    assert "no metric of the record has more than 40 steps" in none.out


def _is_at_work(project: Project) -> bool:
    """Whether the slow training runs, told from that of another test by its argument."""
    return str(project.path) in docker("ps", "--no-trunc", "--format", "{{.Command}}")


@pytest.mark.docker
def test_ctrl_c_leaves_no_container_and_prints_what_is_known(two: Project) -> None:
    two.write("slow.py", SLOW)
    two.write("local/here", "")
    two.commit()
    two.record("python", "slow.py", str(two.path), options=("--name", "slow"))
    running = two.repro.start("verify", "good", "slow", "-j", "2", "--json")
    running.until(lambda: "good" in running.stderr and "identical" in running.stderr)
    running.until(lambda: _is_at_work(two))
    running.interrupt()
    document = running.ended(60).expect(130).document
    assert [run["state"] for run in document["runs"]] == ["done", "not reached"]
    assert not _is_at_work(two)


@pytest.mark.docker
def test_kill_9_ends_the_replays_too(two: Project) -> None:
    two.write("slow.py", SLOW)
    two.write("local/here", "")
    two.commit()
    two.record("python", "slow.py", str(two.path), options=("--name", "slow"))
    running = two.repro.start("verify", "slow")
    running.until(lambda: _is_at_work(two))
    running.kill()
    eventually(lambda: not _is_at_work(two), 60)
    eventually(lambda: not two.sessions())
    assert not containers(two.repro.pids)


def test_what_cannot_be_replayed_is_said_and_the_others_are_verified(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py", options=("--name", "lost"))
    dvc_project.write("seeded.py", SEEDED)
    dvc_project.commit()
    shutil.rmtree(dvc_project.path / ".dvc" / "cache")
    shutil.rmtree(dvc_project.path.with_name(f"{dvc_project.path.name}-remote"))
    dvc_project.write("data/points.csv", "x,y\n1,2\n")
    done = dvc_project.repro("verify", "lost", "--engine", "venv", "--json")
    (run,) = done.expect(3).document["runs"]
    assert (run["verdict"], run["passed"], run["values_compared"]) == ("unreplayable", False, 0)
    assert "data/points.csv" in run["reasons"][0]


def test_a_run_that_is_not_there_is_bad_input(two: Project) -> None:
    two.repro("verify", "good", "nobody").complains(2, "there is no run 'nobody'")
    two.repro("verify", "good", "--within", "soon").complains(2, "90s")
    two.repro("verify", "good", "--within", "0s", "--engine", "venv").expect(3)
