"""`repro doctor`: each check sees what it should, says what to do, and keeps no other from being made."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from workbench import ROOT, Project, Repro, base_image

from repro import diagnosis, diagnosis_data, diagnosis_machine
from repro.diagnosis import Check, Diagnosis, State
from repro.diagnosis_nouns import Answer, ok
from repro.diagnosis_scene import Probe, Scene, Shared
from repro.errors import EngineError, NotFound
from repro.report import doctor as report

SCHEMA = json.loads((ROOT / "specs" / "doctor.schema.json").read_text("utf-8"))
PROSE = (ROOT / "specs" / "doctor.md").read_text("utf-8")
NOWHERE = "unix:///nonexistent/docker.sock"
OFFLINE = {"DOCKER_HOST": NOWHERE, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
"""Without engine and index, for tests that are about something else."""


@pytest.fixture
def doctor(repro: Repro) -> Callable[..., list[Check]]:
    """Checks by name, from the installed command; neither engine nor index are asked."""

    def look(name: str, cwd: Path | None = None, **env: str | None) -> list[Check]:
        done = repro("doctor", "--json", cwd=cwd or repro.folder, env={**OFFLINE, **env})
        assert done.code in (0, 1), done
        assert "Traceback" not in done.err and "bug in repro" not in done.out, done
        jsonschema.validate(done.document, SCHEMA)
        assert done.document["ready"] is (done.code == 0)
        return [
            Check(item["topic"], item["name"], State(item["state"]), item["seen"], item["remedy"])
            for item in done.document["checks"]
            if item["name"] == name
        ]

    return look


def one(checks: list[Check], state: State, *parts: str) -> Check:
    """The one check of that state, with these parts in what it says."""
    found = [check for check in checks if check.state is state]
    assert len(found) == 1, checks
    said = f"{found[0].seen} -> {found[0].remedy}"
    for part in parts:
        assert part in said, said
    return found[0]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


# --- the whole ------------------------------------------------------------------------------


@pytest.mark.docker
@pytest.mark.network
def test_a_project_in_order(dvc_project: Project, repro: Repro) -> None:
    dvc_project.record("python", "train.py")
    started = time.monotonic()
    done = repro("doctor", "--json", cwd=dvc_project.path).expect(0)
    assert time.monotonic() - started < diagnosis.PATIENCE
    states = {item["name"]: item["state"] for item in done.document["checks"]}
    assert states.pop("base image") in ("ok", "warning"), "a warning where there is no registry"
    assert set(states.values()) == {"ok"}, done
    assert done.document["project"] == str(dvc_project.path)
    named = set(re.findall(r"^\| `\w+` \| `([\w ]+)` \|", PROSE, re.MULTILINE))
    assert named == {*states, "base image", "submodules"}


def test_for_a_person_it_is_aligned_and_fits_80_columns(project: Project, repro: Repro) -> None:
    done = repro("doctor", cwd=project.path, env={**OFFLINE, "COLUMNS": "80"}).expect(1)
    lines = done.out.splitlines()
    long = [line for line in lines if len(line) > 80 and "/" not in line]
    assert not long, long
    assert lines[0] == "machine"
    assert lines[-1].startswith("not ready: 2 problems, ")
    rows = [line for line in lines if re.match(r"  (ok|warning|problem|unknown) ", line)]
    assert len(rows) > 10
    columns = {re.match(r"  \w+ +", line).end() for line in rows if line[11] != " "}  # type: ignore[union-attr]
    assert columns == {11}
    assert "\x1b" not in done.out


def test_outside_a_repository_only_the_machine_is_checked(tmp_path: Path, repro: Repro) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    done = repro("doctor", "--json", cwd=folder, env={"UV_NO_INDEX": "1"})
    assert done.document["project"] is None
    topics = [item["topic"] for item in done.document["checks"]]
    assert set(topics) == {"machine", "tools", "project"} and topics.count("project") == 1
    last = done.document["checks"][-1]
    assert last["state"] == "unknown"
    assert "not a git repository" in last["seen"] and "only the machine" in last["seen"]
    assert list(folder.iterdir()) == []


def test_it_makes_no_store_and_changes_nothing(dvc_project: Project, repro: Repro) -> None:
    def everything() -> dict[str, tuple[int, int]]:
        return {
            str(item): (item.lstat().st_size, item.lstat().st_mtime_ns)
            for item in dvc_project.path.rglob("*")
        }

    before = everything()
    repro("doctor", cwd=dvc_project.path, env=OFFLINE).expect(1)
    assert everything() == before


def test_from_a_subfolder_it_is_about_the_project(project: Project, repro: Repro) -> None:
    (project.path / "a" / "b").mkdir(parents=True)
    done = repro("doctor", "--json", cwd=project.path / "a" / "b", env=OFFLINE)
    assert done.document["project"] == str(project.path)


# --- checks stand alone ---------------------------------------------------------------------


def looked_at(monkeypatch: pytest.MonkeyPatch, start: Path, *probes: Probe) -> Diagnosis:
    monkeypatch.setattr(diagnosis, "PROBES", probes)
    return diagnosis.diagnose(start, os.environ, patience=0.5)


def test_a_check_that_breaks_hangs_or_fails_keeps_no_other(
    monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    def fine(scene: Scene) -> Iterator[Answer]:
        yield ok("fine")

    def breaks(scene: Scene) -> Iterator[Answer]:
        yield ok("first")
        raise TypeError("no such thing")

    def fails(scene: Scene) -> Iterator[Answer]:
        raise EngineError("it is off", "turn it on")
        yield

    def refused(scene: Scene) -> Iterator[Answer]:
        raise PermissionError(13, "Permission denied", "/root/x")
        yield

    def hangs(scene: Scene) -> Iterator[Answer]:
        yield ok("begun")
        time.sleep(30)

    def says_nothing(scene: Scene) -> Iterator[Answer]:
        time.sleep(30)
        yield ok("late")

    started = time.monotonic()
    found = looked_at(
        monkeypatch,
        project.path,
        Probe("a", "hangs", hangs),
        Probe("a", "needed", says_nothing, State.PROBLEM, "restart it"),
        Probe("a", "breaks", breaks),
        Probe("b", "fails", fails),
        Probe("b", "refused", refused),
        Probe("b", "fine", fine),
    )
    assert time.monotonic() - started < 3
    seen = [(check.name, check.state.value, check.seen, check.remedy) for check in found.checks]
    assert seen == [
        ("hangs", "ok", "begun", ""),
        ("hangs", "unknown", "no further answer within 0.5 s", "repro doctor again"),
        ("needed", "problem", "no answer within 0.5 s", "restart it"),
        ("breaks", "ok", "first", ""),
        ("breaks", "unknown", "could not be checked: TypeError: no such thing",
         "this is a bug in repro: please report it"),
        ("fails", "problem", "it is off", "turn it on"),
        ("refused", "problem", "permission denied: /root/x", "check permissions and disk"),
        ("fine", "ok", "fine", ""),
    ]  # fmt: skip
    assert not found.ready and found.count(State.UNKNOWN) == 2


def test_a_shared_value_is_made_once_and_its_error_is_everybody_s() -> None:
    made = []
    value = Shared(lambda: made.append(1) or 7)  # type: ignore[func-returns-value]
    assert (value(), value(), len(made)) == (7, 7, 1)

    def fail() -> int:
        made.append(1)
        raise NotFound("nothing")

    broken = Shared(fail)
    for _ in range(2):
        with pytest.raises(NotFound):
            broken()
    assert len(made) == 2


# --- the machine ----------------------------------------------------------------------------


def test_an_engine_that_is_not_there(doctor: Callable[..., list[Check]]) -> None:
    one(doctor("engine"), State.PROBLEM, "does not answer", "no engine is running", "--engine venv")
    one(doctor("base image"), State.UNKNOWN, "the engine does not answer")
    checks = doctor("engine", DOCKER_HOST="tcp://127.0.0.1:9")
    one(checks, State.PROBLEM, "connection refused")


def test_an_engine_that_hangs_is_a_problem_and_ends(
    doctor: Callable[..., list[Check]], silent_port: int
) -> None:
    started = time.monotonic()
    checks = doctor("engine", DOCKER_HOST=f"tcp://127.0.0.1:{silent_port}")
    assert time.monotonic() - started < 20
    one(checks, State.PROBLEM, "no answer within 8 s", "restart it")


@pytest.mark.docker
def test_the_engine_and_the_base_image(doctor: Callable[..., list[Check]]) -> None:
    def look(name: str, **env: str | None) -> list[Check]:
        return doctor(name, DOCKER_HOST=os.environ.get("DOCKER_HOST"), **env)

    version, room = look("engine")
    one([version], State.OK, "Docker ", "API")
    one([room], State.OK, "CPU", "of memory")
    image = look("base image")
    assert len(image) == 1 and base_image() in image[0].seen
    missing = "127.0.0.1:9/none:{version}"
    one(look("base image", REPRO_BASE_IMAGE=missing), State.PROBLEM, "neither in the engine nor")
    assert all(check.state is State.OK for check in look("disk"))
    assert any("the engine" in check.seen for check in look("disk"))


@pytest.mark.docker
@pytest.mark.registry
def test_an_image_with_a_digest_and_one_without(
    doctor: Callable[..., list[Check]], project: Project
) -> None:
    there = {"DOCKER_HOST": os.environ.get("DOCKER_HOST")}
    one(doctor("base image", **there), State.OK, "is here: sha256:")
    name = f"repro-doctor-test:{os.getpid()}"
    subprocess.run(["docker", "tag", base_image(), name], check=True)
    try:
        project.write("repro.yaml", f"image: {name}\n")
        one(doctor("base image", **there), State.WARNING, name, "no registry digest", "push it")
        project.write("Dockerfile", f"FROM {base_image()} AS base\nFROM {name}\nFROM base\n")
        project.write(
            "repro.yaml", "image: {dockerfile: Dockerfile}\ncommand: none-here train.py\n"
        )
        checks = doctor("base image", **there)
        one(checks, State.OK, base_image())
        one(checks, State.WARNING, name, "by its tag only")
        project.write("requirements.lock", "numpy==2.1.0\n")
        for row in ("command", "packages", "lockfile"):
            # the image's own, and nothing of this machine
            one(doctor(row, **there), State.OK, "the image of Dockerfile")
    finally:
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("free", "state"), [(10**9 - 1, State.PROBLEM), (10**9, State.WARNING), (5 * 10**9, State.OK)]
)
def test_little_room(
    free: int, state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = type(shutil.disk_usage(tmp_path))(10**12, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert diagnosis_machine._room("a disk", tmp_path).state is state


def fake_program(folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(folder)


NVIDIA = """cat <<'XML'
<nvidia_smi_log><driver_version>550.1</driver_version><cuda_version>12.4</cuda_version>
<gpu><product_name>NVIDIA H100</product_name><uuid>GPU-1</uuid>
<fb_memory_usage><total>81559 MiB</total></fb_memory_usage></gpu></nvidia_smi_log>
XML"""


def test_gpus(doctor: Callable[..., list[Check]], tmp_path: Path, repro: Repro) -> None:
    folder = fake_program(tmp_path / "bin", "nvidia-smi", NVIDIA)
    path = os.pathsep.join([folder, repro.path])
    one(doctor("gpu", PATH=path), State.OK, "NVIDIA H100, driver 550.1")


@pytest.mark.docker
def test_gpus_that_the_engine_cannot_give(tmp_path: Path, project: Project) -> None:
    folder = fake_program(tmp_path / "bin", "nvidia-smi", NVIDIA)
    env = {**os.environ, "PATH": os.pathsep.join([folder, os.environ["PATH"]])}
    if shutil.which("nvidia-ctk"):
        pytest.skip("this machine has the NVIDIA Container Toolkit")
    found = diagnosis.diagnose(project.path, env).checks
    gpu = [check for check in found if check.name == "gpu"]
    one(gpu, State.WARNING, "cannot give them to a container", "Container Toolkit")


def test_an_old_git(doctor: Callable[..., list[Check]], tmp_path: Path, repro: Repro) -> None:
    real = shutil.which("git")
    text = f'[ "$1" = --version ] && echo "git version 2.20.1" && exit\nexec {real} "$@"'
    path = os.pathsep.join([fake_program(tmp_path / "bin", "git", text), repro.path])
    one(doctor("git", PATH=path), State.WARNING, "2.20.1", "update to 2.32")


def test_no_git_at_all(project: Project, repro: Repro, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = repro(
        "doctor", "--json", cwd=project.path, env={**OFFLINE, "PATH": str(tmp_path / "bin")}
    )
    git = next(item for item in done.expect(1).document["checks"] if item["name"] == "git")
    assert git["state"] == "problem" and "not installed" in git["seen"]
    assert done.document["checks"][-1]["seen"].startswith("git is not installed")


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ("http://ada:s3cret@127.0.0.1:9/simple", "connection refused"),
        ("https://index.invalid/simple", "index.invalid"),
    ],
)
def test_an_index_that_cannot_be_reached(
    doctor: Callable[..., list[Check]], index: str, reason: str
) -> None:
    check = one(doctor("package index", UV_DEFAULT_INDEX=index), State.PROBLEM, reason, "proxy")
    assert "s3cret" not in check.seen


def test_an_index_that_says_nothing(doctor: Callable[..., list[Check]], silent_port: int) -> None:
    index = f"http://127.0.0.1:{silent_port}/simple"
    one(doctor("package index", UV_DEFAULT_INDEX=index), State.WARNING, "has not answered within")


def test_no_index_and_a_folder_of_wheels(
    doctor: Callable[..., list[Check]], tmp_path: Path
) -> None:
    checks = doctor("package index", UV_NO_INDEX="1", UV_FIND_LINKS=str(tmp_path / "wheels"))
    one(checks, State.OK, "no-index")
    one(checks, State.WARNING, f"no folder {tmp_path / 'wheels'}")


def test_an_index_that_has_not_what_was_asked_for_answers(
    doctor: Callable[..., list[Check]], tmp_path: Path
) -> None:
    (tmp_path / "simple").mkdir()
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert server.stdout
        port = re.search(rb"port (\d+)", server.stdout.readline())
        assert port
        index = f"http://127.0.0.1:{port[1].decode()}/simple"
        one(doctor("package index", UV_DEFAULT_INDEX=index), State.OK, "answers")
    finally:
        server.kill()
        server.wait()


# --- the repository -------------------------------------------------------------------------


def test_the_state_of_the_repository(
    doctor: Callable[..., list[Check]], project: Project, tmp_path: Path
) -> None:
    one(doctor("repository"), State.OK, "main, ", "nothing uncommitted", "no git remote")
    project.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    project.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    one(doctor("repository"), State.OK, "what the remote has is not known here")
    project.git("fetch", "--quiet")
    assert "not pushed" not in one(doctor("repository"), State.OK).seen
    project.commit()
    project.commit()
    project.write("train.py", "changed")
    for name in ("new/a", "new/b"):
        project.write(name, "")
    one(doctor("repository"), State.OK, "1 changed and 2 untracked", "2 commits not pushed")
    project.write("repro.yaml", "untracked_cap: 100\n")
    project.write("large.bin", b"0" * 101)
    one(doctor("repository"), State.WARNING, "large.bin: untracked, and too large", "untracked_cap")
    project.git("checkout", "--quiet", "--detach")
    one(doctor("repository"), State.OK, "no branch, ")


def test_a_branch_without_commits(doctor: Callable[..., list[Check]], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path / "new"], check=True)
    one(doctor("repository", cwd=tmp_path / "new"), State.OK, "main, no commit yet")


@pytest.mark.parametrize("linked", [False, True])
def test_a_merge_with_conflicts(
    doctor: Callable[..., list[Check]], project: Project, linked: bool
) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.write("train.py", "one")
    project.commit()
    project.git("checkout", "--quiet", "main")
    project.write("train.py", "two")
    project.commit()
    folder = project.path
    if linked:
        folder = project.path.with_name("linked")
        project.git("worktree", "add", "--quiet", "-b", "third", str(folder))
    subprocess.run(["git", "merge", "side"], cwd=folder, check=False, capture_output=True)
    checks = doctor("repository", cwd=folder)
    one(checks, State.OK, "a merge is in progress")
    one(checks, State.WARNING, "1 file with conflicts", "git status")


def test_submodules_that_are_not_checked_out(
    doctor: Callable[..., list[Check]], project: Project, tmp_path: Path
) -> None:
    assert doctor("submodules") == []
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "--quiet", project.path, other], check=True)
    allowed = ("-c", "protocol.file.allow=always")
    project.git(*allowed, "submodule", "add", "--quiet", str(other), "lib/other")
    project.commit()
    one(doctor("submodules"), State.OK, "1 checked out")
    project.git("submodule", "deinit", "--quiet", "--force", "lib/other")
    one(doctor("submodules"), State.WARNING, "lib/other", "git submodule update --init")


# --- configuration and environment ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "state", "parts"),
    [
        (None, State.OK, ("there is none", "repro init")),
        ("network: true\n", State.OK, ("repro.yaml is valid",)),
        ("netwrok: true\n", State.PROBLEM, ("unknown key 'netwrok'", "did you mean 'network'?")),
        ("\tnetwork: true\n", State.PROBLEM, ("a tab",)),
        ("working_directory: src\n", State.PROBLEM, ("working_directory: src",)),
        ("image: {dockerfile: Dockerfile}\n", State.PROBLEM, ("image: Dockerfile",)),
        ("params: [lost.yaml]\n", State.WARNING, ("lost.yaml",)),
    ],
)
def test_the_configuration(
    doctor: Callable[..., list[Check]],
    project: Project,
    text: str | None,
    state: State,
    parts: tuple[str, ...],
) -> None:
    if text is not None:
        project.write("repro.yaml", text)
    one(doctor("configuration"), state, *parts)


def test_a_broken_configuration_keeps_no_other_check(project: Project, repro: Repro) -> None:
    project.write("repro.yaml", "command: [")
    done = repro("doctor", "--json", cwd=project.path, env=OFFLINE).expect(1)
    names = {item["name"] for item in done.document["checks"]}
    assert {"repository", "command", "packages", "store"} <= names


@pytest.mark.parametrize(
    ("text", "state", "parts"),
    [
        (None, State.OK, ("no command is configured; python: CPython 3.", "bin/python")),
        ("command: python train.py\n", State.OK, ("python train.py: CPython 3.",)),
        ("command: pyton train.py\n", State.PROBLEM, ("command not found: pyton", "python")),
        ("command: ./none.sh\n", State.PROBLEM, ("command not found: ./none.sh",)),
        ("command: ls -l\n", State.WARNING, ("cannot be told", "repro run --image")),
        ("command: bash both.sh\n", State.WARNING, ("as a guess",)),
    ],
)
def test_the_command_and_its_interpreter(
    doctor: Callable[..., list[Check]],
    project: Project,
    text: str | None,
    state: State,
    parts: tuple[str, ...],
) -> None:
    project.write("both.sh", "/usr/bin/python3 a.py\npython b.py\n")
    if text is not None:
        project.write("repro.yaml", text)
    one(doctor("command"), state, *parts)


def test_an_interpreter_that_does_not_start(
    doctor: Callable[..., list[Check]], project: Project, tmp_path: Path, repro: Repro
) -> None:
    folder = fake_program(tmp_path / "bin", "python", "echo broken >&2; exit 3")
    path = os.pathsep.join([folder, repro.path])
    project.write("repro.yaml", "command: python train.py\n")
    one(doctor("command", PATH=path), State.PROBLEM, "does not work", "broken")
    one(doctor("packages", PATH=path), State.UNKNOWN, "the interpreter was not found")


def test_a_lockfile_and_what_is_installed(
    project: Project, repro: Repro, doctor: Callable[..., list[Check]], packed_venv: Path,
    use_venv: Callable[[Path], None],
) -> None:  # fmt: skip
    one(doctor("lockfile"), State.OK, "none: a run locks what is installed")
    use_venv(packed_venv)
    lock = (ROOT / "examples" / "breast-cancer" / "requirements.lock").read_text()
    project.write("requirements.lock", lock)
    one(doctor("lockfile"), State.OK, "what is installed is what requirements.lock says")
    version = re.search(r"^joblib==(\S+)", lock, re.MULTILINE)
    assert version
    changed = lock.replace(f"joblib=={version[1]}", "joblib==0.0.1")
    project.write("requirements.lock", changed + "lost-package==1.0\n")
    checks = doctor("lockfile")
    assert [check.state for check in checks] == [State.WARNING, State.WARNING]
    said = " ".join(check.seen for check in checks)
    assert f"joblib {version[1]} (locked: 0.0.1)" in said and "lost-package 1.0" in said
    project.write("repro.yaml", "lockfile: other.lock\n")
    one(doctor("lockfile"), State.PROBLEM, "there is no other.lock")
    project.write("repro.yaml", "lockfile: uv.lock\n")
    project.write("uv.lock", "")
    one(doctor("lockfile"), State.OK, "uv.lock could not be read", "what is installed counts")


# --- data -----------------------------------------------------------------------------------


def test_a_project_without_dvc(doctor: Callable[..., list[Check]], project: Project) -> None:
    one(doctor("dvc"), State.OK, "does not use it")
    assert doctor("dvc remote") == doctor("tracked data") == []
    project.write("dvc.yaml", "stages:\n  a:\n    cmd: python train.py\n")
    one(doctor("dvc"), State.WARNING, "no DVC repository", "dvc init")


def test_data_that_is_pushed_changed_unpushed_and_lost(
    dvc_project: Project, doctor: Callable[..., list[Check]]
) -> None:
    path = dvc_project.path
    one(doctor("dvc remote"), State.OK, "storage (default)", "answers")
    one(doctor("tracked data"), State.OK, "1 item", "all of it is on a remote")
    dvc_project.write("data/more.csv", "a\n")
    dvc_project.dvc("add", "data/more.csv")
    one(doctor("tracked data"), State.WARNING, "data/more.csv", "dvc push data/more.csv")
    dvc_project.dvc("push")
    dvc_project.write("data/more.csv", "b\n")
    one(doctor("tracked data"), State.WARNING, "data/more.csv", "changed since", "dvc add")
    (path / "data" / "more.csv").unlink()
    one(doctor("tracked data"), State.WARNING, "not in the workspace", "dvc checkout")
    shutil.rmtree(path / ".dvc" / "cache")
    one(doctor("tracked data"), State.WARNING, "data/more.csv", "dvc checkout")
    shutil.rmtree(path.with_name("project-remote") / "files")
    checks = doctor("tracked data")
    one(checks, State.PROBLEM, "data/more.csv", "neither in the workspace")


def test_remotes(dvc_project: Project, doctor: Callable[..., list[Check]], tmp_path: Path) -> None:
    dvc_project.dvc("remote", "add", "new", str(tmp_path / "new"))
    one(doctor("dvc remote"), State.WARNING, "new, ", "nothing was pushed to it yet")
    dvc_project.dvc("remote", "modify", "new", "url", str(tmp_path / "unmounted" / "new"))
    one(doctor("dvc remote"), State.WARNING, "cannot be reached: no folder")
    dvc_project.dvc("remote", "default", "new")
    one(doctor("dvc remote"), State.PROBLEM, "new (default)", "cannot be reached: no folder")
    dvc_project.dvc("remote", "modify", "new", "url", "http://127.0.0.1:9/data")
    one(doctor("dvc remote"), State.PROBLEM, "http://127.0.0.1:9/data cannot be reached")
    one(doctor("tracked data"), State.OK, "all of it is on a remote")
    dvc_project.dvc("remote", "remove", "storage")
    one(doctor("tracked data"), State.UNKNOWN, "was not asked", "dvc status --cloud")
    dvc_project.dvc("remote", "remove", "new")
    one(doctor("dvc remote"), State.WARNING, "none is configured", "dvc remote add")
    one(doctor("tracked data"), State.WARNING, "no DVC remote is configured")


def test_a_remote_that_hangs_holds_nobody_up(
    dvc_project: Project, doctor: Callable[..., list[Check]], silent_port: int
) -> None:
    dvc_project.dvc("remote", "modify", "storage", "url", f"http://127.0.0.1:{silent_port}/x")
    started = time.monotonic()
    one(doctor("dvc remote"), State.UNKNOWN, "no answer within 8 s")
    assert time.monotonic() - started < 20


def test_data_too_large_to_be_read_now_is_unknown(
    monkeypatch: pytest.MonkeyPatch, dvc_project: Project, tmp_path: Path
) -> None:
    os.utime(dvc_project.path / "data" / "points.csv", (1, 1))
    scene = Scene(dvc_project.path, os.environ, tmp_path, time.monotonic())
    answers = list(diagnosis_data._data(scene))
    assert [answer.state for answer in answers] == [State.UNKNOWN]
    assert "too much to be read" in answers[0].seen


# --- the store ------------------------------------------------------------------------------


def test_the_store_in_order(doctor: Callable[..., list[Check]], project: Project) -> None:
    one(doctor("store"), State.OK, "none yet")
    assert doctor("leftovers") == []
    project.record("python", "train.py")
    one(doctor("store"), State.OK, "1 run, 0 replays, ", "in .repro")
    one(doctor("leftovers"), State.OK, "none")


def test_damage_in_the_store(doctor: Callable[..., list[Check]], project: Project) -> None:
    document = project.record("python", "train.py")
    project.write("params.json", json.dumps({"seed": 8, "rate": 0.05, "epochs": 4}))
    project.record("python", "train.py")
    project.runs()  # both are in the index now: it does not look again by itself
    store = project.path / ".repro"
    packs = [
        item for item in document["manifest"]["contents"] if item["path"].startswith("source/")
    ]
    blob = store / "blobs" / "sha256" / packs[0]["digest"].removeprefix("sha256:")
    content = blob.read_bytes()
    blob.write_bytes(content[:-1])
    # the commit is the same, so both runs lose their source
    for reason in ("is damaged", "is missing"):
        problems = [check for check in doctor("store") if check.state is State.PROBLEM]
        assert len(problems) == 2 and all(reason in check.seen for check in problems), problems
        assert any(document["id"][:12] in check.seen for check in problems)
        blob.unlink(missing_ok=True)
    blob.write_bytes(content)
    manifest = store / "runs" / document["id"]
    manifest.write_bytes(manifest.read_bytes() + b" ")
    one(doctor("store"), State.PROBLEM, document["id"][:12], "not what was recorded")
    shutil.rmtree(store / "cache")
    one(doctor("store"), State.PROBLEM, document["id"][:12], "not what was recorded")


def test_a_store_of_a_later_version(doctor: Callable[..., list[Check]], project: Project) -> None:
    project.record("python", "train.py")
    marker = project.path / ".repro" / "format"
    marker.write_text("2\n")
    one(doctor("store"), State.PROBLEM, "store format '2'", "update repro")
    assert doctor("leftovers") == []
    marker.write_text("1\n")


def test_an_index_that_is_no_database(doctor: Callable[..., list[Check]], project: Project) -> None:
    project.record("python", "train.py")
    for path in (project.path / ".repro" / "cache").glob("index.sqlite*"):
        path.write_bytes(b"nonsense" * 1000)
    one(doctor("store"), State.OK, "1 run")


def test_what_a_killed_command_left(
    doctor: Callable[..., list[Check]], project: Project, repro: Repro
) -> None:
    project.write("sleep.py", "import time\nopen('started', 'w').close()\ntime.sleep(60)\n")
    running = repro.start("run", "--", "python", "sleep.py", cwd=project.path)
    running.until((project.path / "started").exists)
    one(doctor("leftovers"), State.OK, "none")
    running.kill()
    one(doctor("leftovers"), State.WARNING, "1 command of repro was killed", "repro list")
    repro("list", cwd=project.path).expect()
    one(doctor("leftovers"), State.OK, "none")


def test_a_store_that_git_tracks(doctor: Callable[..., list[Check]], project: Project) -> None:
    project.record("python", "train.py")
    project.git("add", "--force", ".repro/format")
    one(doctor("store"), State.WARNING, ".repro/format", "git rm -r --cached .repro")


# --- the report -----------------------------------------------------------------------------


def diagnosis_of(*states: State) -> Diagnosis:
    checks = [
        Check("machine", f"check {n}", state, f"seen {n}", "do") for n, state in enumerate(states)
    ]
    return Diagnosis(Path("/project"), tuple(checks))


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ([State.OK, State.OK], "ready: 2 ok"),
        ([State.OK, State.WARNING], "ready: 1 warning, 1 ok"),
        ([State.UNKNOWN], "ready: 1 unknown, 0 ok"),
        ([State.PROBLEM, State.PROBLEM, State.WARNING], "not ready: 2 problems, 1 warning, 0 ok"),
    ],
)
def test_the_last_line_sums_up(states: list[State], summary: str) -> None:
    text = report.render(diagnosis_of(*states), colour=False, width=80)
    assert text.splitlines()[-1] == summary


def test_colours_change_nothing_but_colours() -> None:
    found = diagnosis_of(*State)
    coloured = report.render(found, colour=True, width=80)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == report.render(found, colour=False, width=80)
    assert coloured != report.render(found, colour=False, width=80)


def test_names_of_files_cannot_drive_the_terminal() -> None:
    check = Check("store", "store", State.WARNING, "a\x1b[2Jb\r\n", "rm 'c\x07'")
    text = report.render(Diagnosis(Path("/p\x1b"), (check,)), colour=False, width=80)
    assert not set(text) & set("\x1b\r\x07")
    assert json.loads(report.as_json(Diagnosis(None, (check,))))["checks"][0]["seen"] == check.seen


def test_the_example_of_the_prose_fits_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    examples: list[Any] = re.findall(r"```json\n(.*?)```", PROSE, re.DOTALL)
    assert examples
    for example in examples:
        document = json.loads(example)
        jsonschema.validate(document, SCHEMA)
        names = set(re.findall(r"^\| `\w+` \| `([\w ]+)` \|", PROSE, re.MULTILINE))
        assert {check["name"] for check in document["checks"]} <= names


def test_the_prose_names_every_check() -> None:
    tables = re.findall(r"^\| `(\w+)` \| `([\w ]+)` \|", PROSE, re.MULTILINE)
    assert tables == [(probe.topic, probe.name) for probe in diagnosis.PROBES]
