"""Repositories inside the repository: submodules, nested ones, and what is left of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_project import CAP, Project, contents, isolate

from repro.capturing import source
from repro.errors import Unreplayable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Submodule ``libs/sub`` with a submodule ``inner`` of its own."""
    isolate(monkeypatch, tmp_path)
    home = tmp_path / "home"
    inner = Project(home / "inner-origin", home).init()
    inner.write("inner.py", "inner\n")
    inner.commit()
    sub = Project(home / "sub-origin", home).init()
    sub.write("sub.py", "sub\n")
    sub.git("submodule", "--quiet", "add", str(inner.path), "inner")
    sub.commit()
    made = Project(tmp_path / "project", home).init()
    made.write("train.py", "print('train')\n")
    made.git("submodule", "--quiet", "add", str(sub.path), "libs/sub")
    made.commit()
    made.git("submodule", "--quiet", "update", "--init", "--recursive")
    return made


def test_clean(project: Project) -> None:
    taken = project.round_trip()
    recorded = taken.snapshot.source
    assert recorded.tree == project.git("rev-parse", "HEAD^{tree}")
    assert [item.path for item in recorded.submodules] == ["libs/sub", "libs/sub/inner"]
    assert recorded.submodules[0].commit == project.git("rev-parse", "HEAD", at="libs/sub")
    assert taken.snapshot.changed == taken.snapshot.findings == ()
    assert set(taken.packs) == {
        "source/commit.pack",
        "source/submodules/libs/sub/commit.pack",
        "source/submodules/libs/sub/inner/commit.pack",
    }
    at = str(project.last)
    assert project.git("status", "--porcelain", at=at) == ""
    head = project.git("rev-parse", "HEAD", at=f"{at}/libs/sub/inner")
    assert head == recorded.submodules[1].commit


def test_dirty_at_every_depth(project: Project) -> None:
    project.write("libs/sub/sub.py", "changed\n")
    project.write("libs/sub/new", "untracked\n")
    project.write("libs/sub/inner/inner.py", "changed\n")
    project.write("libs/sub/inner/large", b"x" * (CAP + 1))
    taken = project.round_trip(without=("libs/sub/inner/large",))
    assert taken.snapshot.changed == (
        "M libs/sub/inner/inner.py",
        "?? libs/sub/new",
        "M libs/sub/sub.py",
    )
    assert taken.snapshot.skipped == ("libs/sub/inner/large",)
    assert taken.snapshot.source.tree == project.git("rev-parse", "HEAD^{tree}")
    status = project.git("status", "--porcelain", at=str(project.last / "libs" / "sub"))
    assert status == " m inner\n M sub.py\n?? new" or " M inner" in status


def test_another_commit(project: Project) -> None:
    project.write("libs/sub/sub.py", "committed in the submodule only\n")
    commit = project.commit(at="libs/sub")
    taken = project.round_trip()
    assert taken.snapshot.source.submodules[0].commit == commit
    assert taken.snapshot.changed == ("M libs/sub",)
    assert source.files(taken.snapshot)["libs/sub"].id == commit
    project.git("add", "libs/sub")
    assert project.round_trip().snapshot.changed == ("M libs/sub",)


def test_ignored_by_configuration(project: Project) -> None:
    """``ignore = all`` hides a submodule from git status, not from the run."""
    project.git("config", "submodule.libs/sub.ignore", "all")
    project.git("config", "-f", ".gitmodules", "submodule.libs/sub.ignore", "all")
    project.commit("ignore")
    project.write("libs/sub/sub.py", "changed\n")
    project.commit(at="libs/sub")
    project.write("libs/sub/inner/inner.py", "changed\n")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("M libs/sub", "M libs/sub/inner/inner.py")


def test_not_checked_out(project: Project) -> None:
    project.git("submodule", "--quiet", "deinit", "-f", "libs/sub")
    taken = project.round_trip()
    assert taken.snapshot.source.submodules == ()
    assert "libs/sub is not checked out" in taken.messages
    assert taken.snapshot.source.tree == project.git("rev-parse", "HEAD^{tree}")
    assert (project.last / "libs" / "sub").is_dir()


def test_folder_gone(project: Project) -> None:
    project.git("submodule", "--quiet", "deinit", "-f", "libs/sub")
    (project.path / "libs" / "sub").rmdir()
    taken = project.round_trip()
    assert taken.snapshot.changed == ("D libs/sub",)
    assert not (project.last / "libs").exists()


def test_removed_from_the_index(project: Project) -> None:
    project.git("rm", "-q", "--cached", "libs/sub")
    taken = project.round_trip()
    assert taken.snapshot.source.submodules[0].path == "libs/sub"


@pytest.mark.parametrize("left", ["nothing", "broken file", "empty folder"])
def test_files_without_their_repository(project: Project, left: str) -> None:
    """git itself passes over files in such a folder; the run did not."""
    marker = project.path / "libs" / "sub" / ".git"
    marker.unlink()
    if left == "broken file":
        marker.write_text("gitdir: ../../.git/modules/nowhere\n")
    elif left == "empty folder":
        marker.mkdir()
    project.write("libs/sub/sub.py", "changed\n")
    taken = project.round_trip()
    assert "no repository of its own" in taken.messages
    assert "?? libs/sub/sub.py" in taken.snapshot.changed
    names = [item.path for item in taken.snapshot.source.submodules]
    assert names == ["libs/sub/inner"]


def test_gitlink_without_gitmodules(project: Project) -> None:
    (project.path / ".gitmodules").unlink()
    project.commit()
    project.write("libs/sub/sub.py", "changed\n")
    assert project.round_trip().snapshot.changed == ("M libs/sub/sub.py",)


def test_submodule_replaced_by_a_file_or_link(project: Project) -> None:
    (project.path / "libs" / "sub").rename(project.home / "away")
    project.write("libs/sub", "a file\n")
    assert project.round_trip().snapshot.changed == ("T libs/sub",)
    (project.path / "libs" / "sub").unlink()
    project.link("libs/sub", str(project.home / "away"))
    assert project.round_trip().snapshot.changed == ("T libs/sub",)


def test_nested_repository_that_is_not_tracked(project: Project) -> None:
    nested = Project(project.path / "vendor" / "nested", project.home).init()
    nested.write("a.py", "a\n")
    nested.commit()
    nested.write("b.py", "untracked in the nested one\n")
    project.write("vendor/plain.py", "x\n")
    taken = project.round_trip()
    assert taken.snapshot.changed == (
        "?? vendor/nested/",
        "?? vendor/nested/b.py",
        "?? vendor/plain.py",
    )
    assert "vendor/nested" in [item.path for item in taken.snapshot.source.submodules]


def test_a_file_becomes_a_repository(project: Project) -> None:
    (project.path / "train.py").unlink()
    nested = Project(project.path / "train.py", project.home).init()
    nested.write("a.py", "a\n")
    nested.commit()
    taken = project.round_trip()
    assert taken.snapshot.changed == ("D train.py", "?? train.py/")


def test_nested_repository_without_commits(project: Project) -> None:
    nested = Project(project.path / "nested", project.home).init()
    nested.write("a.py", "a\n")
    taken = project.round_trip()
    assert taken.snapshot.source.submodules[-1].commit is None
    assert "?? nested/a.py" in taken.snapshot.changed


def test_nested_worktree_and_ignored_repository(project: Project) -> None:
    project.write(".gitignore", "venv/\n")
    ignored = Project(project.path / "venv" / "src", project.home).init()
    ignored.write("a", "x")
    ignored.commit()
    project.git("worktree", "add", "-q", "-b", "side", "side")
    project.write("side/train.py", "other\n")
    taken = project.round_trip(without=("venv/src/a",))
    assert [item.path for item in taken.snapshot.source.submodules][-1] == "side"


def test_conflicting_submodule(project: Project) -> None:
    project.git("branch", "other")
    for branch in ("main", "other"):
        project.git("checkout", "-q", branch)
        project.git("checkout", "-q", "--detach", "HEAD", at="libs/sub")
        project.git("reset", "-q", "--hard", project.git("rev-parse", ":libs/sub"), at="libs/sub")
        project.write("libs/sub/sub.py", f"{branch}\n")
        project.commit(branch, at="libs/sub")
        project.commit(branch)
    project.git("merge", "main", check=False)
    assert project.git("ls-files", "-u")
    taken = project.round_trip()
    assert source.files(taken.snapshot)["libs/sub"].id == project.git(
        "rev-parse", "HEAD", at="libs/sub"
    )


def test_a_workspace_that_is_a_submodule(project: Project) -> None:
    sub = Project(project.path / "libs" / "sub", project.home, [100])
    assert source.find_workspace(sub.path / "inner") == sub.path / "inner"
    sub.write("sub.py", "changed\n")
    assert sub.round_trip().snapshot.changed == ("M sub.py",)


def test_the_submodules_tree_is_proved(project: Project) -> None:
    project.write("libs/sub/sub.py", "changed\n")
    taken = project.take()
    del taken.packs["source/submodules/libs/sub/worktree.pack"]
    with pytest.raises(Unreplayable, match="libs/sub"):
        project.restored(taken)


def test_rewritten(project: Project) -> None:
    taken = project.take()
    project.write("libs/sub/inner/inner.py", "rewritten\n")
    names = ("libs/sub/inner/inner.py", "libs/sub/sub.py", "libs/sub", "train.py")
    assert source.rewritten(taken.snapshot, names) == ("libs/sub/inner/inner.py",)
    assert "libs/sub/inner/inner.py" in source.files(taken.snapshot)
    assert set(contents(project.path)) <= set(source.files(taken.snapshot))
