"""The public functions, on a real git project, without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from workbench import Project

import repro
from repro import canonical
from repro.errors import NotFound, UsageError
from repro.manifest import Outcome

VENV = repro.Options(engine="venv")


class Heard:
    """A sink that keeps what it hears."""

    def __init__(self) -> None:
        self.out, self.err = b"", b""

    def stdout(self, chunk: bytes) -> None:
        self.out += chunk

    def stderr(self, chunk: bytes) -> None:
        self.err += chunk


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project, with the training's interpreter first on PATH of this process."""
    monkeypatch.setenv("PATH", project.repro.path)
    return project


# --- run ------------------------------------------------------------------------------------


def test_run_records_and_load_finds_it(here: Project) -> None:
    heard = Heard()
    run = repro.run(["python", "train.py"], here.path, name="first", sink=heard)
    assert isinstance(run, repro.Run) and isinstance(run.manifest, repro.Manifest)
    assert run.manifest.result.outcome is Outcome.FINISHED
    assert {metric.name for metric in run.manifest.result.metrics} == workbench.METRICS
    assert {output.path for output in run.manifest.result.outputs} == workbench.OUTPUTS
    assert b"epoch 1: loss" in heard.out and heard.err == b""
    for wanted in ("latest", "first", run.id, run.short, "HEAD", "models/model.bin"):
        assert repro.load(wanted, here.path) == run
    assert repro.load(project=here.path / "data") == run


def test_a_command_may_be_one_line(here: Project) -> None:
    run = repro.run("python train.py '2'", str(here.path))
    assert run.manifest.definition.command.argv == ("python", "train.py", "2")


def test_it_runs_in_the_folder_that_is_named(here: Project) -> None:
    run = repro.run('python -c \'open("here", "w")\'', here.path / "data")
    assert run.manifest.definition.working_directory == "data"
    assert (here.path / "data" / "here").exists()


def test_a_run_that_fails_is_returned_and_nothing_is_printed(
    here: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    run = repro.run(["python", "-c", "print('x'); raise SystemExit(3)"], here.path)
    assert run.manifest.result.outcome is Outcome.FAILED
    assert run.manifest.result.exit_code == 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["", "python 'train.py", ["no-such-command"]])
def test_what_cannot_be_executed_is_an_error_of_ours(here: Project, command: str) -> None:
    with pytest.raises(repro.ReproError) as error:
        repro.run(command, here.path)
    assert error.value.exit_code == 2 and "\n" not in str(error.value)
    with pytest.raises(NotFound, match="no run has been recorded"):
        repro.load(project=here.path)


def test_outside_of_a_repository_is_an_error_of_ours(tmp_path: Path) -> None:
    for call in (repro.run, repro.capture):
        with pytest.raises(NotFound, match="not a git repository"):
            call("python train.py", tmp_path)
    with pytest.raises(NotFound, match="not a git repository"):
        repro.load("latest", tmp_path)


# --- capture --------------------------------------------------------------------------------


def test_capture_takes_down_what_lies_there(here: Project) -> None:
    here.write("repro.yaml", "metrics: metrics.json\noutputs: models/\n")
    here.commit()
    subprocess.run(["python", "train.py"], cwd=here.path, check=True, capture_output=True)
    before = (here.path / "metrics.json").stat().st_mtime_ns
    run = repro.capture("python train.py", here.path, name="afterwards")
    assert not run.manifest.result.observed
    assert {output.path for output in run.manifest.result.outputs} == {
        "metrics.json",
        "models/model.bin",
    }
    assert (here.path / "metrics.json").stat().st_mtime_ns == before
    assert repro.load("afterwards", here.path) == run


# --- replay ---------------------------------------------------------------------------------


def test_replay_says_what_came_out_the_same(here: Project) -> None:
    run = repro.run("python train.py", here.path)
    done = repro.replay(run, here.path, options=VENV)
    assert isinstance(done, repro.Replay) and isinstance(done.comparison, repro.Comparison)
    assert done.comparison.verdict is repro.Verdict.IDENTICAL
    assert done.comparison.verdict.passed
    assert done.isolation == "none" and done.result and done.result.host.isolation == "none"
    (record,) = (here.path / ".repro" / "replays" / run.id).iterdir()
    assert record.name == done.id
    assert canonical.loads(record.read_bytes())["comparison"]["verdict"] == "identical"
    # by name as well, and without one the latest
    assert repro.replay(run.short, here.path, options=VENV).comparison.verdict.passed
    assert repro.replay(project=here.path, options=VENV).comparison.verdict.passed


def test_a_replay_that_differs_is_no_exception(here: Project) -> None:
    here.write("train.py", workbench.forked("metrics['loss'] += 1"))
    here.write("local/here", "")
    here.commit()
    run = repro.run("python train.py", here.path)
    done = repro.replay(run, here.path, options=VENV)
    assert done.comparison.verdict is repro.Verdict.DIFFERENT
    assert [item.name for item in done.comparison.metrics if item.status.red] == ["loss"]


def test_an_unknown_engine_is_an_error_of_ours(here: Project) -> None:
    run = repro.run("python train.py", here.path)
    with pytest.raises(UsageError, match="no engine 'podman'"):
        repro.replay(run, here.path, options=repro.Options(engine="podman"))


@pytest.mark.docker
def test_replay_is_in_docker_unless_another_engine_is_named(here: Project) -> None:
    run = repro.run("python train.py", here.path)
    done = repro.replay(run, here.path)
    assert (done.engine, done.isolation) == ("docker", "container")
    assert done.comparison.verdict is repro.Verdict.IDENTICAL


# --- compare --------------------------------------------------------------------------------


def test_compare_sets_two_runs_side_by_side(here: Project) -> None:
    first = repro.run("python train.py", here.path)
    here.write("params.json", '{"seed": 8, "rate": 0.05, "epochs": 4}')
    second = repro.run("python train.py", here.path)
    found = repro.compare(first, second, here.path)
    assert found.verdict is repro.Verdict.DIFFERENT and found.same_definition is False
    assert ("params", "params.json:seed") in {
        (item.ingredient, item.name) for item in found.ingredients
    }
    assert repro.compare(first.short, project=here.path) == found
    same = repro.compare(first, first, here.path)
    assert same.verdict is repro.Verdict.IDENTICAL and same.same_definition is True


# --- the module -----------------------------------------------------------------------------


def test_the_working_directory_is_the_default_project(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.path)
    run = repro.run("python train.py")
    assert repro.load() == run
    assert repro.replay(options=VENV).comparison.verdict.passed
    assert repro.compare("latest").same_definition is True
    assert Path.cwd() == here.path


def test_what_the_project_says_counts(here: Project) -> None:
    here.write("repro.yaml", "command: python train.py 2\ntolerances: {'*': ignore}\n")
    run = repro.run(project=here.path)
    assert run.manifest.definition.command.argv == ("python", "train.py", "2")
    assert run.manifest.policy.tolerances[0].ignore


def test_everything_public_is_there_and_loaded_when_it_is_used() -> None:
    for name in repro.__all__:
        assert getattr(repro, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        repro.nothing  # noqa: B018
    program = "import sys, repro; print([m for m in sys.modules if m.startswith('repro')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['repro']"


@pytest.mark.parametrize("name", ["capture", "compare", "load", "replay", "run"])
def test_no_module_hides_a_public_function(name: str) -> None:
    """`import repro.NAME` would put a module in the function's place."""
    folder = Path(repro.__file__).parent
    assert not (folder / f"{name}.py").exists() and not (folder / name).exists()
    function: Callable[..., object] = getattr(repro, name)
    assert function.__module__ == "repro.api" and function.__doc__


def test_the_callers_environment_and_folder_stay_as_they_are(here: Project) -> None:
    before = dict(os.environ), Path.cwd(), os.umask(0o022)
    os.umask(before[2])
    run = repro.run("python train.py", here.path)
    repro.replay(run, here.path, options=VENV)
    assert (dict(os.environ), Path.cwd(), os.umask(before[2])) == before
