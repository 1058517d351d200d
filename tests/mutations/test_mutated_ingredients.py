"""One ingredient is changed between two recordings: `repro diff` is red and names it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import workbench
from workbench import PARAMS, POINTS, TRAIN, Project, Repro


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, empty_venv: Path, dvc_template: Path
) -> tuple[Path, str]:
    """A DVC project with one run: its folder, and the run's id."""
    folder = tmp_path_factory.mktemp("recorded")
    path = os.pathsep.join([str(empty_venv / "bin"), os.environ["PATH"]])
    project = workbench.copied(dvc_template, folder, Repro(folder, path, folder / "scratch"))
    project.write("repro.yaml", "env: [TRAINING_MODE]\n")
    project.commit()
    project.write("notes.txt", "untracked, and part of the source\n")
    run = project.record("python", "train.py", env={"TRAINING_MODE": "exact"})
    assert run["manifest"]["provenance"]["changed"] == ["?? notes.txt"]
    return project.path, run["id"]


@pytest.fixture
def project(recorded: tuple[Path, str], tmp_path: Path, repro: Repro) -> Project:
    """A copy of it to change."""
    return workbench.copied(recorded[0], tmp_path, repro)


def differing(project: Project, a: str, b: str, code: int = 1) -> dict[str, Any]:
    """`repro diff A B --json`, and that the text is as red as the document."""
    text = project.repro("diff", a, b).expect(code)
    document: dict[str, Any] = project.repro("diff", a, b, "--json").expect(code).document
    assert document["a"] == a and document["b"] == b
    assert document["comparison"]["exit_code"] == code
    for item in document["comparison"]["ingredients"]:
        assert item["ingredient"] in text.out and item["name"] in text.out
    return document


def named(document: dict[str, Any]) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """(ingredient, name) -> the two sides."""
    return {
        (item["ingredient"], item["name"]): (item["a"], item["b"])
        for item in document["comparison"]["ingredients"]
    }


def files(document: dict[str, Any]) -> dict[str, str]:
    return {item["path"]: item["status"] for item in document["code"]["files"]}


class Changed:
    """What a mutation did: the second run, and the difference between the two."""

    def __init__(
        self, project: Project, first: str, *command: str, env: dict[str, str] | None = None
    ):
        words = command or ("python", "train.py")
        second = project.record(*words, env={"TRAINING_MODE": "exact", **(env or {})})
        self.second = second
        self.document = differing(project, first, second["id"])
        self.named = named(self.document)
        self.kinds = {ingredient for ingredient, _ in self.named}
        self.files = files(self.document)


def test_nothing_changed_is_equal(project: Project, recorded: tuple[Path, str]) -> None:
    """The control of this file: without a change there is nothing red."""
    run = project.record("python", "train.py", env={"TRAINING_MODE": "exact"})
    document = differing(project, recorded[1], run["id"], code=0)
    assert document["comparison"]["verdict"] == "identical"
    assert document["comparison"]["same_definition"] is True
    assert not document["comparison"]["ingredients"] and not document["data"]


def test_a_source_line(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("train.py", TRAIN.replace("slope = offset = 0.0", "slope = offset = 0.125"))
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"}
    assert found.files == {"train.py": "M"}
    assert found.document["comparison"]["verdict"] == "different"


def test_a_source_line_without_any_effect(project: Project, recorded: tuple[Path, str]) -> None:
    """Same results, other source: the results agree, and still what went in is not the same."""
    project.write("train.py", TRAIN + "# a remark\n")
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and found.files == {"train.py": "M"}
    assert found.document["comparison"]["verdict"] == "identical"
    assert found.document["comparison"]["same_definition"] is False


def test_a_committed_source_line(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("train.py", TRAIN + "# a remark\n")
    commit = project.commit("Remark on it")
    found = Changed(project, recorded[1])
    assert found.named["source", "commit"][1] == commit
    assert any("Remark on it" in line for line in found.document["code"]["between"])


def test_a_data_byte(project: Project, recorded: tuple[Path, str]) -> None:
    (project.path / "data/points.csv").unlink()
    project.write("data/points.csv", POINTS.replace("0.25,0.7", "0.25,0.8", 1))
    assert len(POINTS) == (project.path / "data/points.csv").stat().st_size
    found = Changed(project, recorded[1])
    assert found.kinds == {"data"}
    a, b = found.named["data", "data/points.csv"]
    assert a and b and a != b
    assert [item["path"] for item in found.document["data"]] == ["data/points.csv"]


def test_one_file_of_a_data_folder(project: Project) -> None:
    for number in range(3):
        project.write(f"images/{number}.txt", f"image {number}\n")
    project.dvc("add", "images")
    first = project.record("python", "train.py", env={"TRAINING_MODE": "exact"})
    (project.path / "images" / "1.txt").unlink()
    project.write("images/1.txt", "image X\n")
    project.write("images/3.txt", "one more\n")
    found = Changed(project, first["id"])
    assert found.kinds == {"data"}
    (item,) = found.document["data"]
    assert (item["path"], item["changed"], item["added"]) == ("images", ["1.txt"], ["3.txt"])


def test_the_content_of_an_untracked_file(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("notes.txt", "untracked, and another part of the source\n")
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and found.files == {"notes.txt": "M"}


def test_a_new_untracked_file(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("sitecustomize.py", "import random\n")
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and found.files == {"sitecustomize.py": "A"}


def test_an_untracked_file_that_is_gone(project: Project, recorded: tuple[Path, str]) -> None:
    (project.path / "notes.txt").unlink()
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and found.files == {"notes.txt": "D"}


def test_a_mode_bit(project: Project, recorded: tuple[Path, str]) -> None:
    (project.path / "train.py").chmod(0o755)
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and found.files.keys() == {"train.py"}


def test_a_file_that_became_a_link(project: Project, recorded: tuple[Path, str]) -> None:
    (project.path / "train.py").rename(project.path / "real.py")
    (project.path / "train.py").symlink_to("real.py")
    found = Changed(project, recorded[1])
    assert found.kinds == {"source"} and {"train.py", "real.py"} <= found.files.keys()


def test_an_allowed_environment_variable(project: Project, recorded: tuple[Path, str]) -> None:
    found = Changed(project, recorded[1], env={"TRAINING_MODE": "fast"})
    assert found.named == {("env", "TRAINING_MODE"): ("exact", "fast")}


def test_a_thread_setting_is_allowed_unasked(project: Project, recorded: tuple[Path, str]) -> None:
    found = Changed(project, recorded[1], env={"OMP_NUM_THREADS": "2"})
    assert found.named == {("env", "OMP_NUM_THREADS"): (None, "2")}


def test_a_parameter(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("params.json", json.dumps({**PARAMS, "rate": 0.06}, indent=2) + "\n")
    found = Changed(project, recorded[1])
    assert found.named["params", "params.json:rate"] == ("0.05", "0.06")
    assert found.document["comparison"]["verdict"] == "different"


def test_the_seed(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("params.json", json.dumps({**PARAMS, "seed": 8}, indent=2) + "\n")
    found = Changed(project, recorded[1])
    assert found.named["params", "params.json:seed"] == ("7", "8")
    red = {item["name"] for item in found.document["comparison"]["metrics"]
           if item["status"] == "different"}  # fmt: skip
    assert "fit.loss" in red and "loss" in red


def test_the_type_of_a_parameter(project: Project, recorded: tuple[Path, str]) -> None:
    project.write("params.json", json.dumps({**PARAMS, "seed": 7.0}, indent=2) + "\n")
    found = Changed(project, recorded[1])
    assert found.named["params", "params.json:seed"] == ("7", "7.0")


def test_an_argument_of_the_command(project: Project, recorded: tuple[Path, str]) -> None:
    found = Changed(project, recorded[1], "python", "train.py", "5")
    assert found.named["command", "argv"] == (
        '["python", "train.py"]',
        '["python", "train.py", "5"]',
    )


def test_where_one_argument_ends_and_the_next_begins(project: Project) -> None:
    project.write("args.py", "import sys; open('n.txt', 'w').write(str(len(sys.argv)))")
    first = project.record("python", "args.py", "a b", env={"TRAINING_MODE": "exact"})
    found = Changed(project, first["id"], "python", "args.py", "a", "b")
    assert found.kinds == {"command"}


def test_the_working_directory(project: Project) -> None:
    for folder in ("one", "two"):
        project.write(f"{folder}/go.py", "open('../n.txt', 'w').write('same')")
    runs = [project.record("python", "go.py", cwd=project.path / at) for at in ("one", "two")]
    found = named(differing(project, runs[0]["id"], runs[1]["id"]))
    assert found["working directory", ""] == ("one", "two")


# --- environment ----------------------------------------------------------------------------


def test_a_package_version(project: Project, rates: Callable[[str], None]) -> None:
    rates("1.0")
    first = project.record("python", "train.py", env={"TRAINING_MODE": "exact"})
    rates("1.1")
    found = Changed(project, first["id"])
    assert found.kinds == {"packages"}
    assert found.named["packages", "repro-test-rates"] == ("1.0", "1.1")
    red = [item for item in found.document["comparison"]["metrics"] if item["status"] != "equal"]
    assert [(item["name"], item["a"], item["b"]) for item in red] == [("rate", 1.0, 1.1)]


def test_a_lockfile_that_says_another_version_than_is_installed_is_reported(
    project: Project, rates: Callable[[str], None]
) -> None:
    """The installed truth wins: it is what is recorded."""
    rates("1.0")
    project.write("requirements.lock", "repro-test-rates==1.1 --hash=sha256:" + "0" * 64 + "\n")
    run = project.record("python", "train.py")
    messages = [
        item["message"]
        for item in run["manifest"]["findings"]
        if item["subject"] == "packages" and "repro-test-rates" in item["message"]
    ]
    assert any("1.1" in message and "1.0" in message for message in messages), messages
    (package,) = run["manifest"]["definition"]["environment"]["packages"]
    assert package == {"name": "repro-test-rates", "version": "1.0"}


@pytest.mark.docker
def test_a_package_is_installed_in_its_version_by_the_replay(
    project: Project, rates: Callable[[str], None]
) -> None:
    """Not in the one that is installed here now."""
    rates("1.0")
    run = project.record("python", "train.py")
    rates("1.1")
    for engine in ("docker", "venv"):
        assert project.replay(run["id"], engine=engine).expect(0).verdict == "identical"


@pytest.mark.docker
def test_a_damaged_lock_makes_the_run_unreplayable(
    project: Project, rates: Callable[[str], None]
) -> None:
    """Also where the engine still has the environment that was built from it."""
    rates("1.0")
    run = project.record("python", "train.py")
    assert project.replay(run["id"]).expect(0).verdict == "identical"
    (lock,) = (
        item for item in run["manifest"]["contents"]
        if item["path"].startswith("environment/requirements")
    )  # fmt: skip
    digest = lock["digest"].removeprefix("sha256:")
    blob = project.path / ".repro" / "blobs" / "sha256" / digest
    blob.write_bytes(blob.read_bytes().replace(b"==1.0", b"==1.1"))
    document = project.replay(run["id"]).expect(3).document
    assert document["verdict"] == "unreplayable" and digest in " ".join(document["reasons"])


def test_the_python_version(project: Project, recorded: tuple[Path, str], use_venv: Any) -> None:
    other = _another_python()
    use_venv(workbench.training_venv(python=other))
    found = Changed(project, recorded[1])
    assert ("interpreter", "version") in found.named
    assert found.kinds <= {"interpreter", "image", "packages"}


def _another_python() -> str:
    """An interpreter of another version than the tests' own, that is on this machine."""
    root = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions"
    candidates = [
        *sorted(map(str, root.glob("3.*/bin/python3"))),
        *map(str, Path("/usr/bin").glob("python3.?*")),
    ]
    own = platform.python_version()
    for candidate in candidates:
        ask = "import platform, sys; print(platform.python_version(), sys.version_info >= (3, 8))"
        done = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, check=False)
        version, _, new_enough = done.stdout.strip().partition(" ")
        if done.returncode == 0 and version != own and new_enough == "True":
            return candidate
    pytest.skip("this machine has one Python only")


@pytest.mark.docker
def test_the_base_image(project: Project, recorded: tuple[Path, str]) -> None:
    other = f"repro-test/other-base:{os.getpid()}"
    container = workbench.docker("create", workbench.base_image())
    try:
        workbench.docker("commit", "--change", "ENV OTHER=1", container, other)
    finally:
        workbench.docker("rm", container)
    try:
        found = Changed(project, recorded[1], env={"REPRO_BASE_IMAGE": other})
    finally:
        workbench.docker("image", "rm", other)
    assert found.kinds == {"image"}
    assert found.named["image", "reference"][1] == other


@pytest.mark.docker
def test_an_image_that_moved_under_its_tag(project: Project) -> None:
    """The same reference, another image: a tag is not an identity."""
    reference = f"repro-test/moving:{os.getpid()}"
    ids = []
    try:
        for number in range(2):
            container = workbench.docker("create", workbench.base_image())
            workbench.docker("commit", "--change", f"ENV MOVED={number}", container, reference)
            workbench.docker("rm", container)
            ids.append(
                project.record("python", "train.py", env={"REPRO_BASE_IMAGE": reference})["id"]
            )
        found = named(differing(project, *ids))
    finally:
        workbench.docker("image", "rm", reference)
    assert {ingredient for ingredient, _ in found} == {"image"}


# --- results --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("0.5", "0.5000000000000001", "different"),
        ("0.5", '"0.5"', "type"),
        ("0.5", "NaN", "different"),
        ("0.5", "null", "type"),
        ("0.5", "true", "type"),
        ("1", "true", "type"),
        ("0", "-0.0", "equal"),
        ("[1, 2, 3]", "[1, 2, 4]", "different"),
        ("[1, 2, 3]", "[1, 2]", "different"),
        ("9007199254740993", "9007199254740992", "different"),
    ],
)
def test_a_metric_that_the_same_definition_gave_otherwise(
    project: Project, before: str, after: str, status: str
) -> None:
    """The training reads a variable that is not recorded, so nothing that went in differs; what came out
    does."""
    project.write("train.py", "import os; open('metrics.json', 'w').write(os.environ['ANSWER'])")
    runs = []
    for value in (before, after):
        answer = f'{{"score": {value}, "other": 1}}'
        runs.append(project.record("python", "train.py", env={"ANSWER": answer})["id"])
    document = differing(project, *runs, code=0 if status == "equal" else 1)["comparison"]
    (metric,) = (item for item in document["metrics"] if item["name"] == "score")
    assert metric["status"] == status
    assert document["same_definition"] is True
    if status != "equal":
        assert document["verdict"] == "different" and "score" in " ".join(document["reasons"])
