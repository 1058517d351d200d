"""What a run from elsewhere is not given unasked, and how a reference is replayed at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Project

from repro import pushing
from repro.bundles import carried
from repro.store import Store

NETWORKED = """\
import json, os
interfaces = sorted(os.listdir("/sys/class/net"))
json.dump({"reached": float(interfaces != ["lo"])}, open("metrics.json", "w"))
"""


@pytest.fixture
def networked(project: Project) -> Project:
    """A run that asks for the network, and measures whether it has it."""
    project.write("train.py", NETWORKED)
    project.write("repro.yaml", "network: true\n")
    project.commit()
    project.record("python", "train.py")
    return project


@pytest.mark.docker
def test_a_run_from_elsewhere_has_no_network_unasked(networked: Project, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    file = tmp_path / "run.tar"
    tool = networked.repro
    assert networked.replay().expect(0).verdict == "identical"
    tool("export", "latest", str(file), cwd=networked.path).expect(0)
    said = tool("import", str(file), cwd=here).expect(0)
    assert "only with --network" in said.err
    refused = tool("replay", "latest", cwd=here).expect(1)
    assert "a run from elsewhere is given it on request only" in " ".join(refused.out.split())
    given = tool("replay", "latest", "--network", "--json", cwd=here).expect(0)
    assert given.verdict == "identical"
    # in the store where it was recorded it stays the store's own, also when it comes back
    tool("import", str(file), cwd=networked.path).expect(0)
    assert networked.replay().expect(0).verdict == "identical"


def test_what_comes_back_stays_ones_own(networked: Project, tmp_path: Path) -> None:
    file = tmp_path / "run.tar"
    networked.repro("export", "latest", str(file), cwd=networked.path).expect(0)
    networked.repro("import", str(file), cwd=networked.path).expect(0)
    networked.repro("import", str(file), cwd=networked.path).expect(0)
    store = Store(networked.path / ".repro")
    (run,) = store.run_ids()
    assert not carried.is_foreign(store, run)
    here = tmp_path / "here"
    here.mkdir()
    for _ in range(2):
        networked.repro("import", str(file), cwd=here).expect(0)
        assert carried.is_foreign(Store(here / ".repro"), run)


def test_a_reference_is_pulled_and_replayed(project: Project, tmp_path: Path) -> None:
    project.record("python", "train.py")
    team, here = tmp_path / "team", tmp_path / "here"
    here.mkdir()
    reference = project.repro("push", "latest", str(team), cwd=project.path).expect(0).out.strip()
    done = project.repro("replay", reference, "--engine", "venv", "--json", cwd=here).expect(0)
    assert done.verdict == "identical"
    missing = project.repro("replay", f"{team}:abcdef", "--engine", "venv", cwd=here)
    missing.complains(2, "abcdef")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("s3://bucket/runs", True),
        ("registry.example/team/runs:v1", True),
        ("localhost:5000/runs@sha256:" + "a" * 64, True),
        ("registry.example/team/runs", False),
        ("latest", False),
        ("latest~2", False),
        ("models:/name@alias", False),
        ("mlflow:abc", False),
        ("abcdef012345", False),
        ("feature/one", False),
        ("v1.0/fix", False),
        ("models/model.bin", False),
        (".", False),
        ("/nowhere/runs:abc", False),
        ("", False),
        ("://", False),
    ],
)  # fmt: skip
def test_what_is_a_reference(text: str, answer: bool) -> None:
    assert pushing.is_reference(text) is answer


def test_a_push_that_is_refused_says_so(project: Project, tmp_path: Path) -> None:
    project.write("local/token", "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5")
    code = "import pathlib; print(pathlib.Path('local/token').read_text()); open('metrics.json', 'w').write('1')"
    project.record("python", "-c", code, options=("--allow-secrets",))
    done = project.repro("push", "latest", str(tmp_path / "team"), cwd=project.path)
    done.complains(2, "not pushed, because a secret would go along")
