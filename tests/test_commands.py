"""The recorded command in a replay's environment: launchers off, paths in their new place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from repro import commands
from repro.manifest import (
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Host,
    Manifest,
    Outcome,
    Provenance,
    Result,
    Source,
    Stage,
)

RECORDED = "/home/me/project"
VENV = "/opt/repro/venv"


def manifest(
    *argv: str,
    stages: tuple[Stage, ...] = (),
    working_directory: str = "",
    interpreter: str | None = None,
    prefix: str | None = None,
    workspace: str | None = RECORDED,
) -> Manifest:
    definition = Definition(
        Source(None, "t"),
        (),
        Environment(EnvironmentKind.PACKAGES, None),
        Command(argv, stages),
        working_directory,
    )
    result = Result(True, Outcome.FINISHED, 0, None, None, None, None, Host())
    where = Provenance(workspace=workspace, interpreter=interpreter, prefix=prefix)
    return Manifest(definition, result, "2026-01-15T12:00:00Z", where)


# --- launchers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        # nothing to take off
        ("python train.py", "python train.py"),
        ("python -m uv run", "python -m uv run"),
        ("run", "run"),
        ("uv", "uv"),
        ("uv run", "uv run"),
        ("uv sync", "uv sync"),
        ("conda activate x", "conda activate x"),
        ("make run x", "make run x"),
        # uv
        ("uv run python train.py", "python train.py"),
        ("/usr/bin/uv run python train.py", "python train.py"),
        ("uv run train.py --epochs 3", "python train.py --epochs 3"),
        ("uv run train.pyw", "python train.pyw"),
        ("uv run src/train", "src/train"),
        ("uv run -- python train.py", "python train.py"),
        ("uv run -- train.py", "python train.py"),
        ("uv run -m pkg.train --module x", "python -m pkg.train --module x"),
        ("uv run --module pkg.train", "python -m pkg.train"),
        ("uv run python -m pkg.train", "python -m pkg.train"),
        ("uv run --script train", "python train"),
        ("uv run -s train", "python train"),
        ("uv run --python 3.12 train.py", "python train.py"),
        ("uv run -p 3.12 train.py", "python train.py"),
        ("uv run -p3.12 train.py", "python train.py"),
        ("uv run --python=3.12 train.py", "python train.py"),
        ("uv run --with numpy --extra gpu --frozen train.py", "python train.py"),
        ("uv run --no-sync --isolated python train.py --with me", "python train.py --with me"),
        ("uv --quiet run train.py", "python train.py"),
        ("uv --color never run train.py", "python train.py"),
        # the others
        ("poetry run python train.py", "python train.py"),
        ("poetry run train", "train"),
        ("poetry -P ../other run python train.py", "python train.py"),
        ("pipenv run python train.py", "python train.py"),
        ("pdm run -p . train", "train"),
        ("hatch run python train.py", "python train.py"),
        ("hatch -e gpu run python train.py", "python train.py"),
        ("rye run python train.py", "python train.py"),
        ("pixi run -e gpu python train.py", "python train.py"),
        ("conda run -n env python train.py", "python train.py"),
        ("conda run --no-capture-output -p /opt/env python -u train.py", "python -u train.py"),
        ("mamba run --name env python train.py", "python train.py"),
        ("micromamba run -n env python train.py", "python train.py"),
        # behind something else
        ("env A=1 uv run train.py", "env A=1 python train.py"),
        ("nice -n 10 poetry run python train.py", "nice -n 10 python train.py"),
        ("timeout 60 time conda run -n e python x", "timeout 60 time python x"),
    ],
)
def test_launchers_are_taken_off(recorded: str, expected: str) -> None:
    assert commands.without_launcher(tuple(recorded.split())) == tuple(expected.split())


@pytest.mark.parametrize(
    "recorded",
    [
        "uv run --directory sub python show.py a",
        "uv --directory sub run show.py a",
        "uv run --directory=sub show.py a",
        "poetry -C sub run python show.py a",
        "poetry --directory sub run python show.py a",
        "conda run --cwd sub -n env python show.py a",
        "env A=1 uv run --directory sub show.py a",
    ],
)
def test_where_a_launcher_changes_the_folder_so_does_what_is_left(
    tmp_path: Path, recorded: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "show.py").write_text("import os, sys; print(os.getcwd(), sys.argv[1:])")
    words = commands.without_launcher(tuple(recorded.split()))
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\n")[0] == f"{tmp_path.resolve() / 'sub'} ['a']"


def test_nothing_is_nothing() -> None:
    assert commands.without_launcher(()) == ()


# --- paths ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/me/project", "/new"),
        ("/home/me/project/data", "/new/data"),
        ("--data=/home/me/project/data", "--data=/new/data"),
        ("a:/home/me/project:/home/me/project/b", "a:/new:/new/b"),
        ("cd '/home/me/project' && x", "cd '/new' && x"),
        # other folders that only begin or end alike
        ("/home/me/project2", "/home/me/project2"),
        ("/home/me/project-old/x", "/home/me/project-old/x"),
        ("/home/me/project.bak", "/home/me/project.bak"),
        ("/mnt/home/me/project", "/mnt/home/me/project"),
        ("../home/me/project", "../home/me/project"),
        ("", ""),
    ],
)
def test_a_recorded_path_is_found_at_its_new_place(text: str, expected: str) -> None:
    assert commands.relocated(text, RECORDED, "/new") == expected
    assert commands.relocated(text, RECORDED, RECORDED) == text


def test_special_characters_of_a_path_are_only_characters() -> None:
    recorded = "/home/me/a+b (1)\\1"
    assert commands.relocated(f"{recorded}/x", recorded, r"/new\g<0>") == r"/new\g<0>/x"


# --- the whole command ----------------------------------------------------------------------


def test_an_image_keeps_its_own_names() -> None:
    recorded = manifest("uv", "run", f"{RECORDED}/train.py", prefix="/venv")
    assert commands.translated(recorded, None, RECORDED) == recorded.definition.command.argv
    assert commands.translated(recorded, None, "/new") == ("uv", "run", "/new/train.py")


@pytest.mark.parametrize("python", ["/usr/bin/python3.11", f"{RECORDED}/.venv/bin/python"])
def test_the_recorded_interpreter_is_the_environments(python: str) -> None:
    recorded = manifest(python, "train.py", interpreter=python)
    assert commands.translated(recorded, VENV, "/new") == (f"{VENV}/bin/python", "train.py")


@pytest.mark.parametrize(
    ("prefix", "argv", "expected"),
    [
        ("/venvs/a", ("/venvs/a/bin/accelerate", "launch"), (f"{VENV}/bin/accelerate", "launch")),
        (f"{RECORDED}/.venv", (f"{RECORDED}/.venv/bin/tool",), (f"{VENV}/bin/tool",)),
        (
            "/venvs/a",
            ("sh", "-c", "/venvs/a/bin/python x; /venvs/a/bin2/y"),
            ("sh", "-c", f"{VENV}/bin/python x; /venvs/a/bin2/y"),
        ),
        ("/venvs/a", ("./run.sh", "/venvs/a"), ("./run.sh", "/venvs/a")),
        ("/venvs/a", ("/venvs/a/bin/uv", "run", "train.py"), ("python", "train.py")),
        (None, ("python", "train.py"), ("python", "train.py")),
    ],
)
def test_commands_of_the_recorded_environment_are_the_environments(
    prefix: str | None, argv: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    recorded = manifest(*argv, prefix=prefix)
    assert commands.translated(recorded, VENV, RECORDED) == expected


def test_a_workspace_without_a_recorded_path_is_where_the_replay_has_it() -> None:
    recorded = manifest("python", "/new/x", workspace=None)
    assert commands.translated(recorded, VENV, "/new") == ("python", "/new/x")


# --- pipelines ------------------------------------------------------------------------------

PIPELINE = (
    Stage("prepare", ("echo prepare >> log", "echo 'it''s' \"$PWD\" >> log")),
    Stage("train it", ("pwd >> ../log; false || echo on >> ../log",), "sub dir"),
)


def run(stages: tuple[Stage, ...], folder: Path, working_directory: str = "") -> tuple[int, str]:
    recorded = manifest("dvc", "repro", stages=stages, working_directory=working_directory)
    words = commands.translated(recorded, VENV, str(folder))
    done = subprocess.run(words, cwd=folder / working_directory, capture_output=True, check=False)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("working_directory", ["", "project", "project/deep"])
def test_stages_run_in_their_order_and_folders(tmp_path: Path, working_directory: str) -> None:
    (tmp_path / "sub dir").mkdir()
    (tmp_path / working_directory).mkdir(parents=True, exist_ok=True)
    code, said = run(PIPELINE, tmp_path, working_directory)
    assert code == 0
    assert said == "stage prepare\nstage train it\n"
    here = tmp_path.resolve()
    assert (tmp_path / "log").read_text() == f"prepare\nits {here}\n{here}/sub dir\non\n"


def test_a_stage_that_fails_ends_the_pipeline_with_its_code(tmp_path: Path) -> None:
    stages = (Stage("one", ("touch one", "exit 7", "touch late")), Stage("two", ("touch two",)))
    code, _ = run(stages, tmp_path)
    assert code == 7
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
