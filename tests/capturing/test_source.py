"""Snapshot, pack and restore of the source: every state that a work tree can be in."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from source_project import CAP, Project, contents, isolate

from repro.capturing import git, source
from repro.errors import Corrupt, NotFound, ReproError, Unreplayable
from repro.manifest import Severity


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    isolate(monkeypatch, tmp_path)
    made = Project(tmp_path / "project", tmp_path / "home").init()
    made.write("train.py", "print('train')\n")
    made.write("src/model.py", "class Model: pass\n")
    made.write("run.sh", "#!/bin/sh\n", 0o755)
    made.write(".gitignore", "ignored/\n")
    made.commit()
    return made


def head_tree(project: Project, at: str = "") -> str:
    return project.git("rev-parse", "HEAD^{tree}", at=at)


# --- plain states -------------------------------------------------------------------------------


def test_clean(project: Project) -> None:
    taken = project.round_trip()
    snapshot = taken.snapshot
    assert snapshot.source.tree == head_tree(project)
    assert snapshot.source.commit == project.git("rev-parse", "HEAD")
    assert snapshot.changed == snapshot.skipped == snapshot.findings == ()
    assert snapshot.branch == "main"
    assert snapshot.subject == "subject"
    assert snapshot.source.settings == {}
    assert set(taken.packs) == {"source/commit.pack"}


def test_staged_unstaged_deleted_renamed_untracked(project: Project) -> None:
    for name in ("a", "b", "c", "d", "e", "f"):
        project.write(name, f"{name}\n")
    project.commit()
    project.write("a", "staged\n")
    project.git("add", "a")
    project.write("b", "unstaged\n")
    project.write("c", "staged\n")
    project.git("add", "c")
    project.write("c", "and changed again\n")
    (project.path / "d").unlink()
    project.git("rm", "-q", "e")
    project.git("mv", "f", "g")
    project.write("new", "untracked\n")
    project.write("deep/er/new", "untracked\n")
    project.write("ignored/x", "not recorded\n")
    project.write("added", "a\n")
    project.git("add", "added")
    taken = project.round_trip()
    assert taken.snapshot.changed == (
        "M a",
        "A added",
        "M b",
        "M c",
        "D d",
        "?? deep/er/new",
        "D e",
        "D f",
        "A g",
        "?? new",
    )
    assert set(taken.packs) == {"source/commit.pack", "source/worktree.pack"}


def test_staged_content_that_was_undone_is_no_change(project: Project) -> None:
    project.write("train.py", "other\n")
    project.git("add", "train.py")
    project.write("train.py", "print('train')\n")
    taken = project.round_trip()
    assert taken.snapshot.source.tree == head_tree(project)
    assert taken.snapshot.changed == ()


def test_binary_and_non_utf8(project: Project) -> None:
    project.write("weights.bin", bytes(range(256)) * 2)
    project.write(b"na\xefve-\xff.txt", b"\xff\xfe no text \x00\r\n")
    project.write("line\nbreak 'and' \"quotes\" \\ and blanks ", "odd\n")
    project.write(" leading", "x")
    project.write("-dash", "x")
    project.write("*?[glob]", "x")
    project.commit()
    project.write(b"na\xefve-\xff.txt", b"changed \xfe")
    project.write(b"untracked-\xe9", b"\x80")
    taken = project.round_trip()
    assert set(taken.snapshot.changed) == {
        "M " + os.fsdecode(b"na\xefve-\xff.txt"),
        "?? " + os.fsdecode(b"untracked-\xe9"),
    }


def test_mode_bits(project: Project) -> None:
    (project.path / "train.py").chmod(0o755)
    (project.path / "run.sh").chmod(0o644)
    project.write("new.sh", "x", 0o700)
    taken = project.round_trip()
    assert taken.snapshot.changed == ("?? new.sh", "M run.sh", "M train.py")


def test_mode_bits_that_git_is_told_to_ignore(project: Project) -> None:
    project.git("config", "core.fileMode", "false")
    project.write("new.sh", "x", 0o755)
    (project.path / "train.py").chmod(0o755)
    project.round_trip()


def test_links(project: Project) -> None:
    project.link("good", "train.py")
    project.link("dangling", "nowhere/at all")
    project.link("folder", "src")
    project.link("absolute", "/etc/hostname")
    project.write("file", "x")
    project.commit()
    project.link("file", "train.py")
    (project.path / "good").unlink()
    project.write("good", "a file now\n")
    project.link("untracked", "../outside")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("T file", "T good", "?? untracked")


def test_a_folder_becomes_a_link_and_a_file_a_folder(project: Project) -> None:
    project.write("pkg/a", "a")
    project.write("pkg/b", "b")
    project.write("file", "x")
    project.write("kept/a", "a")
    project.commit()
    (project.path / "pkg").rename(project.path / "moved")
    project.link("pkg", "moved")
    (project.path / "file").unlink()
    project.write("file/inside", "x")
    (project.path / "kept" / "a").unlink()
    (project.path / "kept").rmdir()
    project.write("kept", "a file now")
    taken = project.round_trip()
    assert "?? pkg" in taken.snapshot.changed
    assert "D pkg/a" in taken.snapshot.changed
    assert "?? moved/a" in taken.snapshot.changed


def test_large_untracked_files_are_named(project: Project) -> None:
    project.write("large.bin", b"x" * (CAP + 1))
    project.write("fits.bin", b"x" * CAP)
    project.write("tracked.bin", b"x" * (CAP + 1))
    project.git("add", "tracked.bin")
    taken = project.round_trip(without=("large.bin",))
    assert taken.snapshot.skipped == ("large.bin",)
    finding = taken.snapshot.findings[0]
    assert finding.severity is Severity.BREAKS
    assert "large.bin" in finding.message
    assert finding.remedy


def test_intent_to_add(project: Project) -> None:
    project.write("intended", "x\n")
    project.write("gone", "x\n")
    project.git("add", "-N", "intended", "gone")
    (project.path / "gone").unlink()
    taken = project.round_trip()
    assert taken.snapshot.changed == ("A intended",)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_flagged_files_are_recorded_as_they_are(project: Project, flag: str) -> None:
    project.write("deleted", "x")
    project.commit()
    project.git("update-index", flag, "train.py", "deleted", "src/model.py")
    project.write("train.py", "changed behind git's back\n")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("M train.py",)


def test_an_assumed_unchanged_file_that_is_gone(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "train.py")
    (project.path / "train.py").unlink()
    assert project.round_trip().snapshot.changed == ("D train.py",)


def test_sparse_checkout_loses_no_files(project: Project) -> None:
    project.write("other/file", "x\n")
    project.write("other/two", "y\n")
    project.commit()
    whole = contents(project.path)
    project.git("sparse-checkout", "set", "src")
    assert not (project.path / "other").exists()
    taken = project.take()
    assert taken.snapshot.source.tree == head_tree(project)
    assert contents(project.restored(taken)) == whole
    assert "sparse" in taken.messages
    project.write("other/file", "present and changed\n")
    taken = project.take()
    restored = contents(project.restored(taken))
    assert restored["other/file"] == (False, b"present and changed\n")
    assert restored["other/two"] == (False, b"y\n")


def test_sparse_index(project: Project) -> None:
    project.write("other/deep/file", "x\n")
    project.write("src/more", "x\n")
    project.commit()
    whole = contents(project.path)
    project.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    project.write("src/more", "y\n")
    restored = contents(project.restored(project.take()))
    assert restored == {**whole, "src/more": (False, b"y\n")}


def test_unborn(project: Project) -> None:
    project.git("checkout", "-q", "--orphan", "fresh")
    taken = project.round_trip()
    assert taken.snapshot.source.commit is None
    assert taken.snapshot.branch == "fresh"
    assert set(taken.packs) == {"source/worktree.pack"}
    assert project.git("symbolic-ref", "HEAD", at=str(project.last)) == "refs/heads/fresh"


def test_a_repository_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)
    project = Project(tmp_path / "project", tmp_path / "home").init()
    taken = project.round_trip()
    assert taken.packs == {}
    project.write("untracked", "x")
    assert project.round_trip().snapshot.changed == ("?? untracked",)


def test_detached(project: Project) -> None:
    project.git("checkout", "-q", "--detach")
    taken = project.round_trip()
    assert taken.snapshot.branch is None
    assert project.git("rev-parse", "HEAD", at=str(project.last)) == taken.snapshot.source.commit


def test_the_restored_repository_answers_git(project: Project) -> None:
    first = project.git("rev-parse", "HEAD")
    project.write("train.py", "2\n")
    second = project.commit("second: ünïcode")
    project.git("tag", "v1")
    project.git("tag", "-a", "-m", "x", "v2")
    project.git("switch", "-q", "-c", "feature/x")
    project.git("remote", "add", "origin", "https://user:secret@example.org/a.git")
    project.write("train.py", "3\n")
    project.write("new", "x")
    taken = project.round_trip()
    assert taken.snapshot.subject == "second: ünïcode"
    at = str(project.last)
    assert project.git("log", "--format=%H %s", at=at) == f"{second} second: ünïcode"
    assert project.git("rev-parse", "HEAD", at=at) == second
    assert project.git("rev-parse", "--abbrev-ref", "HEAD", at=at) == "feature/x"
    assert project.git("status", "--porcelain", at=at) == " M train.py\n?? new"
    assert project.git("describe", "--always", "--tags", at=at) in ("v1", "v2")
    assert project.git("fsck", "--no-dangling", at=at) == ""
    assert project.git("remote", "get-url", "origin", at=at) == "https://example.org/a.git"
    assert first not in project.git("log", "--format=%H", at=at)
    config = (project.last / ".git" / "config").read_text()
    assert "secret" not in config
    assert not (project.last / ".git" / "hooks").exists()


def test_restored_modes_do_not_depend_on_the_umask(project: Project) -> None:
    taken = project.take()
    before = os.umask(0o077)
    try:
        target = project.restored(taken)
    finally:
        os.umask(before)
    assert (target / "train.py").stat().st_mode & 0o777 == 0o644
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (target / "src").stat().st_mode & 0o777 == 0o755


def test_remotes_and_pushed(project: Project) -> None:
    assert project.take().snapshot.pushed is None
    project.git("init", "-q", "--bare", str(project.home / "origin.git"))
    project.git("remote", "add", "origin", str(project.home / "origin.git"))
    assert project.take().snapshot.pushed is None  # nothing was ever heard of it
    project.git("push", "-q", "origin", "main")
    assert project.take().snapshot.pushed is True
    project.commit("unpushed")
    assert project.take().snapshot.pushed is False
    project.git("checkout", "-q", "HEAD~1")
    project.git("push", "-q", "origin", "main")
    assert project.take().snapshot.pushed is True


def test_shallow_clone(project: Project) -> None:
    project.write("train.py", "2\n")
    project.commit("second")
    clone = project.home / "clone"
    project.git("clone", "-q", "--depth=1", f"file://{project.path}", str(clone))
    shallow = Project(clone, project.home, [100])
    shallow.write("train.py", "3\n")
    taken = shallow.round_trip()
    assert taken.snapshot.findings == ()


def test_partial_clone(project: Project) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    project.write("train.py", "2\n")
    project.commit("second")
    clone = project.home / "clone"
    project.git("clone", "-q", "--filter=blob:none", f"file://{project.path}", str(clone))
    partial = Project(clone, project.home, [100])
    partial.write("train.py", "3\n")
    assert partial.round_trip().breaks == []


def test_partial_clone_without_a_checkout(project: Project) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    project.write("large/a", "not fetched\n")
    project.commit("second")
    clone = project.home / "clone"
    project.git(
        "clone", "-q", "--sparse", "--filter=blob:none", f"file://{project.path}", str(clone)
    )
    partial = Project(clone, project.home, [100])
    assert not (clone / "large").exists()
    partial.write("train.py", "3\n")
    taken = partial.round_trip()
    assert "not in this clone" in taken.messages
    assert taken.snapshot.changed == ("M train.py",)
    assert taken.breaks == []


def test_an_object_that_is_missing_is_a_finding(project: Project) -> None:
    blob = project.git("rev-parse", "HEAD:src/model.py")
    (project.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    taken = project.take()
    assert taken.breaks
    with pytest.raises(Unreplayable):
        project.restored(taken)


def test_linked_worktree(project: Project) -> None:
    project.git("worktree", "add", "-q", "-b", "side", str(project.home / "linked"))
    linked = Project(project.home / "linked", project.home, [100])
    linked.write("train.py", "in the linked one\n")
    taken = linked.round_trip()
    assert taken.snapshot.branch == "side"
    assert taken.snapshot.changed == ("M train.py",)


def test_conflicts(project: Project) -> None:
    project.write("both", "base\n")
    project.write("gone", "base\n")
    project.commit()
    project.git("switch", "-q", "-c", "side")
    project.write("both", "side\n")
    project.write("gone", "side\n")
    project.write("added", "side\n")
    project.commit()
    project.git("switch", "-q", "main")
    project.write("both", "main\n")
    project.write("added", "main\n")
    (project.path / "gone").unlink()
    project.commit()
    project.git("merge", "side", check=False)
    assert "<<<<<<<" in (project.path / "both").read_text()
    taken = project.round_trip()
    assert "M both" in taken.snapshot.changed
    assert "conflicts" in taken.messages
    (project.path / "both").unlink()
    project.round_trip()
    project.git("merge", "--abort")
    project.git("rebase", "side", check=False)
    taken = project.round_trip()
    assert taken.snapshot.branch is None


def test_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)
    project = Project(tmp_path / "project", tmp_path / "home").init(object_format="sha256")
    project.write("a", "a\n")
    project.write(".gitattributes", "*.txt text eol=crlf\n")
    project.write("b.txt", "one\r\ntwo\r\n")
    project.write("c.txt", "one\ntwo\n")
    project.commit()
    project.write("a", "b\n")
    taken = project.round_trip()
    assert taken.snapshot.source.object_format == "sha256"
    assert len(taken.snapshot.source.tree) == 64


def test_the_store_is_never_recorded(project: Project) -> None:
    project.write(".repro/blob", "x")
    project.write("sub/.repro/blob", "x")
    project.write("sub/.repro-not", "x")
    taken = project.take()
    assert taken.snapshot.changed == ("?? sub/.repro-not",)
    project.git("add", "-f", "-A")
    project.git("commit", "-q", "-m", "a mistake")
    taken = project.take()
    assert not [path for path in source.files(taken.snapshot) if "/.repro/" in f"/{path}"]
    assert not (project.restored(taken) / ".repro").exists()


# --- git's own shortcuts ------------------------------------------------------------------------


def test_a_change_within_the_clock_tick_of_the_index(project: Project) -> None:
    """The same size, the same time: only the index's own time gives such a file away."""
    for _ in range(5):
        path = project.write("racy", "aaaa\n")
        project.git("add", "racy")
        status = path.stat()
        index = project.path / ".git" / "index"
        path.write_text("bbbb\n")
        # as on a file system with coarse times
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.utime(index, ns=(status.st_mtime_ns, status.st_mtime_ns))
        taken = project.round_trip()
        assert source.files(taken.snapshot)["racy"].id == project.git("hash-object", "racy")


def test_a_racy_index_without_change_time(project: Project) -> None:
    """As a tool leaves it that takes no notice of inode and change time (core.checkStat=minimal)."""
    project.git("config", "core.checkStat", "minimal")
    project.git("config", "core.trustctime", "false")
    time.sleep(0.01)
    path = project.write("racy", "aaaa\n")
    moment = 1_700_000_000_500_000_000
    os.utime(path, ns=(moment, moment))
    project.git("add", "racy")
    os.utime(project.path / ".git" / "index", ns=(moment, moment))
    path.write_text("bbbb\n")
    os.utime(path, ns=(moment, moment))
    taken = project.round_trip()
    assert source.files(taken.snapshot)["racy"].id == project.git("hash-object", "racy")


def test_index_extensions(project: Project) -> None:
    project.git("config", "core.splitIndex", "true")
    project.git("config", "core.untrackedCache", "true")
    project.git("update-index", "--split-index", "--untracked-cache")
    project.write("train.py", "split\n")
    project.write("new", "x")
    assert project.round_trip().snapshot.changed == ("?? new", "M train.py")


def test_fsmonitor_is_not_asked(project: Project) -> None:
    lie = project.home / "lie"
    lie.write_text(f"#!/bin/sh\ntouch {project.home}/asked\nprintf 'token\\0'\n")
    lie.chmod(0o755)
    project.git("config", "core.fsmonitor", str(lie))
    project.git("config", "core.fsmonitorHookVersion", "2")
    project.git("update-index", "--fsmonitor")
    project.git("status")
    (project.home / "asked").unlink(missing_ok=True)
    project.write("train.py", "changed\n")
    assert project.round_trip().snapshot.changed == ("M train.py",)
    assert not (project.home / "asked").exists()


def test_no_hook_runs_and_nothing_is_collected(project: Project) -> None:
    hooks = project.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    names = ("pre-commit", "post-index-change", "post-checkout", "reference-transaction")
    for name in names:
        hook = hooks / name
        hook.write_text(f"#!/bin/sh\ntouch {project.home}/{name}\n")
        hook.chmod(0o755)
    project.git("config", "gc.auto", "1")
    project.write("train.py", "changed\n")
    project.round_trip()
    assert not [name for name in names if (project.home / name).exists()]


def test_inherited_variables_do_not_mislead(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Project(project.home / "other", project.home).init()
    other.write("elsewhere", "x")
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    monkeypatch.setenv("GIT_PREFIX", "src/")
    scratch = project.scratch()
    snapshot = source.snapshot(project.path, scratch, untracked_cap=CAP)
    assert sorted(source.files(snapshot)) == [".gitignore", "run.sh", "src/model.py", "train.py"]
    packs = source.pack(snapshot, project.path, scratch, lambda key: False)
    target = project.home / "there"
    roles = {item.role: item.path for item in packs if item.path}
    source.restore(snapshot.source, roles, target, branch="main", remotes={})
    assert contents(target) == contents(project.path)


def test_the_users_settings_do_not_matter(project: Project) -> None:
    (project.home / ".gitconfig").write_text(
        "[status]\n\tshowUntrackedFiles = no\n\trenames = copies\n\trelativePaths = true\n"
        "\tshowStash = true\n\tbranch = true\n"
        "[diff]\n\texternal = false\n\tnoprefix = true\n\trenames = copies\n"
        "\tignoreSubmodules = all\n"
        "[log]\n\tshowSignature = true\n\texcludeDecoration = refs/tags/*\n\tdecorate = full\n"
        "[core]\n\tquotePath = true\n\tignoreStat = true\n\tabbrev = 4\n"
        "[color]\n\tui = always\n[commit]\n\tgpgSign = true\n[core]\n\tpager = false\n"
        "[i18n]\n\tlogOutputEncoding = latin1\n[transfer]\n\tfsckObjects = true\n"
        "[pack]\n\tthreads = 7\n\tcompression = 9\n[submodule]\n\trecurse = true\n"
    )
    project.git("tag", "v1")
    project.write("ü", "x")
    project.write("train.py", "y")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("M train.py", "?? ü")
    assert taken.snapshot.tags == ("v1",)


def test_replaced_objects_are_not_believed(project: Project) -> None:
    first = project.git("rev-parse", "HEAD")
    project.write("train.py", "other\n")
    second = project.commit()
    project.git("replace", first, second)
    project.git("checkout", "-q", first)
    taken = project.round_trip()
    assert project.git("--no-replace-objects", "rev-parse", f"{first}^{{tree}}") in (
        taken.snapshot.source.tree,
        taken.keys["source/worktree.pack"].split()[1],
    )


# --- errors -------------------------------------------------------------------------------------


def test_find_workspace(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source.find_workspace(project.path / "src") == project.path
    assert source.find_workspace(project.path) == project.path
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(NotFound, match="not a git repository"):
        source.find_workspace(outside)
    project.git("clone", "-q", "--bare", str(project.path), str(tmp_path / "bare"))
    with pytest.raises(ReproError, match="bare"):
        source.find_workspace(tmp_path / "bare")
    monkeypatch.setenv("PATH", str(outside))
    with pytest.raises(ReproError, match="git is not installed"):
        source.find_workspace(project.path)
    with pytest.raises(ReproError, match="git is not installed"):
        source.snapshot(project.path, project.scratch(), untracked_cap=CAP)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to be root")
def test_a_repository_of_somebody_else(project: Project) -> None:
    for path in (project.path, project.path / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(ReproError, match="another user") as caught:
        project.take()
    assert "safe.directory" in caught.value.hint


def test_a_damaged_index(project: Project) -> None:
    (project.path / ".git" / "index").write_bytes(b"DIRCgarbage")
    with pytest.raises(ReproError, match="index"):
        project.take()


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_damaged_packs(project: Project, damage: str) -> None:
    project.write("noise", os.urandom(500))
    project.commit()
    taken = project.take()
    pack = taken.packs["source/commit.pack"]
    pack.chmod(0o644)
    content = pack.read_bytes()
    middle = len(content) // 2
    pack.write_bytes(
        {
            "truncated": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
            "text": b"<html>not found</html>",
        }[damage]
    )
    with pytest.raises(Corrupt, match=r"source/commit\.pack"):
        project.restored(taken)
    assert not (project.home / "restored1").exists()


def test_missing_pack(project: Project) -> None:
    project.write("train.py", "changed\n")
    taken = project.take()
    with pytest.raises(Unreplayable):
        source.restore(
            taken.snapshot.source,
            {"source/commit.pack": taken.packs["source/commit.pack"]},
            project.home / "there",
            branch=None,
            remotes={},
        )


def test_restore_needs_an_empty_folder(project: Project) -> None:
    taken = project.take()
    target = project.home / "there"
    target.mkdir()
    (target / "precious").write_text("x")
    with pytest.raises(ReproError, match="not empty"):
        source.restore(taken.snapshot.source, taken.packs, target, branch=None, remotes={})
    assert (target / "precious").exists()


# --- packs --------------------------------------------------------------------------------------


def test_packs_are_a_function_of_their_key(project: Project) -> None:
    for number in range(30):
        project.write(f"src/{number}.py", f"value = {number}\n" * 50)
        project.commit(str(number))
    project.write("train.py", "changed\n")
    first = project.take()
    project.git("gc", "-q", "--aggressive", "--prune=now")
    project.git("repack", "-q", "-a", "-d", "-f", "--depth=50")
    second = project.take()
    assert first.keys == second.keys
    for role, path in first.packs.items():
        assert path.read_bytes() == second.packs[role].read_bytes()


def test_known_packs_are_not_written(project: Project) -> None:
    keys = project.take().keys
    taken = project.take(known=(keys["source/commit.pack"],))
    assert taken.packs == {}
    assert taken.keys == keys


def test_the_worktree_pack_holds_only_what_the_commit_lacks(project: Project) -> None:
    project.write("large", os.urandom(100_000))
    project.commit()
    project.write("train.py", "changed\n")
    taken = project.take()
    assert taken.packs["source/worktree.pack"].stat().st_size < 2000


# --- after the run ------------------------------------------------------------------------------


def test_rewritten(project: Project) -> None:
    taken = project.take()
    project.write("train.py", "rewritten by the run\n")
    project.write("src/model.py", "class Model: pass\n")
    (project.path / "run.sh").unlink()
    project.write("output", "x")
    paths = ("train.py", "src/model.py", "run.sh", "output")
    assert source.rewritten(taken.snapshot, paths) == ("run.sh", "train.py")


# --- untrusted packs ----------------------------------------------------------------------------


def make_tree(project: Project, *entries: tuple[str, str, str]) -> str:
    """A tree as git would never write it: (mode, name, content or tree id)."""
    body = b""
    for mode, name, content in entries:
        if mode == "40000":
            id = content
        else:
            path = project.home / "blob"
            path.write_text(content)
            id = project.git("hash-object", "-w", "-t", "blob", "--no-filters", str(path))
        body += f"{mode} {name}".encode() + b"\0" + bytes.fromhex(id)
    path = project.home / "tree"
    path.write_bytes(body)
    return project.git("hash-object", "-w", "-t", "tree", "--literally", str(path))


def pack_of(project: Project, tree: str) -> Path:
    base = str(project.home / "evil")
    out = subprocess.run(
        ["git", "-C", str(project.path), "pack-objects", "--revs", "-q", base],
        input=f"{tree}\n".encode(),
        capture_output=True,
        check=True,
    )
    return Path(f"{base}-{out.stdout.decode().strip()}.pack")


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", ".", "a/b", ".g\u200cit"])
def test_paths_that_lead_out_or_into_git(project: Project, name: str) -> None:
    inner = make_tree(project, ("100644", "config", "[core]\n\tfsmonitor = touch owned\n"))
    tree = make_tree(project, ("40000", name, inner))
    target = project.home / "deep" / "target"
    with pytest.raises((Unreplayable, Corrupt)):
        source.restore(
            source.Source(None, tree),
            {"source/worktree.pack": pack_of(project, tree)},
            target,
            branch=None,
            remotes={},
        )
    assert not target.exists()
    assert not (project.home / "deep" / "config").exists()


def test_a_link_is_not_written_through(project: Project) -> None:
    outside = project.home / "outside"
    outside.mkdir()
    inner = make_tree(project, ("100644", "owned", "x"))
    tree = make_tree(project, ("120000", "a", str(outside)), ("40000", "a", inner))
    with pytest.raises((Unreplayable, Corrupt)):
        source.restore(
            source.Source(None, tree),
            {"source/worktree.pack": pack_of(project, tree)},
            project.home / "target",
            branch=None,
            remotes={},
        )
    assert not list(outside.iterdir())


@pytest.mark.parametrize("path", ["../out", "/abs", ".git/modules", "link/sub", "a/../b", "x/.GIT"])
def test_submodule_paths_are_checked(project: Project, path: str) -> None:
    outside = project.home / "outside"
    outside.mkdir()
    project.link("link", str(outside))
    taken = project.take()
    evil = source.Source(
        taken.snapshot.source.commit,
        taken.snapshot.source.tree,
        submodules=(source.Submodule(path, None, taken.snapshot.source.tree),),
    )
    with pytest.raises((Unreplayable, Corrupt)):
        source.restore(evil, taken.packs, project.home / "target", branch=None, remotes={})
    assert not list(outside.iterdir())


def test_names_that_are_no_names(project: Project) -> None:
    taken = project.take()
    target = project.home / "target"
    source.restore(
        taken.snapshot.source,
        taken.packs,
        target,
        branch="--upload-pack=x",
        remotes={"a\nb": "x", "ok": "https://example.org/\n[core]\n\tfsmonitor = touch owned"},
        tags=["..", "v1"],
    )
    config = project.git("config", "--list", "--local", at=str(target))
    assert "core.fsmonitor" not in config
    assert project.git("tag", at=str(target)) == "v1"


# --- odd places ---------------------------------------------------------------------------------


def test_a_path_that_needs_quoting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)
    home = tmp_path / 'ho:me "x" \\ $HOME ~ ü'
    home.mkdir()
    project = Project(home / "pro;ject: $PATH", home).init()
    project.write(".gitattributes", "* text=auto eol=crlf\n")
    project.write("a", "one\n")
    project.commit()
    project.write("a", "two\n")
    project.round_trip()


def test_names_that_git_refuses_are_named(project: Project) -> None:
    project.write("git~1", "x")
    project.write("fine", "x")
    taken = project.round_trip(without=("git~1",))
    assert any("git~1" in message for message in taken.breaks)


def test_scratch_inside_the_store(project: Project) -> None:
    scratch = project.path / ".repro" / "tmp" / "1"
    scratch.mkdir(parents=True)
    project.write("train.py", "changed\n")
    snapshot = source.snapshot(project.path, scratch, untracked_cap=CAP)
    assert snapshot.changed == ("M train.py",)


def test_special_files(project: Project) -> None:
    os.mkfifo(project.path / "untracked-pipe")
    (project.path / "train.py").unlink()
    os.mkfifo(project.path / "train.py")
    taken = project.take()
    assert any("train.py" in message for message in taken.breaks)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to be root")
def test_unreadable_files_are_named(project: Project) -> None:
    project.take()  # all that it imports is there: the child may not be able to read it
    project.write("secret", "x", 0o000)
    project.write("folder/x", "x")
    project.write("train.py", "changed\n", 0o000)
    (project.path / "folder").chmod(0o000)
    (project.path / "src").chmod(0o000)
    with tempfile.TemporaryDirectory() as name:
        moved, scratch = Path(name) / "project", Path(name) / "scratch"
        project.path.rename(moved)
        scratch.mkdir()
        for path in (Path(name), scratch, moved, *moved.rglob("*")):
            os.lchown(path, 65534, 65534)
        child = os.fork()
        if not child:
            try:
                os.setuid(65534)
                snapshot = source.snapshot(moved, scratch, untracked_cap=CAP)
                said = [item.message for item in snapshot.findings]
                (scratch / "said").write_text("\n".join(said))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        text = (scratch / "said").read_text()
    for path in ("secret", "folder/", "train.py", "src/model.py"):
        assert path in text


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes(project: Project, seed: int) -> None:
    """Nothing but random edits, staging and commits: every state must come back as it was."""
    choose = random.Random(seed)
    names = ["a", "b", "c", "d/a", "d/b", "d/e/a", "a.txt", "b.bin", "d/a.txt", "f/a", "d", "f"]
    contents_ = ["", "x\n", "x\r\n", "x\ny\r\n", "\0\r\n", "y\n", "$Id$\n"]
    if seed % 2:
        project.write(".gitattributes", "*.txt text=auto eol=crlf\n*.bin -text\nf/* ident\n")
    for _ in range(25):
        name = choose.choice(names)
        path = project.path / name
        action = choose.randrange(9)
        parents = [project.path / p for p in ("a", "b", "c", "d", "d/e", "f")]
        blocked = any(p in path.parents and (p.is_symlink() or p.is_file()) for p in parents)
        if action < 4 and not blocked and not path.is_dir() and not path.is_symlink():
            project.write(name, choose.choice(contents_), choose.choice([0o644, 0o755]))
        elif action == 4 and not blocked and not (path.is_dir() and not path.is_symlink()):
            project.link(name, choose.choice(["a", "d", "nowhere"]))
        elif action == 5 and not blocked and os.path.lexists(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        elif action == 6:
            project.git("add", "-A", check=False)
        elif action == 7:
            project.git("add", name, check=False)
        elif action == 8:
            project.commit(add=choose.random() < 0.5)
    project.round_trip()
    project.commit()
    project.round_trip()


def test_the_time_of_the_index_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even the change time tells, only the index's own time can: it must not get newer."""
    monkeypatch.setitem(git.NEUTRAL, "core.trustctime", "false")
    monkeypatch.setitem(git.NEUTRAL, "core.checkStat", "minimal")
    path = project.write("racy", "aaaa\n")
    moment = 1_700_000_000_500_000_000
    os.utime(path, ns=(moment, moment))
    project.git("add", "racy")
    index = project.path / ".git" / "index"
    os.utime(index, ns=(moment, moment))
    path.write_text("bbbb\n")
    os.utime(path, ns=(moment, moment))
    taken = project.round_trip()
    assert source.files(taken.snapshot)["racy"].id == project.git("hash-object", "racy")
    # the same where the copy is written once more before it is asked
    project.git("update-index", "--assume-unchanged", "train.py")
    os.utime(index, ns=(moment, moment))
    taken = project.round_trip()
    assert source.files(taken.snapshot)["racy"].id == project.git("hash-object", "racy")


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://example.org/a.git", "https://example.org/a.git"),
        ("https://user@example.org/a.git", "https://example.org/a.git"),
        ("https://user:secret@example.org:8443/a.git", "https://example.org:8443/a.git"),
        ("https://ghp_secret@github.com/a/b", "https://github.com/a/b"),
        ("https://u:se@cret@example.org/a", "https://example.org/a"),
        ("https://u:se/cret@example.org/a", "https://example.org/a"),
        ("https://example.org/a?token=secret#secret", "https://example.org/a"),
        ("ssh://git@example.org:22/a.git", "ssh://git@example.org:22/a.git"),
        ("ssh://git:secret@example.org/a.git", "ssh://git@example.org/a.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("/srv/git/a b.git", "/srv/git/a b.git"),
        ("../a@b.git", "../a@b.git"),
        ("file:///srv/a@b.git", "file:///srv/a@b.git"),
        ("codecommit::https://u:secret@example.org/a", "codecommit::https://example.org/a"),
        ("https://example.org/a@v1", "https://example.org/a@v1"),
        ("https://example.org:8443/a@v1", "https://example.org:8443/a@v1"),
        ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
    ],
)
def test_credentials_are_taken_out_of_urls(url: str, clean: str) -> None:
    assert source.without_credentials(url) == clean
