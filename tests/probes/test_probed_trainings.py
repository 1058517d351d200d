"""`repro probe` in Docker names the cause of real trainings, and blames nothing harmless."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import workbench
from probed import CAUSES, guilty, of, taken
from workbench import Project, containers, eventually

pytestmark = pytest.mark.docker
PLAIN = [name for name, cause in CAUSES.items() if "packages" not in cause]


@pytest.fixture
def training(make_project: Callable[..., Project]) -> Iterator[Callable[[str], Project]]:
    made = []

    def make(name: str) -> Project:
        made.append(taken(make_project(name), name))
        return made[-1]

    yield make
    for project in made:
        assert project.sessions() == []


def probe(project: Project, *options: str, code: int | None = None) -> dict[str, Any]:
    done = project.repro("probe", "--json", *options, cwd=project.path)
    document: dict[str, Any] = done.expect(done.code if code is None else code).document
    schema = json.loads((workbench.ROOT / "specs" / "probe.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["exit_code"] == done.code
    return document


@pytest.mark.parametrize("name", PLAIN)
def test_the_cause_is_named_and_nothing_else(training: Any, name: str) -> None:
    project = training(name)
    run = project.record("python", "train.py")
    document = probe(project)
    assert guilty(document) == set(CAUSES[name]["guilty"]), document
    assert document["unexplained"] == []
    assert document["exit_code"] == int(bool(CAUSES[name]["guilty"]))
    shown = project.repro("show", "--json", cwd=project.path).expect(0).document
    assert shown["id"] == run["id"]
    stored = project.path / ".repro" / "replays" / run["id"]
    assert not stored.exists() or not list(stored.iterdir()), "a probe's replay is no control"


def test_beside_each_other_they_say_the_same(training: Any) -> None:
    project = training("local-days")
    project.record("python", "train.py")
    one, two = probe(project), probe(project, "-j", "2")
    assert two.pop("replays") >= one.pop("replays")
    assert one == two and guilty(two) == {"time-zone"}


def test_ctrl_c_ends_those_that_are_beside_each_other(training: Any) -> None:
    project = training("local-days")
    project.write(
        "train.py", project.path.joinpath("train.py").read_text() + "import time; time.sleep(3)"
    )
    project.commit()
    project.record("python", "train.py")
    running = project.repro.start("probe", "-j", "2", cwd=project.path)
    running.until(lambda: ", ahead:" in running.stderr, 120)
    running.interrupt()
    assert "Traceback" not in running.ended(60).expect(130).err
    eventually(lambda: not containers(project.repro.pids))


def test_seeded_boosting_with_threads_depends_on_nothing(
    training: Any, use_venv: Callable[[Path], None], packed_venv: Path
) -> None:
    use_venv(packed_venv)
    project = training("boosting-seeded")
    project.record("python", "train.py")
    document = probe(project)
    assert guilty(document) <= set(CAUSES["boosting-seeded"]["allowed"])
    assert of(document, "threads")["guilt"] == "harmless"


def test_it_shows_where_the_numbers_are_drawn_and_what_it_costs(training: Any) -> None:
    project = training("unseeded-shuffle")
    project.record("python", "train.py")
    done = project.repro("probe", "latest", cwd=project.path).expect(1)
    assert done.out.startswith("guilty: entropy (")
    for part in ("train.py:12: random.shuffle", "remedy seed every generator", "cost   nothing",
                 "two replays under the same conditions differ from each other"):  # fmt: skip
        assert part in done.out, done.out
    assert "\x1b[" not in done.out
    assert "replay 1: control" in done.err
    quiet = project.repro("probe", "-q", "--only", "path,umask", cwd=project.path)
    assert quiet.err == "" and "left out by --only or --skip" in quiet.out


def test_bytes_that_move_alone_are_said_to_do_so(training: Any) -> None:
    project = training("path-in-output")
    project.record("python", "train.py")
    document = probe(project, "--only", "path", code=1)
    (change,) = of(document, "path")["changes"]
    assert (change["kind"], change["name"]) == ("output", "model.json")
    done = project.repro("probe", "--only", "path", cwd=project.path).expect(1)
    assert "changes bytes of outputs, and no metric" in done.out


def test_a_run_that_cannot_be_replayed(training: Any) -> None:
    project = training("harmless")
    project.record("python", "train.py")
    for blob in (project.path / ".repro" / "blobs" / "sha256").iterdir():
        blob.unlink()
    document = probe(project, code=3)
    assert document["unreplayable"] and document["probed"] == []


def test_a_training_that_fails_in_a_replay(training: Any) -> None:
    project = training("harmless")
    project.write("train.py", workbench.forked("code = 3"))
    project.write("local/here", "")
    project.write(".gitignore", "local/\n*.json\n*.csv\n*.bin\n")
    project.commit()
    project.record("python", "train.py")
    document = probe(project, code=3)
    assert "does not finish" in document["unreplayable"]


def test_ctrl_c_leaves_nothing_and_prints_what_was_found(training: Any) -> None:
    project = training("harmless")
    project.write("train.py", "import time\ntime.sleep(3)\nopen('model.json', 'w').write('1')\n")
    project.commit()
    project.record("python", "train.py")
    running = project.repro.start("probe", cwd=project.path)
    running.until(lambda: "replay 2" in running.stderr)
    running.until(lambda: workbench.containers({running.pid}))
    running.interrupt()
    done = running.ended().expect(130)
    assert "interrupted: found until then: nothing guilty" in done.out
    assert not workbench.containers({running.pid})
    assert project.sessions() == []


def test_names_that_are_none(training: Any) -> None:
    project = training("harmless")
    project.record("python", "train.py")
    project.repro("probe", "--only", "hsah-seed", cwd=project.path).complains(2, "hsah-seed")
    project.repro("probe", "nothing-like-that", cwd=project.path).complains(2)
