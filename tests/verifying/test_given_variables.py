"""`--env` beyond `repro replay`: what was redacted reaches the replays, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from workbench import Project

from repro.replaying import Options
from repro.verifying.cluster import Cluster, NoSecrets
from repro.verifying.tasks import Task

RECORDED, GIVEN = "correct-horse-7", "another-horse-8"
TRAIN = """\
import json, os
password = os.environ.get("DB_PASSWORD")
print("working with", password)
json.dump({"loss": 0.5, "known": password is not None, "rows": 3}, open("metrics.json", "w"))
"""
PLAIN = """\
import json, os
json.dump({"given": "DB_PASSWORD" in os.environ, "rate": 0.5}, open("metrics.json", "w"))
"""
VENV = ("--engine", "venv")


@pytest.fixture
def training(project: Project) -> Project:
    """`secret` takes a password that its record lacks, `plain` must not see it."""
    project.write("train.py", TRAIN)
    project.write("plain.py", PLAIN)
    project.write("repro.yaml", "env: [DB_PASSWORD]\n")
    project.commit()
    project.record("python", "plain.py", options=("--name", "plain"), env={"DB_PASSWORD": None})
    words = ("--name", "secret", "--redact")
    project.record("python", "train.py", options=words, env={"DB_PASSWORD": RECORDED})
    return project


def demand_nowhere(project: Project, *folders: Path) -> None:
    for folder in (project.path / ".repro", *folders):
        for path in folder.rglob("*"):
            assert not path.is_file() or GIVEN.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("how", [f"DB_PASSWORD={GIVEN}", "DB_PASSWORD"])
def test_each_run_gets_what_its_record_lacks_and_no_more(
    training: Project, how: str, tmp_path: Path
) -> None:
    env = {"TMPDIR": str(tmp_path)} | ({} if "=" in how else {"DB_PASSWORD": GIVEN})
    words = ("verify", "secret", "plain", *VENV, "--self-test", "-n", "2", "-j", "2", "--env", how)
    done = training.repro(*words, "--json", cwd=training.path, env=env).expect(0)
    assert [run["verdict"] for run in done.document["runs"]] == ["identical", "identical"]
    (note,) = done.document["notes"]
    assert note.endswith("given anew; whether it is the same is not known: DB_PASSWORD")
    assert all(test["caught"] for test in done.document["self_tests"])
    assert GIVEN not in done.out + done.err
    demand_nowhere(training, tmp_path)


def test_without_it_the_run_is_unreplayable_and_says_what_to_give(training: Project) -> None:
    done = training.repro("verify", "secret", *VENV, env={"DB_PASSWORD": None}).expect(3)
    assert "unreplayable" in done.out and "--env DB_PASSWORD" in " ".join(done.out.split())


def test_what_no_run_lacks_is_refused_before_anything_is_replayed(training: Project) -> None:
    for command in (("verify", "plain"), ("noise", "plain")):
        done = training.repro(*command, *VENV, "--env", "DB_PASSWORD=x")
        done.complains(2, "only what was redacted can be given anew")
    done = training.repro("verify", "secret", "plain", *VENV, "--env", "LANG=C")
    done.complains(2, "only what was redacted can be given anew: DB_PASSWORD")
    training.repro("probe", "plain", "--env", "LANG=C").complains(2, "only what was redacted")
    assert all(run["replays"] == 0 for run in training.runs())


def test_noise_says_that_it_was_given(training: Project) -> None:
    words = ("noise", "secret", "-n", "2", *VENV, "--env", f"DB_PASSWORD={GIVEN}")
    done = training.repro(*words).expect(0)
    assert "whether it is the same is not known: DB_PASSWORD" in done.err
    assert GIVEN not in done.out + done.err
    demand_nowhere(training)


@pytest.mark.docker
def test_a_probe_gives_it_to_its_replays(training: Project) -> None:
    words = ("probe", "secret", "--only", "hash-seed", "--env", f"DB_PASSWORD={GIVEN}", "--json")
    found = training.repro(*words).expect(0).document
    assert found["as_recorded"] is True
    assert any("given anew" in note for note in found["notes"])
    demand_nowhere(training)


def test_a_secret_does_not_go_through_dask(training: Project) -> None:
    words = ("--scheduler", "dask://127.0.0.1:9", "--env", f"DB_PASSWORD={GIVEN}")
    done = training.repro("verify", "secret", *words)
    done.complains(2, "--env: a secret is not sent through Dask", "without --scheduler")
    task = Task("/p", "0" * 64, "x", Options(env={"DB_PASSWORD": GIVEN}))
    with pytest.raises(NoSecrets):
        Cluster.submit(cast(Any, None), task)
