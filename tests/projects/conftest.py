"""Projects as users have them, and the few environments that they share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workbench
from workbench import Project, Repro

pytest.register_assert_rewrite("training_projects")  # before it is imported
import training_projects  # noqa: E402
from training_projects import HERE, Take  # noqa: E402


@pytest.fixture
def take(tmp_path: Path, repro: Repro, packed_venv: Path, use_venv: Callable[[Path], None]) -> Take:
    """Makes a repository of a project of this folder; numpy and scikit-learn are installed unless
    another environment is named."""

    def make(name: str, venv: Path | None = None, **places: str) -> Project:
        use_venv(venv or packed_venv)
        return training_projects.taken(name, tmp_path, repro, **places)

    return make


@pytest.fixture(scope="session")
def tracking_venv(sealed: None) -> Path:
    """An interpreter with MLflow, tensorboardX, papermill and matplotlib."""
    return workbench.training_venv(HERE / "tracking.lock")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder of this machine that belongs to no project, nor is it a temporary one."""
    folder = Path(f"/srv/repro-test-{os.urandom(6).hex()}")
    try:
        folder.mkdir(parents=True)
    except OSError:
        pytest.skip("/srv is not writable here")
    yield folder
    shutil.rmtree(folder)
