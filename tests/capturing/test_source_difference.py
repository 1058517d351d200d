"""Which files differ between two sources, from their packs alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from source_project import Project, Taken, isolate

from repro.capturing import source
from repro.errors import Unreplayable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    isolate(monkeypatch, tmp_path)
    made = Project(tmp_path / "project", tmp_path / "home").init()
    made.write("train.py", "one\ntwo\nthree\n")
    made.write("old.py", "one\n")
    made.write("weights.bin", b"\0one")
    made.commit()
    return made


def side(taken: Taken) -> source.Side:
    return source.Side(taken.snapshot.source, taken.packs)


def compare(project: Project, a: Taken, b: Taken) -> source.SourceDifference:
    there = source.difference(side(a), side(b), project.scratch())
    back = source.difference(side(b), side(a), project.scratch())
    swapped = {"A": "D", "D": "A"}
    assert [
        (item.path, swapped.get(item.status, item.status), item.deleted, item.added)
        for item in back.files
    ] == [(item.path, item.status, item.added, item.deleted) for item in there.files]
    return there


def rows(difference: source.SourceDifference) -> list[tuple]:
    return [(item.status, item.path, item.added, item.deleted) for item in difference.files]


def test_changes(project: Project) -> None:
    a = project.take()
    project.write("train.py", "one\n2\nthree\nfour\n")
    (project.path / "old.py").unlink()
    project.write("weights.bin", b"\0two")
    project.write("new\n.py", "x\n")
    project.link("link", "train.py")
    b = project.take()
    shutil.rmtree(project.path)  # from the packs alone
    found = compare(project, a, b)
    assert rows(found) == [
        ("A", "link", 1, 0),
        ("A", "new\n.py", 1, 0),
        ("D", "old.py", 0, 1),
        ("M", "train.py", 2, 1),
        ("M", "weights.bin", None, None),
    ]
    assert not found.same


def test_modes_and_types(project: Project) -> None:
    a = project.take()
    (project.path / "train.py").chmod(0o755)
    (project.path / "old.py").unlink()
    project.link("old.py", "train.py")
    assert rows(compare(project, a, project.take())) == [
        ("T", "old.py", 1, 1),
        ("M", "train.py", 0, 0),
    ]


def test_the_same(project: Project) -> None:
    a = project.take()
    project.write("train.py", "x\n")
    project.commit()
    project.write("train.py", "one\ntwo\nthree\n")
    b = project.take()
    found = compare(project, a, b)
    assert found.same
    assert found.commits[0] != found.commits[1]


def test_settings(project: Project) -> None:
    a = project.take()
    project.git("config", "core.autocrlf", "true")
    (project.path / "train.py").unlink()
    project.git("checkout", "train.py")
    b = project.take()
    found = compare(project, a, b)
    assert not found.files
    assert "core.autocrlf" in found.settings
    assert not found.same


def test_submodules(project: Project) -> None:
    nested = Project(project.path / "nested", project.home).init()
    nested.write("a.py", "one\n")
    nested.commit()
    a = project.take()
    nested.write("a.py", "two\n")
    b = project.take()
    assert rows(compare(project, a, b)) == [("M", "nested/a.py", 1, 1)]
    shutil.rmtree(nested.path)
    c = project.take()
    assert rows(compare(project, a, c)) == [("D", "nested/a.py", 0, 1)]
    project.git("init", "-q", "nested")
    nested.write("a.py", "one\n")
    nested.commit()
    project.git("add", "nested")
    d = project.take()
    assert rows(compare(project, a, d)) == [("A", "nested", None, None)]


def test_unborn(project: Project) -> None:
    a = project.take()
    empty = Project(project.home / "empty", project.home).init()
    b = empty.take()
    assert [row[0] for row in rows(compare(project, a, b))] == ["D", "D", "D"]


def test_other_object_format(project: Project) -> None:
    other = Project(project.home / "other", project.home).init(object_format="sha256")
    other.write("train.py", "one\n2\nthree\n")
    other.write("old.py", "one\n")
    other.write("weights.bin", b"\0one")
    other.write(".gitattributes", "*.py text eol=crlf\n")
    other.commit()
    found = rows(compare(project, project.take(), other.take()))
    assert ("M", "train.py", 1, 1) in found
    assert "weights.bin" not in [row[1] for row in found]


def test_missing_packs(project: Project) -> None:
    a = project.take()
    project.write("train.py", "x\n")
    b = project.take()
    with pytest.raises(Unreplayable):
        source.difference(side(a), source.Side(b.snapshot.source, {}), project.scratch())
