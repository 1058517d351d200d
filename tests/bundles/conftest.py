"""One real bundle, exported once; tests change copies of it."""

from __future__ import annotations

import os
from pathlib import Path

import bundle_files
import pytest
import workbench
from bundle_files import Parts
from workbench import SCRIPTS, Project, Repro

from repro.store import Store


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, empty_venv: Path) -> Path:
    """A bundle of a run with uncommitted changes, data and all but the image."""
    folder = tmp_path_factory.mktemp("bundled")
    path = os.pathsep.join([str(empty_venv / "bin"), os.environ["PATH"], str(SCRIPTS)])
    tool = Repro(folder / "project", path, folder / "scratch", {os.getpid()})
    tool.folder.mkdir()
    project = workbench.with_dvc(workbench.plain_training(Project(tool.folder, tool)))
    project.write("train.py", workbench.TRAIN + "print('not committed')\n")
    project.record("python", "train.py")
    tool("export", "latest", str(folder / "run.tar"), "--with", "data,outputs").expect(0)
    return folder / "run.tar"


@pytest.fixture(scope="session")
def honest(exported: Path) -> Parts:
    """The same, taken apart. Not to be changed: `bundle_files.changed` makes a copy."""
    return bundle_files.read(exported)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Store.open(folder)
