"""Which changes can affect a run: where it is not known that they cannot, they can."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from workbench import Project

from repro.capturing import revisions
from repro.verifying.selecting import Change, may_affect

READ = ("src/train.py", "vendor/lib/model.py")


def affecting(*changes: Change, read: tuple[str, ...] = READ) -> list[str]:
    manifest: Any = SimpleNamespace(result=SimpleNamespace(source_read=read))
    return may_affect(manifest, changes)


def test_what_was_not_read_cannot_and_what_was_can() -> None:
    assert affecting(("M", "README.md"), ("D", "docs/a.md"), ("A", "docs/new.md")) == []
    assert affecting(("M", "src/train.py")) == ["src/train.py"]
    assert affecting(("D", "src/train.py")) == ["src/train.py"]


@pytest.mark.parametrize(
    "change",
    [
        ("A", "src/json.py"),
        ("L", "vendor/lib"),
        ("L", "data"),
        ("T", "anything"),
        ("U", "anything"),
        ("M", "requirements.txt"),
        ("M", "sub/pyproject.toml"),
        ("M", "data/train.csv.dvc"),
        ("M", "dvc.lock"),
        ("M", "repro.yaml"),
        ("M", "repro-baselines.yaml"),
        ("M", ".gitattributes"),
        ("M", "Dockerfile.train"),
    ],
)
def test_what_could_steer_a_run_counts_though_it_was_not_read(change: Change) -> None:
    assert affecting(change) == [change[1]]


def test_without_knowledge_of_what_was_read_everything_can() -> None:
    assert affecting(("M", "README.md"), read=()) == ["README.md"]


def test_links_and_submodules_are_told_from_files(project: Project, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    project.git("init", "--quiet", str(library))
    (library / "a.py").write_text("1")
    project.git("add", "--all", cwd=library)
    project.git("commit", "--quiet", "-m", "one", cwd=library)
    allow = ("-c", "protocol.file.allow=always")
    project.git(*allow, "submodule", "add", "--quiet", str(library), "lib")
    (project.path / "link").symlink_to("train.py")
    project.commit()
    assert revisions.changed_since(project.path, "HEAD") == ()
    (project.path / "lib" / "a.py").write_text("2")
    project.git("commit", "--quiet", "-am", "two", cwd=project.path / "lib")
    (project.path / "link").unlink()
    (project.path / "link").symlink_to("params.json")
    (project.path / "fresh").symlink_to("train.py")
    project.write("train.py", "pass\n")
    project.write("new.md", "x")
    (project.path / "params.json").unlink()
    assert revisions.changed_since(project.path, "HEAD") == (
        ("A", "new.md"),
        ("D", "params.json"),
        ("L", "fresh"),
        ("L", "lib"),
        ("L", "link"),
        ("M", "train.py"),
    )
    assert revisions.changed_since(project.path, "nowhere") is None
