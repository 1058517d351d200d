"""Runs pushed to a folder and pulled from it: shared blobs, broken pushes, several at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_secrets_in_bundles import TOKEN
from workbench import Project

from repro import exporting, importing, pushing
from repro.bundles import folder_index, references
from repro.bundles.folder import LocalFiles
from repro.errors import Corrupt, NotFound, ReproError, UsageError
from repro.exporting import Options
from repro.project import Project as OpenProject
from repro.project import standalone
from repro.store import Store


@pytest.fixture
def opened(exported: Path, tmp_path: Path) -> OpenProject:
    """A project whose store has one run, with its data."""
    folder = tmp_path / "origin"
    folder.mkdir()
    project = standalone(folder)
    importing.import_bundle(project.store, exported)
    return project


def push(project: OpenProject, target: Path | str, *, data: bool = True) -> pushing.Pushed:
    (identity,) = project.store.run_ids()
    return pushing.push(project, project.store.run(identity), str(target), Options(data=data), {})


def blobs(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "blobs/sha256").iterdir()}


def test_push_pull_show(project: Project, tmp_path: Path) -> None:
    run = project.record("python", "train.py")["id"]
    team, here = tmp_path / "team", tmp_path / "here"
    here.mkdir()
    said = project.repro("push", "latest", str(team), cwd=project.path).expect(0)
    assert said.out.strip() == f"{team}:{run[:12]}"
    assert project.repro("pull", said.out.strip(), cwd=here).expect(0).out.strip() == run
    assert project.repro("show", "--json", cwd=here).expect(0).document["id"] == run


def test_what_is_there_is_not_written_again(opened: OpenProject, tmp_path: Path) -> None:
    team = tmp_path / "team"
    first = push(opened, team, data=False)
    before = blobs(team)
    assert first.there == 0 and first.sent
    second = push(opened, team, data=True)
    after = blobs(team)
    assert {name: after[name] for name in before} == before
    assert second.there >= first.sent - 1 and 0 < second.sent < first.sent
    third = push(opened, team, data=True)
    assert third.sent == 0 and blobs(team) == after
    assert len(json.loads((team / "index.json").read_bytes())["manifests"]) == 1


def test_a_blob_of_another_size_is_written_again(opened: OpenProject, tmp_path: Path) -> None:
    team = tmp_path / "team"
    push(opened, team)
    largest = max((team / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(b"half")
    assert push(opened, team).sent == 1
    store = Store.open(tmp_path)
    assert pushing.pull(store, str(team)).data


class Broken(Exception):
    pass


def test_a_push_that_breaks_off_goes_on(
    opened: OpenProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = tmp_path / "team"
    put, count = LocalFiles.put, [0]

    def breaks(self: LocalFiles, name: str, source: Path) -> None:
        count[0] += 1
        if count[0] == 4:
            raise Broken
        put(self, name, source)

    monkeypatch.setattr(LocalFiles, "put", breaks)
    with pytest.raises(Broken):
        push(opened, team)
    monkeypatch.undo()
    assert not (team / "index.json").exists()
    with pytest.raises(NotFound):
        pushing.pull(Store.open(tmp_path), str(team))
    assert push(opened, team).there == 3
    assert pushing.pull(Store.open(tmp_path), str(team)).new


def test_what_a_killed_push_left_is_cleared_a_day_later(
    opened: OpenProject, tmp_path: Path
) -> None:
    team = tmp_path / "team"
    (team / "blobs/sha256").mkdir(parents=True)
    (team / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    left = [team / "blobs/sha256" / f".writing-{name}-x" for name in ("old", "new")]
    for path in left:
        path.write_bytes(b"half")
    os.utime(left[0], (1, 1))
    push(opened, team)
    assert [path.exists() for path in left] == [False, True]


def test_a_push_that_is_killed_goes_on(project: Project, tmp_path: Path) -> None:
    run = project.record("python", "train.py")["id"]
    team = tmp_path / "team"
    kills = (
        "import os; from repro.bundles.folder import LocalFiles; put = LocalFiles.put; done = []\n"
        "def dies(self, name, source):\n"
        "    if len(done) == 2: os.kill(os.getpid(), 9)\n"
        "    done.append(put(self, name, source))\n"
        "LocalFiles.put = dies\n"
        f"from repro.cli import main; main(['push', 'latest', {str(team)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", kills], cwd=project.path, capture_output=True)
    assert done.returncode == -9 and len(blobs(team)) == 2
    project.repro("push", "latest", str(team), cwd=project.path).expect(0)
    assert pushing.pull(Store.open(tmp_path), str(team)).run.id == run
    assert not list((project.path / ".repro/tmp").iterdir())


def test_two_at_once_are_both_there(project: Project, tmp_path: Path) -> None:
    runs = [project.record("python", "train.py")["id"] for _ in range(2)]
    team = tmp_path / "team"

    def one(run: str) -> subprocess.CompletedProcess[str] | object:
        return project.repro("push", run, str(team), cwd=project.path).expect(0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, runs))
    entries = folder_index.load((team / "index.json").read_bytes())
    assert {item.run for item in entries} == set(runs)
    for run in runs:
        assert pushing.pull(Store.open(tmp_path), f"{team}:{run[:8]}").run.id == run


def test_a_name_goes_along(opened: OpenProject, tmp_path: Path) -> None:
    (identity,) = opened.store.run_ids()
    opened.store.set_name("best", identity)
    push(opened, tmp_path / "team")
    assert pushing.pull(Store.open(tmp_path), f"{tmp_path}/team:best").run.id == identity
    with pytest.raises(NotFound, match="no run 'worst'"):
        pushing.pull(Store.open(tmp_path), f"{tmp_path}/team:worst")


def test_a_folder_of_something_else_is_left_alone(opened: OpenProject, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="something else"):
        push(opened, tmp_path / "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["notes.txt"]


def test_entries_of_others_stay(opened: OpenProject, tmp_path: Path) -> None:
    team = tmp_path / "team"
    push(opened, team)
    document = json.loads((team / "index.json").read_bytes())
    document["manifests"].insert(0, {"mediaType": "x/y", "digest": "sha256:" + "0" * 64, "size": 1})
    (team / "index.json").write_text(json.dumps(document))
    push(opened, team, data=False)
    assert json.loads((team / "index.json").read_bytes())["manifests"][0]["mediaType"] == "x/y"


@pytest.mark.parametrize(
    "index",
    [b"", b"[]", b"{}", b"null", b'{"manifests":5}', b'{"manifests":[5]}', b"[" * 9000,
     b'{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":5}}]}',
     b'{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"' + b"0" * 64 + b'"}}]}'],
)  # fmt: skip
def test_no_such_index(opened: OpenProject, tmp_path: Path, index: bytes) -> None:
    team = tmp_path / "team"
    push(opened, team)
    (team / "index.json").write_bytes(index)
    with pytest.raises(ReproError):
        pushing.pull(Store.open(tmp_path), str(team))


def test_a_run_under_the_id_of_another_is_refused(opened: OpenProject, tmp_path: Path) -> None:
    team = tmp_path / "team"
    push(opened, team)
    (identity,) = opened.store.run_ids()
    content = (team / "index.json").read_text().replace(identity, "ab" * 32)
    (team / "index.json").write_text(content)
    with pytest.raises(Corrupt, match="is another one"):
        pushing.pull(Store.open(tmp_path), f"{team}:abab")


def test_every_blob_that_is_damaged_is_refused(opened: OpenProject, tmp_path: Path) -> None:
    team = tmp_path / "team"
    push(opened, team)
    for path in sorted((team / "blobs/sha256").iterdir()):
        content = path.read_bytes()
        for bad in (None, content[:-1], bytes([content[0] ^ 1]) + content[1:]):
            path.unlink(missing_ok=True)
            if bad is not None:
                path.write_bytes(bad)
            store = Store.open(tmp_path)
            with pytest.raises(Corrupt):
                pushing.pull(store, str(team))
            assert not store.run_ids()
        path.write_bytes(content)
    shutil.rmtree(tmp_path / ".repro")
    assert pushing.pull(Store.open(tmp_path), str(team)).new


def test_a_secret_is_not_pushed_unasked(project: Project, tmp_path: Path) -> None:
    project.write("local/token", TOKEN)
    code = (
        "import pathlib; print(pathlib.Path('local/token').read_text()); "
        "open('metrics.json', 'w').write('{\"a\": 1}')"
    )
    project.record("python", "-c", code, options=("--allow-secrets",))
    team = tmp_path / "team"
    done = project.repro("push", "latest", str(team), cwd=project.path)
    done.complains(2, "log stdout:1: a GitHub token", "secrets: allow:")
    assert not team.exists() and TOKEN not in done.err
    project.repro("push", "latest", str(team), "--allow-secrets", cwd=project.path).expect(0)


# --- what a reference means -----------------------------------------------------------------

REFERENCES = {
    "./runs": references.Folder("./runs"),
    "/mnt/x:abcd": references.Folder("/mnt/x", "abcd"),
    "~/runs:best": references.Folder("~/runs", "best"),
    "there": references.Folder("there"),
    "there:abcd": references.Folder("there", "abcd"),
    "s3://bucket/runs": references.Url("s3://bucket/runs"),
    "s3://bucket/runs:abcd": references.Url("s3://bucket/runs", "abcd"),
    "ssh://me@host:22/runs": references.Url("ssh://me@host:22/runs"),
    "localhost/a/b:v1": references.Registry("localhost", "a/b", "v1"),
    "h.example:5000/a/b": references.Registry("h.example:5000", "a/b"),
    "h.example/a@sha256:" + "0" * 64: references.Registry(
        "h.example", "a", "", "sha256:" + "0" * 64
    ),
}


@pytest.mark.parametrize("text", REFERENCES)
def test_what_a_reference_means(text: str) -> None:
    found = references.parse(text, lambda name: name == "there", with_run=True)
    assert found == REFERENCES[text]


@pytest.mark.parametrize(
    "text", ["", "runs", "runs/x", "h.example/A", "h.example/", "h.example/a:", "h.example/a@md5:1",
             "h.example/../x", "h.example/a?x", "://x", "s3://", "h.example/a:b/c", "h.ex ample/a"],
)  # fmt: skip
def test_what_means_nothing_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        references.parse(text, lambda name: False, with_run=True)


def test_only_this_machine_goes_without_tls() -> None:
    for host in ("localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:80"):
        assert references.Registry(host, "a").base.startswith("http://")
    for host in ("localhost.example", "127.0.0.1.example", "h.example:5000"):
        assert references.Registry(host, "a").base.startswith("https://")


def test_options_are_those_of_an_export() -> None:
    assert exporting.Options.of("", complete=True) == Options(data=True, image=True)
