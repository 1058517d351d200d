"""Two scans of a project, and what happened to its files between them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench import quickest

from repro.capturing import files
from repro.capturing.files import Changes

NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "metrics.json").write_text('{"loss": 0.25}')
    return folder


def happened(top: Path, action: Callable[[], object]) -> Changes:
    before = files.scan(top, top)
    action()
    return files.changes(before, files.scan(top, top))


# --- written, or not ----------------------------------------------------------------------------


def test_a_file_that_is_left_alone_is_not_written(top: Path) -> None:
    assert happened(top, (top / "metrics.json").read_text) == Changes((), ())


def test_the_very_same_bytes_written_again_count(top: Path) -> None:
    path = top / "metrics.json"
    found = happened(top, lambda: path.write_bytes(path.read_bytes()))
    assert found == Changes(("metrics.json",), ())


@pytest.mark.parametrize("_", range(20))
def test_a_file_is_seen_that_is_rewritten_within_the_clock_tick_in_which_it_was_made(
    top: Path, _: int
) -> None:
    path = top / "metrics.json"
    path.write_text('{"loss": 0.50}')  # in the same tick as the scan, as like as not
    found = happened(top, lambda: path.write_text('{"loss": 0.75}'))
    assert found.written == ("metrics.json",) and not found.touched


def test_a_scan_ends_when_the_clock_has_gone_on(top: Path) -> None:
    path = top / "new"
    path.touch()
    files.scan(top, top)
    assert time.time() >= path.stat().st_ctime + 0.01  # ten milliseconds: the longest step of Linux


def test_a_file_from_the_future_does_not_keep_a_scan_waiting(top: Path) -> None:
    later = time.time() + 3600
    os.utime(top / "metrics.json", (later, later))
    assert quickest(lambda: files.scan(top, top), 3) < 1


def test_a_file_renamed_over_another_counts_though_size_and_time_are_the_same(top: Path) -> None:
    path = top / "metrics.json"

    def replace() -> None:
        shutil.copy2(path, top / "new")
        (top / "new").rename(path)

    found = happened(top, replace)
    assert found.written == ("metrics.json",) and not found.touched


def test_a_file_whose_time_was_set_back_is_written_and_only_perhaps_left_alone(top: Path) -> None:
    path = top / "metrics.json"
    status = path.stat()

    def rewrite() -> None:
        path.write_text('{"loss": 0.75}')
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    found = happened(top, rewrite)
    assert found.written == ("metrics.json",)
    assert found.touched == {"metrics.json"}


def test_a_time_set_back_does_not_hide_another_size(top: Path) -> None:
    path = top / "metrics.json"
    status = path.stat()

    def rewrite() -> None:
        path.write_text('{"loss": 0.125}')
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert happened(top, rewrite) == Changes(("metrics.json",), ())


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_a_chmod_alone_may_have_left_the_content_alone(top: Path, mode: int) -> None:
    path = top / "metrics.json"
    path.chmod(0o644)
    found = happened(top, lambda: path.chmod(mode))
    assert found.written == ("metrics.json",)
    assert found.touched == {"metrics.json"}


def test_a_file_moved_away_and_back_may_have_been_left_alone(top: Path) -> None:
    path = top / "metrics.json"
    found = happened(top, lambda: path.rename(top / "other").rename(path))
    assert set(found.written) == found.touched


def test_a_hard_link_made_elsewhere_is_no_write(top: Path, tmp_path: Path) -> None:
    found = happened(top, lambda: (tmp_path / "link").hardlink_to(top / "metrics.json"))
    assert found == Changes((), ())


def test_what_is_made_and_deleted_is_told(top: Path) -> None:
    def act() -> None:
        (top / "metrics.json").unlink()
        (top / "deep/er").mkdir(parents=True)
        (top / "deep/er/new").touch()

    assert happened(top, act) == Changes(("deep/er/new",), ("metrics.json",))


def test_a_file_that_becomes_a_folder_is_deleted(top: Path) -> None:
    def act() -> None:
        (top / "metrics.json").unlink()
        (top / "metrics.json").mkdir()
        (top / "metrics.json/a").touch()

    assert happened(top, act) == Changes(("metrics.json/a",), ("metrics.json",))


def test_a_link_that_is_turned_to_another_place_is_written(top: Path) -> None:
    link = top / "latest"
    link.symlink_to("a")

    def turn() -> None:
        link.unlink()
        link.symlink_to("b")

    assert happened(top, turn) == Changes(("latest",), ())


# --- what a scan sees ---------------------------------------------------------------------------


def test_paths_are_relative_to_the_workspace_of_a_project_in_a_folder(top: Path) -> None:
    (top / "sub/deep").mkdir(parents=True)
    (top / "sub/deep/model.bin").touch()
    assert set(files.scan(top, top / "sub").files) == {"sub/deep/model.bin"}


def test_links_are_seen_and_not_followed(top: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    (top / "out").symlink_to(tmp_path / "outside")
    (top / "dangling").symlink_to("nowhere")
    (top / "loop").symlink_to("loop")
    (top / "here").symlink_to(".")
    assert set(files.scan(top, top).files) == {
        "metrics.json", "out", "dangling", "loop", "here",
    }  # fmt: skip


@pytest.mark.timeout(20)
def test_pipes_sockets_and_devices_are_no_files(top: Path) -> None:
    os.mkfifo(top / "pipe.json")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        # the path of a socket has to be short
        (Path(short) / "top").symlink_to(top)
        server.bind(f"{short}/top/socket.json")
        assert (top / "socket.json").is_socket()
        assert set(files.scan(top, top).files) == {"metrics.json"}


def test_names_that_are_no_utf8_come_as_the_file_system_has_them(top: Path) -> None:
    name = os.fsdecode(b"na\xefve-\xff.json")
    (top / name).touch()
    (top / "line\nbreak").touch()
    assert set(files.scan(top, top).files) == {"metrics.json", name, "line\nbreak"}


@pytest.mark.parametrize(
    "name", [".git", ".repro", "__pycache__", ".ipynb_checkpoints", ".dvc/cache", ".dvc/tmp"]
)
def test_folders_that_tools_rebuild_at_will_are_not_looked_into(top: Path, name: str) -> None:
    for folder in (top / name, top / "sub" / name):
        folder.mkdir(parents=True)
        (folder / "metrics.json").touch()
    found = files.scan(top, top)
    assert set(found.files) == {"metrics.json"}
    assert found.environments == ()


@pytest.mark.parametrize("name", ["cache", "tmp", "my.dvc/cache", "pycache"])
def test_folders_of_the_same_names_elsewhere_are(top: Path, name: str) -> None:
    (top / name).mkdir(parents=True)
    (top / name / "a").touch()
    assert f"{name}/a" in files.scan(top, top).files


def test_environments_are_not_looked_into_and_are_named(top: Path) -> None:
    for name in (".venv/pyvenv.cfg", "envs/conda/conda-meta/history", "web/node_modules/x/a.js"):
        (top / name).parent.mkdir(parents=True)
        (top / name).touch()
    found = files.scan(top, top)
    assert set(found.files) == {"metrics.json"}
    assert found.environments == (".venv", "envs/conda", "web/node_modules")


def test_a_project_that_is_a_virtual_environment_itself_is_looked_into(top: Path) -> None:
    (top / "sub").mkdir()
    for folder in (top, top / "sub"):
        (folder / "pyvenv.cfg").touch()
        (folder / "model.bin").touch()
    assert set(files.scan(top, top / "sub").files) == {"sub/pyvenv.cfg", "sub/model.bin"}
    assert "model.bin" in files.scan(top, top).files


def test_a_folder_that_vanishes_while_it_is_scanned_is_not_called_unreadable(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "gone").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("/gone"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files.scan(top, top).unreadable == ()


def test_a_folder_that_may_not_be_read_is_named(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (top / "a/closed").mkdir(parents=True)
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("/closed"):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files.scan(top, top).unreadable == ("a/closed",)


@NOT_ROOT
def test_a_folder_without_permissions_is_named(top: Path) -> None:
    (top / "closed").mkdir(mode=0)
    try:
        assert files.scan(top, top).unreadable == ("closed",)
    finally:
        (top / "closed").chmod(0o755)


def test_folders_deeper_than_a_path_can_name_are_told_of(top: Path) -> None:
    script = "import os\nfor _ in range(2500): os.mkdir('d'); os.chdir('d')\nopen('a', 'w')"
    subprocess.run(["python3", "-c", script], cwd=top, check=True)
    try:
        found = files.scan(top, top)
    finally:
        subprocess.run(["rm", "-rf", top / "d"], check=True)
    assert set(found.files) == {"metrics.json"}
    assert [set(path.split("/")) for path in found.unreadable] == [{"d"}]
