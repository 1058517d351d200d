"""Packages in a bundle: the recorded files, and a replay that asks no index for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from test_outliving import CUT_OFF
from workbench import Project

from repro.store import Store


def exported(project: Project, file: Path) -> list[str]:
    words = ("export", "latest", str(file), "--with", "packages")
    return project.repro(*words, cwd=project.path).expect(0).err.splitlines()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_the_recorded_files_are_inside(
    project: Project, rates: Callable[[str], None], tmp_path: Path, here: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    exported(project, tmp_path / "run.tar")
    said = project.repro("import", str(tmp_path / "run.tar"), cwd=here).expect(0)
    assert "1 packages" in said.err
    from repro.bundles import carried

    store = Store(here / ".repro")
    (item,) = carried.of(store, said.out.strip()).below("packages/").values()
    assert store.read(item) == next((tmp_path / "wheels").iterdir()).read_bytes()


def test_a_package_that_is_gone_is_said(
    project: Project, rates: Callable[[str], None], tmp_path: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    for path in (tmp_path / "wheels").iterdir():
        path.unlink()
    shutil.rmtree(project.path / ".repro" / "cache")
    lines = exported(project, tmp_path / "run.tar")
    assert any("not inside: the package repro-test-rates" in line for line in lines)


def test_a_package_that_was_exchanged_is_left_out(
    project: Project, rates: Callable[[str], None], tmp_path: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    workbench.wheel(tmp_path / "wheels", "0.5", 0.75)
    lines = exported(project, tmp_path / "run.tar")
    assert any("not inside: the package repro-test-rates" in line for line in lines)


@pytest.mark.docker
@pytest.mark.parametrize("engine", ["docker", "venv"])
def test_a_replay_needs_no_index(
    project: Project, rates: Callable[[str], None], tmp_path: Path, here: Path, engine: str
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    exported(project, tmp_path / "run.tar")
    project.repro("import", str(tmp_path / "run.tar"), cwd=here).expect(0)
    shutil.rmtree(tmp_path / "wheels")
    env = {**CUT_OFF, "REPRO_BASE_IMAGE": os.environ["REPRO_BASE_IMAGE"], "PIP_NO_INDEX": None,
           "UV_CACHE_DIR": str(tmp_path / "no-cache"), "XDG_CACHE_HOME": str(tmp_path / "none")}  # fmt: skip
    words = ("replay", "latest", "--json", "--engine", engine)
    assert project.repro(*words, cwd=here, env=env).expect(0).verdict == "identical"
