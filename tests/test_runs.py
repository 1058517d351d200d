"""Which run is meant: names, ids, latest, files, revisions, in this order."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from repro import canonical, project, runs
from repro.errors import Corrupt, NotFound, UsageError
from repro.index import Index
from repro.manifest import (
    Command,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Host,
    Manifest,
    Outcome,
    Result,
    Source,
    dumps,
    run_id,
)
from repro.project import Project


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def here(tmp_path: Path) -> Project:
    """A repository with two commits and an empty store."""
    git(tmp_path, "init", "--quiet")
    for number in range(2):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", f"Number {number}")
    return project.locate(tmp_path, create=True)


def made(here: Project, number: int, output: bytes = b"", commit: str | None = None) -> Manifest:
    """A run that was made in that minute."""
    definition = Definition(
        Source(commit or git(here.workspace, "rev-parse", "HEAD"), "t"),
        (),
        Environment(EnvironmentKind.IMAGE, None),
        Command(("python", "train.py")),
    )
    outputs = (Descriptor("out.bin", canonical.digest_bytes(output), len(output)),)
    result = Result(True, Outcome.FINISHED, 0, None, None, None, None, Host())
    result = replace(result, outputs=outputs if output else ())
    return Manifest(definition, result, f"2026-01-15T12:{number:02}:00.000Z")


def add(here: Project, number: int, output: bytes = b"", commit: str | None = None) -> str:
    """Store it; its id."""
    return here.store.add(made(here, number, output, commit)).id


def resolved(here: Project, wanted: str, start: Path | None = None) -> str:
    return runs.resolve(here, wanted, start or here.workspace).id


def test_latest_counts_back_from_the_newest(here: Project) -> None:
    # stored in another order than they were made
    ids = {number: add(here, number) for number in (2, 0, 1)}
    assert resolved(here, "latest") == resolved(here, "latest~0") == ids[2]
    assert [resolved(here, f"latest~{back}") for back in (1, 2)] == [ids[1], ids[0]]
    with pytest.raises(NotFound, match="not that many runs: latest~3"):
        resolved(here, "latest~3")


def test_an_empty_store_says_how_to_begin(here: Project) -> None:
    with pytest.raises(NotFound, match="no run has been recorded") as error:
        resolved(here, "latest")
    assert error.value.hint == "repro run -- python train.py"


def test_an_id_may_be_cut_down_to_four_digits(here: Project) -> None:
    identity = add(here, 0)
    for length in (64, 40, 12, 4):
        assert resolved(here, identity[:length]) == identity
    with pytest.raises(NotFound):
        resolved(here, identity[:3])


def test_several_runs_with_the_same_beginning_are_named(here: Project) -> None:
    known, seen = made(here, 0), dict[str, Manifest]()
    for number in range(10_000):
        other = replace(known, tool=str(number))
        beginning = run_id(dumps(other))[:4]
        if beginning in seen:
            break
        seen[beginning] = other
    ids = [here.store.add(item).id for item in (other, seen[beginning])]
    with pytest.raises(UsageError, match="beginning of 2 runs") as error:
        resolved(here, beginning)
    assert all(identity[:12] in str(error.value) for identity in ids)


def test_a_name_counts_before_everything_else(here: Project) -> None:
    one, other = add(here, 0, b"content"), add(here, 1)
    (here.workspace / "file").write_bytes(b"content")
    for name in (other[:12], "file", "main", "HEAD"):
        here.store.set_name(name, one)
        assert resolved(here, name) == one


def test_a_name_of_a_run_that_is_gone_is_said_so(here: Project) -> None:
    identity = add(here, 0)
    here.store.set_name("best", identity)
    (here.store.root / "runs" / identity).unlink()
    with pytest.raises(NotFound, match=f"no run {identity[:12]}"):
        resolved(here, "best")


def test_a_file_stands_for_the_newest_run_that_made_it(here: Project) -> None:
    add(here, 0, b"old")
    newer = add(here, 1, b"content")
    inner = here.workspace / "inner"
    inner.mkdir()
    (inner / "file").write_bytes(b"content")
    assert resolved(here, "inner/file") == newer
    assert resolved(here, "file", inner) == newer
    assert resolved(here, str(inner / "file")) == newer
    (inner / "link").symlink_to("file")
    assert resolved(here, "inner/link") == newer
    newest = add(here, 2, b"content")
    assert resolved(here, "inner/file") == newest
    (inner / "file").write_bytes(b"changed since")
    with pytest.raises(NotFound, match="no recorded run yielded the content of inner/file"):
        resolved(here, "inner/file")


def test_a_revision_stands_for_the_newest_run_of_its_commit(here: Project) -> None:
    first, second = git(here.workspace, "rev-parse", "HEAD~1", "HEAD").split()
    add(here, 0, commit=first)
    newer = add(here, 1, commit=first)
    assert resolved(here, "HEAD~1") == resolved(here, first) == resolved(here, first[:8]) == newer
    with pytest.raises(NotFound, match=rf"no run of commit {second[:12]} \(HEAD\)"):
        resolved(here, "HEAD")


@pytest.mark.parametrize("wanted", ["", "-x", "--all", "a b", "\udcff", "@{", "HEAD..main", "."])
def test_what_means_nothing_is_not_found(here: Project, wanted: str) -> None:
    add(here, 0)
    with pytest.raises(NotFound):
        resolved(here, wanted)


def test_the_nearest_is_offered(here: Project) -> None:
    identity = add(here, 0)
    here.store.set_name("baseline", identity)
    mistyped = ("0" if identity[0] != "0" else "1") + identity[1:12]
    for wanted, near in (("baselin", "baseline"), (mistyped, identity[:12])):
        with pytest.raises(NotFound) as error:
            resolved(here, wanted)
        assert error.value.hint == f"did you mean {near}?"


def test_a_damaged_run_is_not_passed_over(here: Project) -> None:
    good, bad = add(here, 0), add(here, 1)
    (here.store.root / "runs" / bad).write_bytes(b"{}")
    assert resolved(here, good[:12]) == good
    with pytest.raises(Corrupt, match="not what was recorded"):
        resolved(here, bad[:12])
    with pytest.raises(Corrupt, match="which run is the latest cannot be told"):
        resolved(here, "latest")


@pytest.mark.parametrize(
    "damage", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 90]
)
def test_a_damaged_index_is_made_anew(here: Project, damage: bytes) -> None:
    identity = add(here, 0)
    assert resolved(here, "latest") == identity
    (here.store.cache / "index.sqlite").write_bytes(damage)
    assert resolved(here, "latest") == identity


def test_the_index_follows_what_comes_and_goes(here: Project) -> None:
    ids = [add(here, number, str(number).encode()) for number in range(3)]
    assert resolved(here, "latest") == ids[2]
    (here.store.root / "runs" / ids[2]).unlink()
    assert resolved(here, "latest") == ids[1]
    index = Index(here.store)
    assert [row.id for row in index.rows()] == [ids[1], ids[0]]
    assert index.with_output(canonical.digest_bytes(b"2")) == ()
    index.close()
