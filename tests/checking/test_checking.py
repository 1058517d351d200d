"""Whether what runs need is still to be had: nothing that is gone may look as if it were there."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import workbench
from workbench import Project

from repro import checking, runs
from repro import project as projects
from repro.checking import Health, Where, files, health, images, nouns
from repro.checking.once import Once
from repro.environment.asking import Answer
from repro.manifest import Image, Package


class Shelf:
    """Somebody who answers for images."""

    def __init__(self, here: bool = True, there: bool | None = True, why: str = "") -> None:
        self.here, self.there, self.why = here, there, why
        self.asked = 0

    def is_here(self, image: Image) -> bool:
        return self.here

    def in_registry(self, image: Image) -> tuple[bool | None, str]:
        self.asked += 1
        return self.there, self.why


def checked(project: Project, *names: str, shelf: Shelf | None = None) -> tuple[Health, ...]:
    located = projects.locate(project.path)
    chosen = [runs.resolve(located, name, project.path) for name in names or ("latest",)]
    environ = project.repro.environment()
    return checking.check(located, chosen, environ, registry=shelf or Shelf())


def of(project: Project, kind: str) -> tuple[Where, str]:
    (health,) = checked(project)
    item = health.of(kind)
    assert item is not None, health
    return item.where, item.seen


@pytest.fixture
def pushed(dvc_project: Project, tmp_path: Path) -> Iterator[Project]:
    """Recorded with its commit on a remote, and its data on one."""
    remote = tmp_path / "remote.git"
    dvc_project.git("init", "--quiet", "--bare", str(remote))
    dvc_project.git("remote", "add", "origin", str(remote))
    dvc_project.git("push", "--quiet", "origin", "HEAD")
    dvc_project.record("python", "train.py")
    yield dvc_project


# --- source ---------------------------------------------------------------------------------


def test_a_commit_that_is_pushed(pushed: Project) -> None:
    where, seen = of(pushed, "source")
    assert where is Where.ELSEWHERE and seen.endswith("is on origin")


def test_a_commit_that_the_remote_lost(pushed: Project, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "remote.git")
    pushed.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    where, seen = of(pushed, "source")
    assert where is Where.HERE and "is on no remote" in seen


def test_a_commit_that_was_never_pushed(pushed: Project) -> None:
    pushed.commit("Only here")
    pushed.record("python", "train.py")
    assert of(pushed, "source")[0] is Where.HERE


def test_a_remote_that_does_not_answer_is_said(pushed: Project, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "remote.git")
    where, seen = of(pushed, "source")
    assert where is Where.HERE and "origin: " in seen


def test_uncommitted_changes_are_only_here(pushed: Project) -> None:
    pushed.write("train.py", (pushed.path / "train.py").read_text() + "# more\n")
    pushed.record("python", "train.py")
    where, seen = of(pushed, "source")
    assert where is Where.HERE and "1 uncommitted change only here" in seen


def test_packs_that_are_damaged_are_lost(pushed: Project) -> None:
    pushed.write("train.py", (pushed.path / "train.py").read_text() + "# more\n")
    run = pushed.record("python", "train.py")
    for item in run["manifest"]["contents"]:
        if item["path"].startswith("source/"):
            blob = pushed.path / ".repro/blobs/sha256" / item["digest"][7:]
            blob.chmod(0o644)
            blob.write_bytes(b"damaged")
    assert of(pushed, "source")[0] is Where.LOST


# --- data -----------------------------------------------------------------------------------


def test_data_on_its_remote(pushed: Project) -> None:
    assert of(pushed, "data") == (Where.ELSEWHERE, "1 file on storage")


def test_data_in_the_cache_only(pushed: Project) -> None:
    shutil.rmtree(next(pushed.path.parent.glob("*-remote")) / "files")
    where, seen = of(pushed, "data")
    assert where is Where.HERE and "data/points.csv" in seen


def test_data_that_is_nowhere(pushed: Project) -> None:
    shutil.rmtree(next(pushed.path.parent.glob("*-remote")) / "files")
    shutil.rmtree(pushed.path / ".dvc" / "cache")
    where, seen = of(pushed, "data")
    assert where is Where.LOST and "1 of 1 nowhere: data/points.csv" in seen


def test_data_whose_remote_cannot_be_asked_is_not_known(pushed: Project) -> None:
    shutil.rmtree(next(pushed.path.parent.glob("*-remote")))
    shutil.rmtree(pushed.path / ".dvc" / "cache")
    where, seen = of(pushed, "data")
    assert where is Where.UNKNOWN and "no folder" in seen


def test_an_input_beside_git_is_here_or_lost(project: Project) -> None:
    project.write("train.py", "open('raw/x.txt').read(); open('metrics.json', 'w').write('1')\n")
    project.write(".gitignore", "raw/\n")
    project.commit()
    project.write("raw/x.txt", "x" * 100)
    project.record("python", "train.py")
    assert of(project, "inputs") == (Where.HERE, "1 in the store")
    project.write("repro.yaml", "inputs_cap: 10\n")
    project.commit()
    project.record("python", "train.py")
    assert of(project, "inputs")[0] is Where.HERE
    (project.path / "raw/x.txt").unlink()
    where, seen = of(project, "inputs")
    assert where is Where.LOST and "raw/x.txt" in seen


def test_an_input_that_is_damaged_in_the_store_is_not_taken_for_there(project: Project) -> None:
    """One flipped bit: a replay would refuse it."""
    project.write("train.py", "open('raw/x.txt').read(); open('metrics.json', 'w').write('1')\n")
    project.write(".gitignore", "raw/\n")
    project.commit()
    project.write("raw/x.txt", "x" * 100)
    run = project.record("python", "train.py")
    (digest,) = (
        item["digest"] for item in run["manifest"]["contents"] if item["path"].startswith("inputs/")
    )
    (project.path / ".repro/blobs/sha256" / digest[7:]).write_text("x" * 99 + "y")
    assert "at their place only" in of(project, "inputs")[1]
    (project.path / "raw/x.txt").unlink()
    assert of(project, "inputs")[0] is Where.LOST


# --- packages and images --------------------------------------------------------------------

A = Package("a", "1.0")
OURS, THEIRS = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def judged(answer: Answer, *recorded: str) -> files.Standing:
    return files._judged({"a": A}, {"a": frozenset(recorded)}, answer)


def test_a_package_is_there_only_with_a_recorded_file() -> None:
    assert judged(Answer({"a": (OURS, THEIRS)}), OURS).there == ("a 1.0",)
    assert judged(Answer({"a": (THEIRS,)}), OURS).changed == ("a 1.0",)
    assert judged(Answer({"a": (THEIRS,)})).unhashed == ("a 1.0",)
    assert judged(Answer({"a": ()}), OURS).unhashed == ("a 1.0",)
    assert judged(Answer(absent={"a"}), OURS).gone == ("a 1.0",)
    found = judged(Answer(trouble={"a": "no network\nmore"}), OURS)
    assert (found.untold, found.why) == (("a 1.0",), "no network")
    assert judged(Answer()).untold == ("a 1.0",), "not told is not there"


@pytest.mark.parametrize(
    ("image", "here", "there", "expected"),
    [
        (Image("a:1", digest=OURS), False, True, Where.ELSEWHERE),
        (Image("a:1"), True, True, Where.HERE),
        (Image("a:1"), False, True, Where.UNKNOWN),
        (Image("a:1", digest=OURS), True, False, Where.HERE),
        (Image("a:1", digest=OURS), True, None, Where.HERE),
        (Image("a:1", digest=OURS), False, None, Where.UNKNOWN),
        (Image("a:1", digest=OURS), False, False, Where.LOST),
    ],
)
def test_an_image(image: Image, here: bool, there: bool | None, expected: Where) -> None:
    assert images.standing(image, Shelf(here, there, "why")).where is expected


def test_an_engine_that_does_not_answer_is_not_an_image_that_is_gone() -> None:
    asked = images.EngineImages({**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9"})
    found = images.standing(Image("a:1", digest=OURS), asked)
    assert found.where is Where.UNKNOWN and found.seen


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_a_lock_that_is_damaged_is_lost_and_stops_no_other_check(
    project: Project, how: str
) -> None:
    project.record("python", "train.py", options=("--name", "first"))
    located = projects.locate(project.path)
    run = runs.resolve(located, "first", project.path).manifest
    lock = located.store.put_bytes(b"six==1.16.0\n", "environment/requirements.lock")
    added = located.store.add(replace(run, contents=(*run.contents, lock)))
    blob = located.store.blob_path(lock.digest)
    blob.unlink() if how == "gone" else blob.write_text("damaged")
    (health,) = checked(project, added.id)
    item = health.of("packages")
    assert item and item.where is Where.LOST
    assert "its lock in the store is damaged or missing" in item.seen
    assert len(checked(project, "first", added.id)) == 2


def test_packages_of_no_index_are_not_taken_for_granted() -> None:
    there = files.Standing(there=("a 1.0",))
    assert health._of_packages(there, ()).where is Where.ELSEWHERE
    found = health._of_packages(there, ("b (vcs)",))
    assert found.where is Where.UNKNOWN and "b (vcs)" in found.seen


# --- together -------------------------------------------------------------------------------


def test_the_worst_counts() -> None:
    assert nouns.worst([]) is Where.ELSEWHERE
    assert nouns.worst([Where.HERE, Where.ELSEWHERE]) is Where.HERE
    assert nouns.worst([Where.LOST, Where.UNKNOWN]) is Where.LOST
    assert nouns.worst([Where.UNKNOWN, Where.HERE]) is Where.UNKNOWN


def test_what_many_runs_share_is_asked_once(pushed: Project) -> None:
    pushed.record("python", "train.py")
    shelf = Shelf()
    first, second = checked(pushed, "latest", "latest~1", shelf=shelf)
    assert first.run != second.run and first.ingredients == second.ingredients
    assert shelf.asked == 1


def test_a_question_is_asked_once_even_by_many_at_once() -> None:
    asked: list[int] = []
    lock = threading.Lock()

    def question() -> int:
        with lock:
            asked.append(1)
        return len(asked)

    with Once() as once:
        answers = [once.ask("a", question) for _ in range(100)]
        assert {answer.result() for answer in answers} == {1}
    assert asked == [1]


def printed(project: Project, *words: str, code: int) -> dict[str, Any]:
    done = project.repro("check", "--json", *words, env={"DOCKER_HOST": "tcp://127.0.0.1:9"})
    document: dict[str, Any] = done.expect(code).document
    schema = workbench.ROOT / "specs" / "check.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text()))
    return document


def test_what_is_not_known_is_not_green(pushed: Project) -> None:
    document = printed(pushed, code=1)
    (run,) = document["runs"]
    assert run["where"] == "unknown"
    image = next(item for item in run["ingredients"] if item["kind"] == "image")
    assert image["where"] == "unknown" and image["seen"]
    text = pushed.repro("check", env={"DOCKER_HOST": "tcp://127.0.0.1:9"}).expect(1).out
    assert text.splitlines()[0].split() == ["run", "source", "data", "inputs", "packages", "image"]
    assert text.splitlines()[-1] == "1 run: 1 not known"


@pytest.mark.docker
def test_a_run_that_anybody_can_replay(pushed: Project) -> None:
    pushed.record("python", "train.py")
    done = pushed.repro("check", "latest")
    assert done.expect(0).out.splitlines()[-1] == "1 run: 1 to be had by anybody"
    pushed.repro("check", "latest", "--strict").expect(0)
    pushed.commit("Only here")
    pushed.record("python", "train.py")
    pushed.repro("check", "latest").expect(0)
    pushed.repro("check", "latest", "--strict").expect(1)


def test_a_project_without_runs(project: Project) -> None:
    project.repro("check").complains(2, "no run has been recorded")
