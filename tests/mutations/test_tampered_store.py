"""A store that was tampered with, or damaged: an error or `unreplayable`, never green."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench import Project

from repro import canonical
from repro.manifest import run_id


@pytest.fixture
def run(dvc_project: Project) -> str:
    """A run whose data was changed since `dvc add`: the store alone has it."""
    (dvc_project.path / "data/points.csv").unlink()
    dvc_project.write("data/points.csv", "x,y\n0,0\n1,2\n")
    return str(dvc_project.record("python", "train.py")["id"])


def blobs(project: Project, run: str) -> dict[str, Path]:
    """The blobs that a replay needs, by role."""
    document = project.repro("show", run, "--json").expect(0).document
    folder = project.path / ".repro" / "blobs" / "sha256"
    return {
        item["path"]: folder / item["digest"].removeprefix("sha256:")
        for item in document["manifest"]["contents"]
    }


def role(project: Project, run: str, start: str) -> Path:
    (path,) = (path for name, path in blobs(project, run).items() if name.startswith(start))
    return path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("part", ["source/", "data/files/"])
def test_a_damaged_blob_makes_the_run_unreplayable_and_is_named(
    dvc_project: Project, run: str, part: str, damage: Callable[[Path], None]
) -> None:
    path = role(dvc_project, run, part)
    damage(path)
    done = dvc_project.replay(run, engine="venv").expect(3)
    assert done.verdict == "unreplayable"
    reasons = " ".join(done.document["reasons"])
    if part == "source/":
        assert path.name in reasons, reasons
    else:
        assert "data/points.csv" in reasons or path.name in reasons, reasons


@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_damaged_manifest_is_corrupt(
    dvc_project: Project, run: str, damage: Callable[[Path], None]
) -> None:
    damage(dvc_project.path / ".repro" / "runs" / run)
    for command in ("show", "replay"):
        dvc_project.repro(command, run).complains(2, f"the manifest of run {run[:12]}")


def test_the_pack_of_another_commit_is_refused_by_its_digest(
    dvc_project: Project, run: str
) -> None:
    dvc_project.write("train.py", "open('metrics.json', 'w').write('{\"fit\": 1}')\n")
    dvc_project.commit("Another training")
    other = dvc_project.record("python", "train.py")["id"]
    mine, theirs = (role(dvc_project, item, "source/") for item in (run, other))
    assert mine != theirs
    mine.write_bytes(theirs.read_bytes())
    assert dvc_project.replay(run, engine="venv").expect(3).verdict == "unreplayable"


def test_the_pack_of_another_commit_is_refused_by_the_tree_it_yields(
    dvc_project: Project, run: str
) -> None:
    """Every digest in the manifest is right; only the tree id tells that the source is another."""
    dvc_project.write("train.py", "open('metrics.json', 'w').write('{\"fit\": 1}')\n")
    dvc_project.commit("Another training")
    other = dvc_project.record("python", "train.py")["id"]
    documents = [
        dvc_project.repro("show", item, "--json").expect(0).document["manifest"]
        for item in (run, other)
    ]
    swapped = [
        next(item for item in document["contents"] if item["path"].startswith("source/"))
        for document in documents
    ]
    documents[0]["contents"] = [
        item if item != swapped[0] else {**swapped[1], "path": swapped[0]["path"]}
        for item in documents[0]["contents"]
    ]
    forged = store_manifest(dvc_project, documents[0])
    assert dvc_project.replay(forged, engine="venv").expect(3).verdict == "unreplayable"


def test_a_definition_that_was_edited_by_hand_is_corrupt(dvc_project: Project, run: str) -> None:
    """Also where the file was renamed to its new digest."""
    document = dvc_project.repro("show", run, "--json").expect(0).document["manifest"]
    document["definition"]["params"][0]["value"] = 99
    forged = store_manifest(dvc_project, document)
    dvc_project.repro("replay", forged).complains(2, "definition_id")


def test_a_result_that_was_edited_by_hand_is_another_run_and_not_green(
    dvc_project: Project, run: str
) -> None:
    document = dvc_project.repro("show", run, "--json").expect(0).document["manifest"]
    for metric in document["result"]["metrics"]:
        if metric["name"] == "fit.loss":
            metric["value"] = 0.0
    forged = store_manifest(dvc_project, document)
    assert forged != run
    done = dvc_project.replay(forged, engine="venv").expect(1)
    assert "fit.loss" in " ".join(done.document["reasons"])


def store_manifest(project: Project, document: dict) -> str:
    content = canonical.dumps(document)
    identity = run_id(content)
    (project.path / ".repro" / "runs" / identity).write_bytes(content)
    return identity


def test_a_damaged_run_does_not_hide_the_others(dvc_project: Project, run: str) -> None:
    healthy = dvc_project.record("python", "train.py")["id"]
    truncate(dvc_project.path / ".repro" / "runs" / run)
    for path in (dvc_project.path / ".repro" / "cache").glob("index.sqlite*"):
        path.unlink()
    done = dvc_project.repro("list", "--json").expect(0)
    assert [item["id"] for item in done.document["runs"]] == [healthy]
    assert run[:12] in done.err and "damaged" in done.err
    # the damaged one may be the newest: what `latest` means is not known any more
    dvc_project.repro("replay", "latest").complains(2, "cannot be told", run[:12])
    assert dvc_project.replay(healthy, engine="venv").expect(0).verdict == "identical"


def test_a_damaged_replay_record_is_said_so_and_the_run_still_replays(
    dvc_project: Project, run: str
) -> None:
    dvc_project.replay(run, engine="venv").expect(0)
    (record,) = (dvc_project.path / ".repro" / "replays" / run).iterdir()
    flip(record)
    for path in (dvc_project.path / ".repro" / "cache").glob("index.sqlite*"):
        path.unlink()
    done = dvc_project.repro("list").expect(0)
    assert "damaged" in done.err
    assert dvc_project.repro("show", run).code in (0, 2)
    assert "Traceback" not in dvc_project.repro("show", run).err
    again = dvc_project.replay(run, engine="venv")
    assert again.expect(0).verdict == "identical"


def test_the_cache_of_the_store_may_vanish_at_any_time(dvc_project: Project, run: str) -> None:
    import shutil

    shutil.rmtree(dvc_project.path / ".repro" / "cache")
    assert [item["id"] for item in dvc_project.runs()] == [run]
    assert dvc_project.replay(run, engine="venv").expect(0).verdict == "identical"
    assert dvc_project.record("python", "train.py")


@pytest.mark.parametrize("junk", [b"", b"\0" * 4096, b"not a database", json.dumps({}).encode()])
def test_a_damaged_index_is_made_anew(dvc_project: Project, run: str, junk: bytes) -> None:
    (dvc_project.path / ".repro" / "cache" / "index.sqlite").write_bytes(junk)
    assert [item["id"] for item in dvc_project.runs()] == [run]


@pytest.mark.parametrize("junk", [b"\0" * 4096, b"not a database"])
def test_a_damaged_cache_of_digests_is_made_anew(
    dvc_project: Project, run: str, junk: bytes
) -> None:
    (dvc_project.path / ".repro" / "cache" / "digests.sqlite").write_bytes(junk)
    again = dvc_project.record("python", "train.py")
    first = dvc_project.repro("show", run, "--json").expect(0).document
    assert again["manifest"]["definition_id"] == first["manifest"]["definition_id"]
