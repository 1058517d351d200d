"""The store: nothing half-written, nothing read that is not what was stored."""

from __future__ import annotations

import io
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Project

from repro import canonical, manifest
from repro.errors import Corrupt, NewerSchema, NotFound, UsageError
from repro.manifest import (
    Command,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Host,
    Manifest,
    Outcome,
    Result,
    Source,
)
from repro.store import Store, check_name, remove_tree

RESULT = Result(True, Outcome.FINISHED, 0, None, None, None, None, Host())


def made(created: str = "2026-01-15T12:00:00.000Z", **definition: Any) -> Manifest:
    plain = Definition(
        Source("a" * 40, "b" * 40),
        (),
        Environment(EnvironmentKind.IMAGE, None),
        Command(("python", "train.py")),
    )
    return Manifest(replace(plain, **definition), RESULT, created)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- the folder -----------------------------------------------------------------------------


def test_opening_makes_the_folders_and_hides_them_from_git(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.project == tmp_path
    assert files(store.root) == {"format", "gate", ".gitignore"}
    assert (store.root / "format").read_bytes() == b"1\n"
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, cwd=tmp_path, capture_output=True, check=True).stdout == b""
    assert Store.open(tmp_path).run_ids() == frozenset()


def test_a_store_of_a_later_version_is_left_alone(store: Store) -> None:
    (store.root / "format").write_text("2\n")
    with pytest.raises(NewerSchema, match="format '2'") as error:
        Store.open(store.project)
    assert "update repro" in error.value.hint


# --- blobs ----------------------------------------------------------------------------------


def test_content_lies_under_its_digest(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"content")
    stored = [
        store.put_bytes(b"content", "role", "text/plain"),
        store.put_file(source, "role", "text/plain"),
        store.put_stream(io.BytesIO(b"content"), "role", "text/plain"),
    ]
    digest = canonical.digest_bytes(b"content")
    assert set(stored) == {Descriptor("role", digest, 7, "text/plain")}
    assert files(store.root / "blobs") == {f"sha256/{digest.removeprefix('sha256:')}"}
    assert store.read(stored[0]) == b"content"
    assert store.has(digest)


def test_nothing_and_much_can_be_stored(store: Store, tmp_path: Path) -> None:
    for size in (0, canonical.CHUNK, 3 * canonical.CHUNK + 1):
        content = os.urandom(size)
        assert store.read(store.put_stream(io.BytesIO(content), "x")) == content


def test_what_was_damaged_is_whole_again_once_it_is_stored_anew(store: Store) -> None:
    stored = store.put_bytes(b"content", "role")
    for damage in (b"conten", b"CONTENT"):
        store.blob_path(stored.digest).write_bytes(damage)
        assert store.put_bytes(b"content", "role") == stored
        assert store.read(stored) == b"content"
        store.blob_path(stored.digest).write_bytes(damage)
        assert store.put_stream(io.BytesIO(b"content"), "role") == stored
        assert store.read(stored) == b"content"


def test_a_stream_that_breaks_leaves_nothing(store: Store) -> None:
    class Broken(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            if self.tell() > 0:
                raise OSError("gone")
            return super().read(*size)

    with pytest.raises(OSError, match="gone"):
        store.put_stream(Broken(b"x" * (2 * canonical.CHUNK)), "x")
    assert files(store.root / "blobs") == set()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"C" + content[1:],
        lambda content: b"",
    ],
)
def test_every_read_is_verified(store: Store, damage: Any) -> None:
    stored = store.put_bytes(b"content", "source/commit.pack")
    path = store.blob_path(stored.digest)
    path.write_bytes(damage(b"content"))
    for read in (store.read, store.verified):
        with pytest.raises(Corrupt, match=r"source/commit\.pack"):
            read(stored)


def test_what_is_not_there_is_named_by_its_role(store: Store) -> None:
    with pytest.raises(NotFound, match=r"environment/Dockerfile: its blob sha256:0000"):
        store.read(Descriptor("environment/Dockerfile", "sha256:" + "0" * 64, 1))


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:", "sha256:" + "0" * 63, "md5:" + "0" * 32, "sha256:../../../etc/passwd",
     "sha256:" + "A" * 64, "sha256:" + "0" * 64 + "\n", "sha512:" + "0" * 64],
)  # fmt: skip
def test_what_is_no_digest_leads_nowhere(store: Store, digest: str) -> None:
    with pytest.raises(Corrupt, match="not a digest"):
        store.blob_path(digest)


def test_what_was_stored_under_a_key_is_recalled_as_long_as_it_is_there(store: Store) -> None:
    stored = store.put_bytes(b"content", "role", "text/plain")
    store.remember("a key", stored)
    assert store.recall("a key", "role", "text/plain") == stored
    assert store.recall("another key", "role", "text/plain") is None
    store.blob_path(stored.digest).write_bytes(b"short")
    assert store.recall("a key", "role", "text/plain") is None
    store.blob_path(stored.digest).unlink()
    assert store.recall("a key", "role", "text/plain") is None


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"digest":1,"size":1}', b'{"digest":"x"}'])
def test_a_damaged_note_is_no_note(store: Store, note: bytes) -> None:
    store.remember("key \udcff", store.put_bytes(b"content", "role"))
    (path,) = (store.cache / "known").iterdir()
    path.write_bytes(note)
    assert store.recall("key \udcff", "role", "text/plain") is None


# --- runs -----------------------------------------------------------------------------------


def test_a_run_is_known_by_the_digest_of_its_manifest(store: Store) -> None:
    run = store.add(made())
    path = store.root / "runs" / run.id
    assert files(store.root / "runs") == {run.id}
    assert canonical.digest_file(path) == f"sha256:{run.id}"
    assert len(run.id) == 64 and run.short == run.id[:12]
    assert store.run(run.id) == run
    assert run.manifest.definition_id == manifest.definition_id(run.manifest.definition)
    assert store.run_ids() == {run.id}


def test_a_run_that_was_changed_is_not_read(store: Store) -> None:
    run = store.add(made())
    path = store.root / "runs" / run.id
    path.write_bytes(path.read_bytes().replace(b"train.py", b"train.pz"))
    with pytest.raises(Corrupt, match=f"run {run.short}"):
        store.run(run.id)


def test_a_run_that_is_not_there_is_said_so(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no run 000000000000"):
        store.run("0" * 64)


def test_half_written_files_are_no_runs(store: Store) -> None:
    run = store.add(made())
    (store.root / "runs" / ".writing-abc").write_bytes(b"{")
    assert store.run_ids() == {run.id}


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "best", "v1.0", "2026-01-15_run", "x" * 100, "latest2"])
def test_what_can_be_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "latest", ".hidden", "-x", "_x", "a/b", "..", "a b", "ü", "x" * 101, "a\n", "a\0", "a:b"],
)
def test_what_cannot(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        check_name(name)


def test_a_name_moves_and_several_may_stand_for_one_run(store: Store) -> None:
    one, other = (store.add(made(created=f"2026-01-1{n}T12:00:00.000Z")) for n in range(2))
    store.set_name("best", one.id)
    store.set_name("best", other.id)
    store.set_name("last", other.id)
    assert store.names() == {"best": other.id, "last": other.id}
    with pytest.raises(UsageError):
        store.set_name("../../escape", one.id)


# --- replays --------------------------------------------------------------------------------


def test_replays_lie_beside_their_run(store: Store) -> None:
    run = store.add(made())
    records = [b'{"schema":"repro/replay/v1","n":%d}' % n for n in range(3)]
    ids = [store.add_replay(run.id, record) for record in records]
    assert sorted(_replays(store, run.id)) == sorted(records)
    assert set(store.replay_ids()) == {(run.id, identity) for identity in ids}
    assert list(_replays(store, "0" * 64)) == []
    (store.root / "replays" / run.id / ids[0]).write_bytes(b"{}")
    with pytest.raises(Corrupt, match="another digest than its name"):
        list(_replays(store, run.id))


def test_read_only_folders_of_our_own_can_be_removed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    inner = folder / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch(mode=0o444)
    inner.chmod(stat.S_IRUSR | stat.S_IXUSR)
    remove_tree(folder)
    assert not folder.exists()


# --- the installed command ------------------------------------------------------------------


def test_what_is_stored_verifies_with_sha256sum(project: Project) -> None:
    project.record("python", "train.py")
    project.replay(engine="venv").expect(0)
    root = project.path / ".repro"
    found = [
        path
        for folder in ("blobs/sha256", "runs", "replays")
        for path in (root / folder).rglob("*")
        if path.is_file()
    ]
    assert len(found) >= 6
    for path in found:
        said = subprocess.run(["sha256sum", path], capture_output=True, check=True).stdout.decode()
        assert said.split()[0] == path.name


def test_a_run_that_cannot_be_read_does_not_hide_the_others(project: Project) -> None:
    first = project.record("python", "train.py")
    second = project.record("python", "train.py")
    (project.path / ".repro" / "runs" / first["id"]).write_bytes(b"{}")
    done = project.repro("list", "--json").expect(0)
    assert [run["id"] for run in done.document["runs"]] == [second["id"]]
    assert f"damaged, not listed: the manifest of run {first['id'][:12]}" in done.err
    project.repro("show", first["id"]).complains(2, "not what was recorded")
    project.repro("show", first["id"][:12]).complains(2, "not what was recorded")
    # it may have been the latest: nothing else may pass for it
    project.repro("replay").complains(2, "which run is the latest cannot be told")
    project.repro("show", second["id"][:12]).expect(0)


@pytest.mark.parametrize("content", ['{"float": "nan"}', '{"float": "inf", "x": "y"}'])
def test_a_metric_that_is_called_float_is_only_a_metric(project: Project, content: str) -> None:
    """It looks like a number that JSON has no word for."""
    train = f"open('metrics.json', 'w').write({content!r})\n"
    project.write("train.py", train)
    project.write("params.json", content)
    project.commit()
    project.record("python", "train.py")
    (row,) = project.runs()
    assert row["metrics"]["float"] == row["params"]["float"]
    assert project.repro("list").expect(0).out.count("float") >= 1
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def _replays(store: Store, run_id: str) -> list[bytes]:
    return [store.replay(run_id, identity) for identity in store.replay_ids_of(run_id)]
