"""Ctrl-C, SIGTERM and kill -9 at every stage: nothing is lost, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workbench
from workbench import Project, forked

# Tells when it works, and works until somebody ends it.
WAITING = """\
import os, pathlib, time
pathlib.Path("local").mkdir(exist_ok=True)
pathlib.Path("local/pid").write_text(str(os.getpid()))
pathlib.Path("metrics.json").write_text('{"half": 0.5}')
print("waiting", flush=True)
time.sleep(120)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + WAITING
# Waits only where it is replayed.
WAITING_REPLAY = forked("import time\nprint('waiting', flush=True)\ntime.sleep(120)")


@pytest.fixture
def waiting(project: Project) -> Iterator[Project]:
    """A project whose training waits; what a test leaves running is ended."""
    project.write("train.py", WAITING)
    project.commit()
    yield project
    pid = project.path / "local" / "pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.fixture
def waiting_replay(project: Project) -> Project:
    """A recorded run whose replay waits."""
    project.write("train.py", WAITING_REPLAY)
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py")
    return project


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def the_store_is_usable(project: Project) -> None:
    project.repro("list").expect(0)
    run = project.record("python", "-c", "open('fresh.txt', 'w').write('x')")
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"
    assert not list((project.path / ".repro").rglob(".writing-*"))
    assert not list((project.path / ".repro").rglob(".pending-*"))


# --- during a run on this machine -----------------------------------------------------------


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_is_recorded_as_interrupted(waiting: Project, how: str) -> None:
    running = waiting.repro.start("run", "--", "python", "train.py")
    running.until(lambda: "waiting" in running.stdout)
    if how == "Ctrl-C":
        running.interrupt()
    else:
        running.process.terminate()
    done = running.ended(90).expect(130)
    assert "recorded as interrupted" in done.err
    (run,) = waiting.runs()
    assert run["outcome"] == "interrupted"
    assert run["metrics"] == {"half": 0.5}, "what it had written until then"
    assert not is_alive(int((waiting.path / "local/pid").read_text()))
    assert waiting.repro("show", "--log").expect(0).out.startswith("waiting")
    the_store_is_usable(waiting)


def test_a_command_that_ignores_ctrl_c_is_killed_by_the_second(waiting: Project) -> None:
    waiting.write("train.py", STUBBORN)
    running = waiting.repro.start("run", "--", "python", "train.py")
    running.until(lambda: "waiting" in running.stdout)
    running.interrupt()
    time.sleep(0.5)
    running.until(lambda: True)
    running.interrupt()
    running.ended(9).expect(130)
    assert waiting.runs()[0]["outcome"] == "interrupted"
    assert not is_alive(int((waiting.path / "local/pid").read_text()))


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.3])
def test_ctrl_c_before_and_while_the_command_starts(project: Project, after: float) -> None:
    """Somewhere between the lock and the end of a short run: interrupted, or done."""
    running = project.repro.start("run", "--", "python", "train.py")
    lock = project.path / ".repro" / "running"
    running.until(lambda: lock.exists() and lock.stat().st_size)
    time.sleep(after)
    running.interrupt()
    done = running.ended(90)
    done.expect(done.code)
    assert done.code in (130, 0), done
    for path in project.run_files():
        project.repro("show", path.name).expect(0)
    assert not project.sessions()
    the_store_is_usable(project)


def test_a_killed_run_is_named_by_the_next_command(waiting: Project) -> None:
    running = waiting.repro.start("run", "--", "python", "train.py")
    running.until(lambda: "waiting" in running.stdout)
    running.kill()
    assert waiting.sessions()
    done = waiting.repro("list").expect(0)
    assert "was killed before it could be recorded: python train.py" in done.err
    assert not waiting.sessions() and not waiting.run_files()
    assert "killed" not in waiting.repro("list").expect(0).err, "it is said once"
    the_store_is_usable(waiting)


def test_a_kill_between_the_blobs_and_the_manifest_leaves_no_half_run(project: Project) -> None:
    script = (
        "import os, signal, sys; from repro import cli, store\n"
        "store.Store.add = lambda *words: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.argv[0] = 'repro'; cli.main(['run', '--', 'python', 'train.py'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.path,
        env=project.repro.environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done
    assert list((project.path / ".repro" / "blobs" / "sha256").iterdir()), "the blobs were there"
    assert project.run_files() == []
    listed = project.repro("list").expect(0)
    assert listed.out == "no runs\n" and "was killed before it could be recorded" in listed.err
    the_store_is_usable(project)


def test_kills_at_any_time_leave_whole_runs_only(project: Project) -> None:
    for delay in (0.05, 0.1, 0.2, 0.3, 0.4):
        running = project.repro.start("run", "-q", "--", "python", "train.py")
        time.sleep(delay)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(10)
        for path in project.run_files():
            if not path.name.startswith("."):
                project.repro("show", path.name).expect(0)
    the_store_is_usable(project)


# --- two at once ----------------------------------------------------------------------------


def test_a_second_run_in_the_same_project_is_refused_and_nothing_is_lost(
    waiting: Project,
) -> None:
    gate = waiting.path / "local" / "gate"
    waiting.write(
        "train.py",
        "import pathlib, time\nprint('waiting', flush=True)\n"
        "while not pathlib.Path('local/gate').exists(): time.sleep(0.02)\n"
        "open('metrics.json', 'w').write('{\"a\": 1}')\n",
    )
    running = waiting.repro.start("run", "--", "python", "train.py")
    running.until(lambda: "waiting" in running.stdout)
    second = waiting.repro("run", "--", "touch", "ran")
    second.complains(2, f"pid {running.pid}", "python train.py", "git worktree add")
    assert not (waiting.path / "ran").exists()
    captured = waiting.repro("capture", "--", "python", "train.py")
    captured.complains(2, "being recorded in this project already")
    waiting.repro("list").expect(0)
    gate.parent.mkdir(exist_ok=True)
    gate.touch()
    running.ended(90).expect(0)
    assert [run["metrics"] for run in waiting.runs()] == [{"a": 1}]
    waiting.repro("run", "-q", "--", "python", "train.py").expect(0)


@pytest.mark.docker
def test_two_replays_at_once_do_not_disturb_each_other(project: Project) -> None:
    run = project.record("python", "train.py")
    words = ("replay", run["id"], "--json")
    both = [project.repro.start(*words) for _ in range(2)]
    assert [item.ended().expect(0).verdict for item in both] == ["identical", "identical"]
    assert project.runs()[0]["replays"] == 2


# --- during a replay ------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("engine", ["venv", pytest.param("docker", marks=pytest.mark.docker)])
def test_an_interrupted_replay_ends_with_130_and_leaves_nothing(
    waiting_replay: Project, engine: str, how: str
) -> None:
    project = waiting_replay
    running = project.repro.start("replay", "--engine", engine)
    running.until(lambda: "waiting" in running.stderr)
    if how == "Ctrl-C":
        running.interrupt()
    else:
        running.process.terminate()
    running.ended(90).expect(130)
    assert not project.sessions()
    if engine == "docker":
        assert not workbench.containers({running.pid})
    the_store_is_usable(project)


@pytest.mark.docker
def test_a_training_in_docker_that_ignores_ctrl_c_ends_at_the_second(project: Project) -> None:
    change = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('waiting', flush=True)\ntime.sleep(120)"
    )
    project.write("train.py", forked(change))
    project.write("local/here", "")
    project.record("python", "train.py")
    running = project.repro.start("replay")
    running.until(lambda: "waiting" in running.stderr)
    running.interrupt()
    time.sleep(0.5)
    running.interrupt()
    running.ended(9).expect(130)
    assert not workbench.containers({running.pid}) and not project.sessions()


@pytest.mark.docker
def test_what_a_killed_replay_left_is_removed_by_the_next_command(
    waiting_replay: Project,
) -> None:
    project = waiting_replay
    running = project.repro.start("replay")
    running.until(lambda: "waiting" in running.stderr)
    running.kill()
    assert len(workbench.containers({running.pid})) == 1, "the container lives on"
    assert len(project.sessions()) == 1
    project.repro("list").expect(0)
    assert not workbench.containers({running.pid})
    assert not project.sessions()
    the_store_is_usable(project)


@pytest.mark.docker
def test_what_a_killed_replay_left_waits_until_the_engine_is_back(waiting_replay: Project) -> None:
    project = waiting_replay
    running = project.repro.start("replay")
    running.until(lambda: "waiting" in running.stderr)
    running.kill()
    dead = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = project.repro("list", env=dead).expect(0)
    assert "containers of a killed repro may remain" in done.err
    assert project.sessions()
    project.repro("list").expect(0)
    assert not workbench.containers({running.pid}) and not project.sessions()


# --- while an environment is built ----------------------------------------------------------


@pytest.fixture
def silent_index() -> Iterator[tuple[str, Callable[[], int]]]:
    """A package index that takes every question and never answers; and how many it got."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple", lambda: len(taken)
        server.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


@pytest.mark.parametrize("engine", ["venv", pytest.param("docker", marks=pytest.mark.docker)])
def test_ctrl_c_while_an_environment_is_built(
    project: Project,
    rates: Callable[[str], None],
    silent_index: tuple[str, Callable[[], int]],
    engine: str,
) -> None:
    address, asked = silent_index
    # a version that no other test has built an environment for
    rates(f"1.{os.getpid()}{time.monotonic_ns()}")
    project.record("python", "train.py")
    env = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "UV_DEFAULT_INDEX": address,
           "UV_CACHE_DIR": None, "no_proxy": "127.0.0.1"}  # fmt: skip
    running = project.repro.start("replay", "--engine", engine, env=env)
    running.until(lambda: asked() > 0)
    running.interrupt()
    done = running.ended(90).complains(130, "interrupted")
    assert "building the environment" in done.err
    assert not project.sessions()
    assert project.runs()[0]["replays"] == 0
    if engine == "docker":
        assert not workbench.containers({running.pid})
    # nothing half-built passes for the environment: asked again, it is built and works
    assert project.replay(engine=engine).expect(0).verdict == "identical"
    if engine == "docker":
        workbench.docker("image", "rm", workbench.environment_image(project, "latest"))


# --- at the very beginning ------------------------------------------------------------------

AT_THE_BEGINNING = """\
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt  # as Ctrl-C does while the modules are loaded

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "program", [[str(Path(sys.executable).with_name("repro"))], [sys.executable, "-m", "repro"]]
)
def test_an_interrupt_while_the_command_is_loaded(tmp_path: Path, program: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_THE_BEGINNING)
    done = subprocess.run(
        [*program, "list"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


def test_it_is_called_as_a_module_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repro", "--version"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"repro")
