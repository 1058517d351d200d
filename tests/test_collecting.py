"""What the store holds, and that nothing a run needs is ever removed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import workbench
from workbench import Project

from repro import collecting, sessions
from repro.errors import Busy
from repro.store import Store


def digests(store: Store) -> set[str]:
    return {path.name for path in (store.root / "blobs" / "sha256").iterdir()}


@pytest.fixture
def store(project: Project) -> Store:
    project.record("python", "train.py")
    return Store(project.path / ".repro")


def test_nothing_that_a_run_or_a_replay_names_is_garbage(project: Project, store: Store) -> None:
    project.write("train.py", (project.path / "train.py").read_text() + "print('loss: 0.5')\n")
    project.record("python", "train.py")
    project.replay(engine="venv").expect(0)
    before = digests(store)
    found = collecting.survey(store)
    assert found.garbage == ()
    assert {item.kind: item.count for item in found.held}["blobs"] == len(before)
    collecting.collect(store)
    assert digests(store) == before
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_what_only_a_removed_run_needed_is_garbage(project: Project, store: Store) -> None:
    kept = digests(store)
    project.write("extra.py", "nothing like it")
    second = project.record("python", "train.py")["id"]
    project.repro("replay", second, "--engine", "venv").expect(0)
    store.set_name("second", second)
    (store.root / "runs" / second).unlink()
    kinds = {item.kind for item in collecting.survey(store).garbage}
    assert kinds == {
        "blobs that nothing refers to",
        "names of runs that are gone",
        "replays of runs that are gone",
    }
    freed = collecting.collect(store)
    assert freed.size > 0 and digests(store) <= kept
    assert collecting.survey(store).garbage == ()
    assert not (store.root / "replays" / second).exists()
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_a_dry_run_removes_nothing(project: Project, store: Store) -> None:
    stray = store.put_bytes(b"stray", "x")
    done = project.repro("gc").expect(0)
    assert "blobs that nothing refers to" in done.out and "repro gc --delete" in done.out
    assert store.has(stray.digest)
    done = project.repro("gc", "--delete", "--json").expect(0)
    schema = workbench.ROOT / "specs" / "gc.schema.json"
    jsonschema.validate(done.document, json.loads(schema.read_text()))
    assert [item["kind"] for item in done.document["garbage"]] == ["blobs that nothing refers to"]
    assert done.document["garbage"][0]["path"] == f"blobs/sha256/{stray.digest[7:]}"
    assert not store.has(stray.digest)
    assert "there is nothing to remove" in project.repro("gc").expect(0).out


def test_the_cache_goes_only_where_it_is_asked_for(project: Project, store: Store) -> None:
    project.repro("gc", "--delete").expect(0)
    assert list((store.root / "cache").iterdir())
    project.repro("gc", "--delete", "--cache").expect(0)
    assert not list((store.root / "cache").iterdir())
    project.repro("list").expect(0)
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_a_damaged_document_still_keeps_what_it_names(store: Store) -> None:
    (run,) = (store.root / "runs").iterdir()
    content = run.read_bytes()
    run.write_bytes(content[:-40])
    assert [item.kind for item in collecting.survey(store).garbage] == []


def test_a_blob_keeps_the_blobs_that_it_lists(store: Store) -> None:
    layer = store.put_bytes(b"layer", "x")
    listing = store.put_bytes(json.dumps({"layers": [{"digest": layer.digest}]}).encode(), "x")
    (run,) = store.run_ids()
    folder = store.root / "carried"
    folder.mkdir()
    (folder / run).write_text(json.dumps({"image": listing.digest}))
    assert collecting.survey(store).garbage == ()
    (folder / run).unlink()
    assert {item.path.name for item in collecting.survey(store).garbage} == {
        layer.digest[7:],
        listing.digest[7:],
    }


def test_while_another_command_works_nothing_is_removed(store: Store) -> None:
    stray = store.put_bytes(b"of a run that is being recorded", "x")
    with sessions.session(store), pytest.raises(Busy, match="at work"):
        collecting.collect(store)
    assert store.has(stray.digest)
    collecting.collect(store)
    assert not store.has(stray.digest)


def test_no_session_begins_while_garbage_is_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = sessions._gate
    monkeypatch.setattr(sessions, "_gate", lambda store: gate(store, 0.1))
    with (
        sessions.alone(store),
        pytest.raises(Busy, match="repro gc is at work"),
        sessions.session(store),
    ):
        pass
    with sessions.session(store):
        pass
    assert not list((store.root / "tmp").iterdir())


def test_half_written_files_are_garbage(store: Store) -> None:
    pending: Path = store.root / "blobs" / ".pending-1-2"
    pending.write_bytes(b"x" * 10)
    (item,) = collecting.survey(store).garbage
    assert (item.kind, item.size) == ("half-written", 10)
    collecting.collect(store)
    assert not pending.exists()
