"""Bad input: one clear line, the documented exit code, and the store stays usable."""

from __future__ import annotations

import json
import os
import random
import shutil
import string
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from workbench import Project, Repro

from repro import canonical
from repro.manifest import run_id

DEAD = ("unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1")


# --- where there is no project --------------------------------------------------------------


@pytest.mark.parametrize("command", [["run", "--", "true"], ["replay"], ["list"], ["show"]])
def test_outside_of_a_git_repository(repro: Repro, tmp_path: Path, command: list[str]) -> None:
    done = repro(*command, cwd=tmp_path)
    done.complains(2, "git repository", "git init")
    assert not (tmp_path / ".repro").exists()


def test_in_a_bare_repository(make_project: Callable[..., Project]) -> None:
    project = make_project()
    project.git("init", "--quiet", "--bare")
    project.repro("run", "--", "true").complains(2)


# --- commands -------------------------------------------------------------------------------


def test_a_command_that_does_not_exist(project: Project) -> None:
    done = project.repro("run", "--", "pyhton", "train.py")
    done.complains(2, "command not found: pyhton", "python")
    assert project.runs() == []


def test_a_script_that_is_not_executable(project: Project) -> None:
    done = project.repro("run", "--", "./train.py")
    done.complains(2, "./train.py is not executable", "python ./train.py")
    assert project.runs() == []


def test_a_folder_as_a_command(project: Project) -> None:
    project.repro("run", "--", "./data").complains(2, "./data")
    assert project.runs() == []


def test_a_script_with_an_interpreter_that_does_not_exist(project: Project) -> None:
    project.write("go", "#!/no/such/interpreter\n", mode=0o755)
    project.repro("run", "--", "./go").complains(2, "cannot start ./go", "first line names")
    assert project.runs() == []


def test_a_script_without_a_first_line_that_says_what_runs_it(project: Project) -> None:
    project.write("go", "echo hello\n", mode=0o755)
    project.repro("run", "--", "./go").complains(2, "cannot start ./go", "#!", "sh ./go")
    assert project.runs() == []


# --- repro.yaml -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("metrics:\n\t- metrics.json\n", ("repro.yaml", "tab", "line 2")),
        ("metric: [metrics.json]\n", ("unknown key 'metric'", "did you mean 'metrics'?")),
        ("metrics: [../metrics.json]\n", ("repro.yaml: metrics", "outside the project")),
        ("tolerances: {loss: {absolute: -1}}\n", ("tolerances", "0 or more")),
        ("network: maybe\n", ("network", "true or false")),
        ("- a\n- b\n", ("repro.yaml", "keys and values")),
        ("metrics: [a\n", ("repro.yaml is not YAML",)),
        ("a: &x [*x]\n", ("repro.yaml",)),
    ],
)
def test_a_repro_yaml_that_cannot_be_read(
    project: Project, text: str, parts: tuple[str, ...]
) -> None:
    project.write("repro.yaml", text)
    project.repro("run", "--", "touch", "ran").complains(2, *parts)
    assert not (project.path / "ran").exists()


def test_a_repro_yaml_that_cannot_be_read_stops_every_command_and_harms_none(
    project: Project,
) -> None:
    project.record("python", "train.py")
    project.write("repro.yaml", "metric: [metrics.json]\n")
    for command in (["capture", "--", "true"], ["replay"], ["list"], ["show"]):
        project.repro(*command).complains(2, "unknown key 'metric'")
    (project.path / "repro.yaml").unlink()
    assert len(project.runs()) == 1


# --- the engine and images ------------------------------------------------------------------


@pytest.mark.parametrize("address", DEAD)
def test_the_engine_is_not_running(project: Project, address: str) -> None:
    project.record("python", "train.py")
    done = project.repro("replay", env={"DOCKER_HOST": address})
    done.complains(3, "the Docker Engine does not answer", "start it", "--engine venv")
    assert project.runs()[0]["replays"] == 0, "it says nothing about the run"
    done = project.replay(env={"DOCKER_HOST": address}, engine="venv")
    assert done.expect(0).verdict == "identical"


@pytest.mark.parametrize("address", DEAD)
def test_recording_without_an_engine_says_what_is_not_pinned(
    project: Project, address: str
) -> None:
    run = project.record("python", "train.py", env={"DOCKER_HOST": address})
    assert "digest" not in run["manifest"]["definition"]["environment"]["image"]
    (finding,) = (item for item in run["manifest"]["findings"] if item["subject"] == "image")
    assert "known by its tag only" in finding["message"] and finding["remedy"]
    assert run["grade"] != "portable"


def test_recording_in_an_image_without_an_engine(project: Project) -> None:
    done = project.repro(
        "run", "--image", "python:3.11", "--", "true", env={"DOCKER_HOST": DEAD[0]}
    )
    done.complains(3, "the Docker Engine does not answer")


def missing_image() -> str:
    registry = os.environ.get("REPRO_TEST_REGISTRY", "127.0.0.1:1")
    return f"{registry}/no/such/image:1.0"


@pytest.mark.docker
def test_recording_in_an_image_that_does_not_exist(project: Project) -> None:
    done = project.repro("run", "--image", missing_image(), "--", "python", "train.py")
    done.complains(2, missing_image(), "cannot be pulled", "check the name")
    assert project.runs() == []


@pytest.mark.docker
def test_an_image_that_is_gone_makes_the_run_unreplayable(project: Project) -> None:
    image = f"repro-test/vanishing:{os.getpid()}"
    container = workbench.docker("create", workbench.base_image())
    workbench.docker("commit", "--change", "ENV VANISHING=1", container, image)
    workbench.docker("rm", container)
    try:
        project.record("python", "train.py", options=("--image", image))
    finally:
        workbench.docker("image", "rm", image)
    document = project.replay().expect(3).document
    assert document["verdict"] == "unreplayable"
    reasons = " ".join(document["reasons"])
    assert f"the image {image} could not be had: tried " in reasons
    assert "pulling" in reasons


# --- documents ------------------------------------------------------------------------------


def test_a_manifest_of_a_newer_version(project: Project) -> None:
    run = project.record("python", "train.py")
    document = {**run["manifest"], "schema": "repro/manifest/v2"}
    content = canonical.dumps(document)
    newer = run_id(content)
    (project.path / ".repro" / "runs" / newer).write_bytes(content)
    for command in ("show", "replay"):
        project.repro(command, newer).complains(2, "repro/manifest/v2", "update repro")
    assert project.repro("show", run["id"]).expect(0)
    assert [item["id"] for item in project.runs()] == [run["id"]]
    assert "repro/manifest/v2" in project.repro("list").err, "named, not passed over in silence"


def test_a_manifest_with_fields_of_a_later_release_is_read(project: Project) -> None:
    run = project.record("python", "train.py")
    content = canonical.dumps({**run["manifest"], "new_in_1_7": {"anything": [1, 2]}})
    later = run_id(content)
    (project.path / ".repro" / "runs" / later).write_bytes(content)
    assert project.replay(later, engine="venv").expect(0).verdict == "identical"


def test_a_store_of_a_newer_version(project: Project) -> None:
    project.record("python", "train.py")
    (project.path / ".repro" / "format").write_text("2\n")
    for command in (["list"], ["replay"], ["run", "--", "touch", "ran"]):
        project.repro(*command).complains(2, "store format '2'", "update repro")
    assert not (project.path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"schema": 3}', b"\xff\xfe"])
def test_a_manifest_that_is_no_manifest(project: Project, content: bytes) -> None:
    identity = run_id(content)
    project.record("python", "train.py")
    (project.path / ".repro" / "runs" / identity).write_bytes(content)
    project.repro("replay", identity).complains(2, f"the manifest of run {identity[:12]}")


def test_data_that_is_nowhere_names_the_path_the_hash_and_the_places(dvc_project: Project) -> None:
    import shutil

    run = dvc_project.record("python", "train.py")
    (item,) = run["manifest"]["definition"]["data"]
    shutil.rmtree(dvc_project.path / ".dvc" / "cache")
    remote = dvc_project.path.with_name("project-remote")
    shutil.rmtree(remote)
    (dvc_project.path / "data/points.csv").unlink()
    document = dvc_project.replay(engine="venv").expect(3).document
    assert document["verdict"] == "unreplayable"
    reasons = " ".join(document["reasons"])
    for part in ("data/points.csv", item["hash"].removeprefix("md5:"), str(remote)):
        assert part in reasons, reasons


def test_params_that_cannot_be_read_are_named_and_the_run_goes_on(project: Project) -> None:
    project.write("params.yaml", "a: [1\n")
    run = project.record("python", "train.py")
    (finding,) = (item for item in run["manifest"]["findings"] if item["subject"] == "params")
    assert "params.yaml" in finding["message"]


def test_a_secret_is_refused_before_anything_runs_and_its_value_is_not_shown(
    project: Project,
) -> None:
    token = "ghp_" + "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=36))
    project.write("notes.txt", f"token {token}\n")
    done = project.repro("run", "--", "touch", "ran")
    done.complains(2, "untracked notes.txt:1: a GitHub token", "--allow-secrets")
    assert token not in done.err + done.out
    assert not (project.path / "ran").exists()
    stored = [path for path in (project.path / ".repro").rglob("*") if path.is_file()]
    assert not any(token.encode() in path.read_bytes() for path in stored)
    project.repro("run", "--allow-secrets", "--", "touch", "ran").expect(0)


def test_json_that_is_cut_off_in_the_middle_of_the_index_is_no_matter(project: Project) -> None:
    project.record("python", "train.py")
    index = project.path / ".repro" / "cache" / "index.sqlite"
    index.write_bytes(json.dumps({"not": "a database"}).encode())
    assert len(project.runs()) == 1


@pytest.mark.parametrize(
    ("name", "said"), [("new\nline", "line break"), (os.fsdecode(b"bad\xff"), "no UTF-8")]
)
def test_a_path_that_no_record_can_hold_is_refused_before_anything_runs(
    project: Project, name: str, said: str
) -> None:
    project.path = project.path.rename(project.path.with_name(name))
    project.repro.folder = project.path
    project.repro("run", "--", "touch", "ran").complains(2, said, "rename the folder")
    assert not (project.path / "ran").exists()
    assert said in project.repro("doctor").expect(1).out


@pytest.mark.parametrize(
    "name", ["no\u00a0break", "wide\u3000space", "family\U0001f468\u200d\U0001f469", "größe"]
)
def test_a_folder_whose_name_only_looks_odd(project: Project, name: str) -> None:
    there = project.path.with_name(name)
    shutil.copytree(project.path, there, symlinks=True)
    train = "open('metrics.json', 'w').write('{\"a\": 1}')"
    project.repro("run", "--", "python", "-c", train, cwd=there).expect(0)
    done = project.repro("replay", "--engine", "venv", "--json", cwd=there).expect(0)
    assert done.document["verdict"] == "identical"
