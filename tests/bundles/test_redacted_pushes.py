"""`repro push --redact`: what arrives has no secret, is a run of its own, and nothing arrives otherwise."""

from __future__ import annotations

import os
import random
import string
from pathlib import Path

import pytest
import ssh_keys
from ssh_keys import Keys
from workbench import Project

from repro.manifest import REDACTED
from repro.store import Store

TOKEN = "ghp_" + "".join(random.Random(11).choices(string.ascii_letters + string.digits, k=36))
PASSWORD = "correct-horse-7"
TRAIN = """\
import json, os
print("working with", os.environ.get("DB_PASSWORD"))
json.dump({"loss": 0.5}, open("metrics.json", "w"))
"""


@pytest.fixture
def training(project: Project) -> Project:
    """Its run has a password in a variable and in its log."""
    project.write("train.py", TRAIN)
    project.write("repro.yaml", "env: [DB_PASSWORD]\n")
    project.commit()
    options = ("--allow-secrets", "--name", "train")
    project.record("python", "train.py", options=options, env={"DB_PASSWORD": PASSWORD})
    return project


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def demand_nowhere(folder: Path, value: str) -> None:
    """In a store, where nothing is compressed."""
    for path in folder.rglob("*"):
        assert not path.is_file() or value.encode() not in path.read_bytes(), path


def test_what_is_pulled_has_no_secret_and_another_id(
    training: Project, here: Path, tmp_path: Path
) -> None:
    (run,), team = training.runs(), tmp_path / "team"
    tool = training.repro
    tool("push", "train", str(team), cwd=training.path).complains(2, "not pushed", "secret")
    done = tool("push", "train", str(team), "--redact", cwd=training.path).expect(0)
    reference = done.out.strip()
    assert f"there as run {reference[-12:]}, which has {REDACTED}" in done.err
    identity = tool("pull", reference, cwd=here).expect(0).out.strip()
    assert identity != run["id"] and identity.startswith(reference[-12:])
    demand_nowhere(here, PASSWORD)
    manifest = tool("show", "--json", cwd=here).expect(0).document["manifest"]
    assert manifest["definition"]["env"]["DB_PASSWORD"] == REDACTED
    places = {item["place"] for item in manifest["redacted"]}
    assert places == {"/definition/env/DB_PASSWORD", "log/stdout"}
    # by its name too; and the same again sends nothing
    assert tool("pull", f"{team}:train", cwd=here).expect(0).out.strip() == identity
    again = tool("push", "train", str(team), "--redact", cwd=training.path).expect(0)
    assert again.out.strip() == reference and ": 0 blobs sent" in again.err
    # the same run as through a file
    file = tmp_path / "run.tar"
    tool("export", "train", str(file), "--redact", cwd=training.path).expect(0)
    assert tool("import", str(file), cwd=here).expect(0).out.strip() == identity


def test_what_cannot_be_redacted_sends_nothing(project: Project, tmp_path: Path) -> None:
    code = (
        "import pathlib, json; token = pathlib.Path('local/token').read_text(); "
        "json.dump({'who': token}, open('metrics.json', 'w'))"
    )
    project.write("local/token", TOKEN)
    project.record("python", "-c", code)
    team = tmp_path / "team"
    done = project.repro("push", "latest", str(team), "--redact", cwd=project.path)
    done.complains(2, "cannot be redacted", "/result/metrics/0/value")
    assert not team.exists() and TOKEN not in done.err


def test_a_large_output_with_a_secret_stays_here(
    project: Project, here: Path, tmp_path: Path
) -> None:
    """One that the store does not keep, and that goes along from the workspace on request."""
    code = (
        "import pathlib, json; token = pathlib.Path('local/token').read_text(); "
        "open('notes.txt', 'w').write(f'{token}\\n' + 'nothing here\\n' * 400_000); "
        "open('fine.txt', 'w').write('nothing here\\n' * 400_000); "
        "json.dump({'a': 1}, open('metrics.json', 'w'))"
    )
    project.write("local/token", TOKEN)
    project.record("python", "-c", code)
    team = str(tmp_path / "team")
    words = ("push", "latest", team, "--redact", "--with", "outputs")
    done = project.repro(*words, cwd=project.path).expect(0)
    assert "not inside: the output notes.txt: it looks like it holds a secret" in done.err
    assert "fine.txt" not in done.err
    project.repro("pull", team, cwd=here).expect(0)
    demand_nowhere(here, TOKEN)


def test_signatures_do_not_vouch_for_the_redacted_run(
    training: Project, here: Path, tmp_path: Path
) -> None:
    ssh_keys.sign(Store(training.path / ".repro"), Keys(tmp_path)("ada"))
    done = training.repro("push", "train", str(tmp_path / "team"), "--redact", cwd=training.path)
    assert "not inside: its signatures" in done.expect(0).err
    pulled = training.repro("pull", done.out.strip(), cwd=here).expect(0)
    assert "signature" not in pulled.err


def test_it_is_one_or_the_other(training: Project, tmp_path: Path) -> None:
    words = ("push", "train", str(tmp_path / "team"), "--redact", "--allow-secrets")
    training.repro(*words, cwd=training.path).complains(2, "contradict")


def test_without_a_secret_it_is_the_run_itself(project: Project, tmp_path: Path) -> None:
    run = project.record("python", "train.py")["id"]
    words = ("push", "latest", str(tmp_path / "team"), "--redact")
    done = project.repro(*words, cwd=project.path).expect(0)
    assert done.out.strip().endswith(f":{run[:12]}") and "there as run" not in done.err


@pytest.mark.docker
@pytest.mark.registry
def test_a_registrys_tag_is_the_redacted_runs(training: Project, here: Path) -> None:
    repository = f"{os.environ['REPRO_TEST_REGISTRY']}/repro-test-pushed/x{os.urandom(6).hex()}"
    done = training.repro("push", "train", repository, "--redact", cwd=training.path).expect(0)
    identity = training.repro("pull", done.out.strip(), cwd=here).expect(0).out.strip()
    assert done.out.strip() == f"{repository}:{identity[:12]}"
    demand_nowhere(here, PASSWORD)
