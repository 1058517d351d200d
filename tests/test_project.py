"""Which folder is the project, and what git is told of its store."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.project import exclude_from_git, find_project


@pytest.mark.parametrize("mark", ["repro.yaml", ".dvc/config", ".repro/format"])
def test_the_project_is_the_nearest_folder_that_is_one(tmp_path: Path, mark: str) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    assert find_project(inner, tmp_path) == tmp_path
    (tmp_path / "a" / mark).parent.mkdir(exist_ok=True)
    (tmp_path / "a" / mark).touch()
    assert find_project(inner, tmp_path) == tmp_path / "a"
    assert find_project(tmp_path, tmp_path) == tmp_path


def test_what_is_above_the_workspace_does_not_count(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "repro.yaml").touch()
    assert find_project(workspace, workspace) == workspace


@pytest.mark.parametrize("before", [None, b"", b"*.pkl", b"*.pkl\n", b"\xff\n"])
def test_gits_exclude_file_gets_one_line_once(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "info" / "exclude"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    for _ in range(2):
        exclude_from_git(tmp_path)
    kept = (before or b"").rstrip(b"\n")
    assert path.read_bytes() == (kept + b"\n" if kept else b"") + b".repro/\n"


def test_a_git_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "info").write_text("a file in the way")
    exclude_from_git(tmp_path)
