"""A full disk: one clear line, nothing half-written, and with space again everything works."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import workbench
from workbench import Project

SMALL = 3 * 2**20
"""Bytes of the file system that the store lies on."""


class Disk:
    """A small file system of its own, mounted where the store is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / ".filler"

    def fill(self, leave: int = 0) -> None:
        """Use up everything but so many bytes."""
        with self._filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(b"\0" * 4096)
        if leave:
            os.truncate(self._filler, self._filler.stat().st_size - leave)

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(project: Project) -> Iterator[Disk]:
    path = project.path / ".repro"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(path)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system can be mounted by root only: {done.stderr.decode().strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def half_written(project: Project) -> list[Path]:
    found = [path for path in (project.path / ".repro").rglob(".*") if path.name != ".gitignore"]
    return [path for path in found if path.is_file() and path.name != ".filler"]


@pytest.mark.parametrize("leave", [0, 8 * 1024, 48 * 1024, 96 * 1024])
def test_recording_on_a_full_disk(project: Project, disk: Disk, leave: int) -> None:
    project.repro("list").expect(0)  # makes the store
    disk.fill(leave)
    done = project.repro("run", "--", "python", "train.py")
    if done.code == 0:
        assert leave >= 48 * 1024 and len(project.runs()) == 1
        return
    done.complains(2, "free some space")
    assert not half_written(project)
    assert project.run_files() == []
    disk.free()
    assert project.runs() == []
    run = project.record("python", "train.py")
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_a_store_that_cannot_even_be_made(project: Project, disk: Disk) -> None:
    disk.fill()
    done = project.repro("run", "--", "touch", "ran")
    done.complains(2, "no space left on device")
    assert not (project.path / "ran").exists(), "nothing ran that could not be recorded"
    disk.free()
    project.record("python", "train.py")


def test_the_training_goes_on_where_its_log_finds_no_room(project: Project, disk: Disk) -> None:
    """It may have cost days. That it could not be recorded is said at its end."""
    project.write(
        "train.py",
        "for number in range(200):\n    print('x' * 40_000, flush=True)\n"
        "open('models.bin', 'w').write('trained to the end')\n",
    )
    project.repro("list").expect(0)
    done = project.repro("run", "--", "python", "train.py")
    done.complains(2, "no space left on device")
    assert len(done.stdout) == 200 * 40_001, "the output goes on too"
    assert (project.path / "models.bin").read_text() == "trained to the end"
    assert not half_written(project) and not project.run_files()
    project.record("python", "-c", "open('small.txt', 'w').write('x')")


def test_replaying_on_a_full_disk(project: Project, disk: Disk) -> None:
    run = project.record("python", "train.py")
    disk.fill()
    done = project.repro("replay", run["id"], "--engine", "venv")
    assert done.code in (2, 3), done
    done.complains(done.code)
    disk.free()
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_a_store_that_may_not_be_written(project: Project) -> None:
    """Root may write everywhere, so this is a read-only file system."""
    path = project.path / ".repro"
    project.record("python", "train.py", options=("--name", "one"))
    project.write("train.py", workbench.TRAIN + "\n")
    project.record("python", "train.py", options=("--name", "two"))
    bind = ["mount", "--bind", str(path), str(path)]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        remount = ["mount", "-o", "remount,ro,bind", str(path)]
        if subprocess.run(remount, capture_output=True, check=False).returncode:
            pytest.skip("a file system can be made read-only by root only")
        done = project.repro("run", "--", "touch", "ran")
        done.complains(2, "read-only")
        assert not (project.path / "ran").exists()
        assert len(project.runs()) == 2, "what only looks needs not write"
        project.repro("show").expect(0)
        seen = project.repro("diff", "one", "two").expect(1)
        assert "which files differ could not be told" in seen.out
        project.repro("replay", "--engine", "venv").complains(2, "copy the project")
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
    assert len(project.runs()) == 2


def test_a_bundle_that_finds_no_room_is_not_blamed(project: Project, disk: Disk) -> None:
    project.record("python", "train.py", options=("--name", "n"))
    project.repro("export", "n", "../n.tar").expect(0)
    disk.fill()
    project.repro("import", "../n.tar").complains(2, "0 B of the disk are free", "free some space")
    disk.free()
    project.repro("import", "../n.tar").expect(0)


def test_a_folder_where_the_store_has_a_file_is_said(project: Project) -> None:
    project.record("python", "train.py")
    gate = project.path / ".repro" / "gate"
    gate.unlink()
    gate.mkdir()
    project.repro("replay", "--engine", "venv").complains(2, str(gate), "take it away")


def test_a_pipe_in_the_store_hangs_nothing(project: Project) -> None:
    project.record("python", "train.py")
    for path in (project.path / ".repro" / "blobs" / "sha256").iterdir():
        path.unlink()
        os.mkfifo(path)
    project.repro("gc").expect(0)
