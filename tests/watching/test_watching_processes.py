"""A watched command is as it would be unwatched: ends, signals, streams, surroundings."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from watched import ALL, SEEING_ALL, python, watch

from repro.errors import NotFound
from repro.watching import Mode, choose


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@ALL
@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_exit_codes(mode: Mode, work: Path, code: int) -> None:
    assert python(mode, work, f"raise SystemExit({code})").execution.exit_code == code


@ALL
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_killed_in_the_middle(mode: Mode, work: Path, number: int) -> None:
    done = python(
        mode, work, f"open('out', 'w').close()\nimport os\nos.kill(os.getpid(), {int(number)})\n"
    )
    assert done.execution.exit_code == 128 + number
    assert done.short(work / "out") == "w"
    assert not any("before the command did" in line for line in done.seen.limits)


@ALL
def test_left_by_os_exit(mode: Mode, work: Path) -> None:
    done = python(mode, work, "open('out', 'w').close()\nimport os\nos._exit(4)\n")
    assert (done.execution.exit_code, done.short(work / "out")) == (4, "w")


@ALL
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(mode: Mode, work: Path, number: int) -> None:
    script = (
        "import os, signal, sys, time\n"
        "try:\n"
        f"    os.kill({os.getpid()}, {int(number)})\n"
        "    time.sleep(30)\n"
        "except KeyboardInterrupt:\n"
        "    open('rescued', 'w').close()\n"
        "    sys.exit(7)\n"
    )
    done = python(mode, work, script)
    assert done.execution.interrupted
    assert done.execution.exit_code == 7
    assert done.short(work / "rescued") == "w"


@ALL
def test_the_surroundings_are_as_without(mode: Mode, work: Path) -> None:
    (work / "lib").mkdir()
    (work / "lib/mine.py").write_text("")
    script = work / "script.py"
    script.write_text(
        "import os, sys, json, subprocess\n"
        "import mine\n"
        "try: os.wait()\n"
        "except ChildProcessError: print('no children')\n"
        "env = {k: v for k, v in os.environ.items()}\n"
        "print(json.dumps([sys.path, sys.argv, sorted(sys.modules), env, os.getcwd(), sys.flags,\n"
        "      sorted(os.listdir('/proc/self/fd')), sorted(sys.path_importer_cache), os.getppid(),\n"
        "      sys.stdin.isatty(), sys.executable, os.getpgid(0), sys.warnoptions, os.getpriority(0, 0)]))\n"
    )
    for before in ({}, {"PYTHONPATH": f"{work}/lib"}, {"PYTHONPATH": ""}):
        if before.get("PYTHONPATH") != f"{work}/lib":
            (work / "mine.py").write_text("")
        environ = {**os.environ, **before}
        if not before:
            environ.pop("PYTHONPATH", None)
        plain = subprocess.run(
            [sys.executable, "script.py"], cwd=work, env=environ, capture_output=True, check=True
        )
        done = watch(mode, work, sys.executable, "script.py", env=before)
        theirs, ours = plain.stdout.decode(), done.out
        if mode is Mode.SECCOMP:
            # its parent is the supervisor, and that is all
            ours, theirs = (
                re.sub(r"\], \d+, (?=false|true)", "], ", text) for text in (ours, theirs)
            )
        if mode is Mode.PYTHON:
            # what the hook itself needs is loaded, mostly it is anyway
            ours = ours.replace('"_posixsubprocess", ', "")
            theirs = theirs.replace('"_posixsubprocess", ', "")
        assert ours == theirs


@ALL
def test_streams(mode: Mode, work: Path) -> None:
    done = watch(mode, work, "sh", "-c", "echo out; echo err >&2; exit 2")
    assert (done.out, done.err, done.execution.exit_code) == ("out\n", "err\n", 2)


@ALL
def test_stdin_comes_through(mode: Mode, work: Path) -> None:
    folder = work / "watch"
    folder.mkdir()
    watcher = choose(mode, folder, os.environ)
    argv, env = watcher.wrapped(["cat"], os.environ, work)
    done = subprocess.run(argv, env=env, input=b"hello", capture_output=True, check=True)
    assert done.stdout == b"hello"


@ALL
@pytest.mark.parametrize("kind", ["missing", "relative", "folder", "text", "interpreter", "mode"])
def test_what_cannot_be_started_is_said_as_without(mode: Mode, work: Path, kind: str) -> None:
    path = work / "train"
    if kind == "folder":
        path.mkdir()
    elif kind not in ("missing", "relative"):
        path.write_text({"interpreter": "#!/not/there\n"}.get(kind, "x"))
        path.chmod(0o644 if kind == "mode" else 0o755)
    name = "not-there" if kind == "missing" else "./train"
    with pytest.raises(NotFound) as found:
        watch(mode, work, name)
    assert "strace" not in str(found.value) and "supervisor" not in str(found.value)


@ALL
def test_peak_memory_is_the_commands(mode: Mode, work: Path) -> None:
    done = python(mode, work, "x = b'x' * (300 << 20)\n")
    assert done.execution.peak_memory and done.execution.peak_memory > 300 << 20


@SEEING_ALL
def test_a_process_left_behind_is_said(mode: Mode, work: Path) -> None:
    done = watch(mode, work, "sh", "-c", "sleep 5 >/dev/null 2>&1 & exit 0")
    assert done.execution.exit_code == 0
    assert any("were still running" in line for line in done.seen.limits)


@SEEING_ALL
def test_the_whole_group_interrupted_from_a_terminal(mode: Mode, work: Path) -> None:
    folder = work / "watch"
    folder.mkdir()
    argv, env = choose(mode, folder, os.environ).wrapped(
        [sys.executable, "-c", "import time\nprint('up', flush=True)\ntime.sleep(30)"],
        os.environ,
        work,
    )
    child = subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout and child.stdout.readline() == b"up\n"
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in err
