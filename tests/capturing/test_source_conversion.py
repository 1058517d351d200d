"""What git converts on the way: the restored bytes are those that the run saw, always."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from source_project import Project, isolate

from repro.capturing import source
from repro.manifest import Severity


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    isolate(monkeypatch, tmp_path)
    made = Project(tmp_path / "project", tmp_path / "home").init()
    made.write("train.py", "print('train')\n")
    made.commit()
    return made


def pointer(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def head_tree(project: Project) -> str:
    return project.git("rev-parse", "HEAD^{tree}")


# --- line endings -------------------------------------------------------------------------------


def test_attributes_that_change_nothing_cost_no_difference(project: Project) -> None:
    project.write(".gitattributes", "* text=auto\n*.bin binary\n*.bat text eol=crlf\n")
    project.write("a.txt", "one\ntwo\n")
    project.write("b.bin", b"\0\r\n\n")
    project.write("c.bat", "one\r\ntwo\r\n")
    project.commit()
    taken = project.round_trip()
    assert taken.snapshot.source.tree == head_tree(project)
    assert taken.snapshot.source.settings == {}
    assert set(taken.packs) == {"source/commit.pack"}


def test_autocrlf(project: Project) -> None:
    project.git("config", "core.autocrlf", "true")
    project.write("a.txt", "one\r\ntwo\r\n")
    project.commit()
    taken = project.round_trip()
    assert taken.snapshot.source.tree == head_tree(project)
    # train.py was written before, with LF: a checkout under autocrlf would not write it so
    assert set(taken.snapshot.source.settings) == {"core.autocrlf", "info/attributes"}
    assert taken.snapshot.changed == ()
    (project.path / "train.py").unlink()
    project.git("checkout", "train.py")
    assert project.round_trip().snapshot.source.settings == {"core.autocrlf": "true"}


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
@pytest.mark.parametrize("eol", ["lf", "crlf"])
@pytest.mark.parametrize("attributes", ["", "* text=auto\n", "*.txt text\n", "*.txt eol=crlf\n"])
def test_every_mix_of_line_endings(
    project: Project, autocrlf: str, eol: str, attributes: str
) -> None:
    for name, content in {
        "lf.txt": b"one\ntwo\n",
        "crlf.txt": b"one\r\ntwo\r\n",
        "mixed.txt": b"one\r\ntwo\nthree\r",
        "binary.txt": b"\0one\r\ntwo\n",
        "none.txt": b"one",
        "empty.txt": b"",
    }.items():
        project.write(f"before/{name}", content)
        project.write(f"later/{name}", b"x")
        project.write(f"untracked/{name}", content)
    project.git("add", "before", "later")
    project.commit(add=False)
    project.git("config", "core.autocrlf", autocrlf)
    project.git("config", "core.eol", eol)
    if attributes:
        project.write(".gitattributes", attributes)
        project.git("add", ".gitattributes")
        project.commit(add=False)
    for path in (project.path / "untracked").iterdir():
        project.write(f"later/{path.name}", path.read_bytes())
        project.write(f"added/{path.name}", path.read_bytes())
    project.git("add", "added")
    project.round_trip()
    project.commit()
    project.round_trip()


def test_attributes_outside_of_the_tree(project: Project) -> None:
    project.write(".gitattributes", "*.md text eol=crlf\n")
    project.write("a.txt", "x")
    project.write("b.md", "x")
    project.write("c.dat", "x")
    project.commit()
    (project.path / ".git" / "info").mkdir(exist_ok=True)
    (project.path / ".git" / "info" / "attributes").write_text("*.txt text eol=crlf\n*.md -text\n")
    folder = project.home / ".config" / "git"
    folder.mkdir(parents=True)
    (folder / "attributes").write_text("*.dat text eol=crlf\n")
    project.write("a.txt", "one\r\ntwo\r\n")
    project.write("b.md", "one\ntwo\n")
    project.write("c.dat", "one\r\ntwo\r\n")
    project.round_trip()
    project.commit()
    project.round_trip()


def test_definition_does_not_depend_on_taste(project: Project) -> None:
    plain = project.take().snapshot.source
    project.git("config", "core.autocrlf", "input")
    project.git("config", "core.eol", "crlf")
    assert project.take().snapshot.source == plain


def test_names_that_must_be_quoted(project: Project) -> None:
    names = ["a b", 'q"uote', "back\\slash", "star*", "[set]", "!bang", "#hash", "new\nline", "ü"]
    project.write(".gitattributes", "* text eol=crlf\n.gitattributes -text\n")
    for name in [*names, os.fsdecode(b"\xff")]:
        project.write(f"{name}.txt", "one\ntwo\n")
    project.commit()
    taken = project.round_trip()
    assert taken.snapshot.changed == ()


def test_ident_and_encoding(project: Project) -> None:
    project.write(".gitattributes", "*.id ident\n*.u16 text working-tree-encoding=UTF-16\n")
    project.write("fresh.id", "$Id$\n")
    project.write("a.id", "$Id$\n")
    project.write("a.u16", "text\n".encode("utf-16"))
    project.write("be.u16", b"\xfe\xff" + "text\n".encode("utf-16-be"))
    project.commit()
    (project.path / "a.id").unlink()
    project.git("checkout", "a.id")
    assert "$Id: " in (project.path / "a.id").read_text()
    taken = project.round_trip()
    assert taken.snapshot.changed == ()
    project.write("a.id", "$Id: something else $\n")
    project.write("a.u16", b"no utf-16")
    project.round_trip()


# --- filters ------------------------------------------------------------------------------------


def with_filter(project: Project) -> None:
    """A filter that tells when it ran, and stores everything in upper case."""
    project.git("config", "filter.up.clean", f"touch {project.home}/ran; tr a-z A-Z")
    project.git("config", "filter.up.smudge", f"touch {project.home}/ran; tr A-Z a-z")
    project.git("config", "filter.up.required", "true")
    project.write(".gitattributes", "*.up filter=up\n")
    os.utime(project.write("a.up", "text\n"), (1_600_000_000, 1_600_000_000))
    project.commit()
    assert project.git("show", "HEAD:a.up") == "TEXT"
    (project.home / "ran").unlink()


def test_filters_do_not_run(project: Project) -> None:
    with_filter(project)
    taken = project.round_trip()
    assert taken.snapshot.changed == ()
    assert taken.snapshot.source.settings == {}
    project.write("a.up", "changed\n")
    project.write("new.up", "new\n")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("M a.up", "?? new.up")
    assert not (project.home / "ran").exists()


def test_long_running_filter(project: Project) -> None:
    with_filter(project)
    project.git("config", "filter.up.process", "false")
    project.write("a.up", "changed\n")
    assert project.round_trip().snapshot.changed == ("M a.up",)


def test_lfs(project: Project) -> None:
    """As git-lfs leaves it: the content on disk, the pointer in the repository."""
    content = b"weights" * 50
    project.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    project.write("a.bin", pointer(content))
    project.write("never.bin", pointer(b"never fetched"))
    project.commit()
    project.git("config", "filter.lfs.clean", "git-lfs clean -- %f")
    project.git("config", "filter.lfs.process", "git-lfs filter-process")
    project.git("config", "filter.lfs.required", "true")
    project.write("a.bin", content)
    taken = project.round_trip()
    assert taken.snapshot.changed == ()
    assert (project.last / "a.bin").read_bytes() == content
    findings = [item for item in taken.snapshot.findings if "never.bin" in item.message]
    assert findings and findings[0].severity is Severity.RISKS and findings[0].remedy
    project.write("a.bin", b"new weights")
    assert project.round_trip().snapshot.changed == ("M a.bin",)


def test_lfs_with_a_clean_index(project: Project) -> None:
    """git-lfs checked the file out itself: the index calls it clean without looking."""
    content = b"weights" * 50
    project.git("config", "filter.lfs.clean", f"cat > /dev/null; cat {project.home}/pointer")
    (project.home / "pointer").write_text(pointer(content))
    project.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    project.write("a.bin", content)
    project.commit()
    assert project.git("show", "HEAD:a.bin").startswith("version https://git-lfs")
    taken = project.round_trip()
    assert taken.snapshot.changed == ()
    assert taken.snapshot.source.tree != head_tree(project)
    assert "source/worktree.pack" in taken.packs


def test_rewritten_sees_through_conversions(project: Project) -> None:
    with_filter(project)
    project.write(".gitattributes", "*.up filter=up\n*.txt text eol=crlf\n*.id ident\n")
    project.write("same.txt", "one\r\n")
    project.write("other.txt", "one\r\n")
    project.write("raw.txt", "one\n")
    project.write("a.id", "$Id$")
    project.commit()
    taken = project.round_trip()
    names = ("a.up", "same.txt", "other.txt", "raw.txt", "a.id", "train.py")
    assert source.rewritten(taken.snapshot, names) == ()
    project.write("other.txt", "one\n")
    project.write("raw.txt", "one\r\n")
    project.write("a.up", "TEXT\n")
    assert source.rewritten(taken.snapshot, names) == ("a.up", "other.txt", "raw.txt")


def test_export_attributes_do_not_matter(project: Project) -> None:
    project.write(".gitattributes", "secret export-ignore\n*.v export-subst\n")
    project.write("secret/a", "x")
    project.write("a.v", "$Format:%H$")
    project.commit()
    assert project.round_trip().snapshot.source.tree == head_tree(project)


def test_attributes_in_a_submodule(project: Project) -> None:
    nested = Project(project.path / "nested", project.home).init()
    nested.git("config", "core.autocrlf", "true")
    nested.write("a.txt", "one\r\n")
    nested.write("b.txt", "one\n")
    nested.commit()
    taken = project.round_trip()
    assert taken.snapshot.source.settings["submodule.nested.core.autocrlf"] == "true"


def test_untracked_files_that_are_recorded_raw_are_still_named(project: Project) -> None:
    project.write(".gitattributes", "* text=auto eol=crlf\n")
    project.write("new.txt", "one\n")
    taken = project.round_trip()
    assert taken.snapshot.changed == ("?? .gitattributes", "?? new.txt")


def test_attributes_that_a_sparse_checkout_left_out(project: Project) -> None:
    project.write("sub/.gitattributes", "*.txt text eol=crlf\n")
    project.write("sub/a.txt", "one\r\n")
    project.write("sub/b.txt", "one\r\n")
    project.commit()
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!.gitattributes")
    assert not (project.path / "sub" / ".gitattributes").exists()
    taken = project.take()
    assert taken.snapshot.changed == ()
    restored = project.restored(taken)
    assert (restored / "sub" / "a.txt").read_bytes() == b"one\r\n"
