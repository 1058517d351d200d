"""The same folder behind fsspec: a file system in memory, and one of this machine by its URL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from repro import importing, pushing
from repro.bundles import folder_index, references
from repro.bundles.remote_files import RemoteFiles
from repro.errors import Corrupt, NotFound, ReproError, UsageError
from repro.exporting import Options
from repro.project import Project, standalone
from repro.store import Store


@pytest.fixture
def opened(exported: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "origin"
    folder.mkdir()
    project = standalone(folder)
    importing.import_bundle(project.store, exported)
    return project


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return f"memory://team-{os.urandom(6).hex()}/runs"
    return f"file://{tmp_path}/team/runs"


def push(project: Project, target: str, *, data: bool = True) -> pushing.Pushed:
    (identity,) = project.store.run_ids()
    return pushing.push(project, project.store.run(identity), target, Options(data=data), {})


def files(url: str) -> list[str]:
    system, root = fsspec.core.url_to_fs(url)
    return sorted(system.find(root))


def test_push_and_pull(opened: Project, url: str, tmp_path: Path) -> None:
    first = push(opened, url, data=False)
    second = push(opened, url)
    assert second.there >= first.sent - 1 and 0 < second.sent < first.sent
    before = files(url)
    assert push(opened, url).sent == 0 and files(url) == before
    (identity,) = opened.store.run_ids()
    for reference in (url, first.reference, f"{url}:{identity}"):
        assert pushing.pull(Store.open(tmp_path), reference).run.id == identity
    assert not (tmp_path / ".repro/cache/pulls").exists()


def test_the_folder_is_the_same_as_one_of_this_machine(opened: Project, tmp_path: Path) -> None:
    push(opened, f"file://{tmp_path}/team")
    assert push(opened, str(tmp_path / "team")).sent == 0
    assert pushing.pull(Store.open(tmp_path), str(tmp_path / "team")).new


def test_a_push_that_breaks_off_goes_on(
    opened: Project, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, count = RemoteFiles.put, [0]

    def breaks(self: RemoteFiles, name: str, source: Path) -> None:
        count[0] += 1
        if count[0] == 4:
            raise OSError("the line is dead")
        put(self, name, source)

    monkeypatch.setattr(RemoteFiles, "put", breaks)
    with pytest.raises(ReproError, match="the line is dead"):
        push(opened, url)
    monkeypatch.undo()
    with pytest.raises(NotFound):
        pushing.pull(Store.open(tmp_path), url)
    assert push(opened, url).there == 3
    assert pushing.pull(Store.open(tmp_path), url).new


def test_an_index_that_another_push_replaces_is_written_again(opened: Project, url: str) -> None:
    push(opened, url)
    remote = RemoteFiles(references.Url(url))
    (other,) = folder_index.load(b"".join(remote.chunks("index.json")))
    system = remote._fs
    pipe, count = system.pipe_file, [0]

    def between(path: str, content: bytes, **more: Any) -> None:
        count[0] += 1
        pipe(path, b'{"manifests":[]}' if count[0] == 1 else content, **more)

    system.pipe_file = between
    try:
        remote.update("index.json", lambda found: b'{"manifests": []}')
    finally:
        del system.pipe_file
    assert count[0] == 2 and other.run


def test_every_blob_that_is_damaged_is_refused(opened: Project, tmp_path: Path) -> None:
    url = f"memory://team-{os.urandom(6).hex()}"
    push(opened, url)
    system, root = fsspec.core.url_to_fs(url)
    changes: list[Callable[[bytes], bytes]] = [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: bytes([content[0] ^ 1]) + content[1:],
    ]
    for path in system.find(f"{root}/blobs"):
        content = system.cat_file(path)
        for change in changes:
            system.pipe_file(path, change(content))
            store = Store.open(tmp_path)
            with pytest.raises(Corrupt):
                pushing.pull(store, url)
            assert not store.run_ids()
            shutil.rmtree(store.root)  # with what was kept of this attempt
        system.pipe_file(path, content)


@pytest.mark.parametrize(
    "url", ["nosuch://x/y", "github://x/y", "http://127.0.0.1:9/x", "s3://bucket/x", "sftp://h/x"]
)
def test_what_cannot_be_reached_is_one_line(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("s3fs", "paramiko"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ReproError) as caught:
        pushing.pull(Store.open(tmp_path), url)
    assert "\n" not in str(caught.value)


def test_a_password_in_a_url_is_not_shown() -> None:
    assert references.Url("ssh://me:secret@h/x").shown == "ssh://h/x"


def test_a_bucket_of_something_else_is_left_alone(opened: Project) -> None:
    url = f"memory://team-{os.urandom(6).hex()}"
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root}/notes.txt", b"x")
    with pytest.raises(UsageError, match="something else"):
        push(opened, url)
    assert len(files(url)) == 1
