"""Whoever listens, or does not: a command does the same and ends with the same code."""

from __future__ import annotations

import errno
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from workbench import COMMAND, Project, Repro

RUN = '"$0" run -q --name n -- python train.py'


def shell(project: Project, line: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash; $0 is the command."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, str(COMMAND)],
        cwd=project.path,
        env=project.repro.environment(),
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_keep_nothing_from_being_recorded(project: Project, closed: str) -> None:
    done = shell(project, f"{RUN} {closed}")
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    log = project.repro("show", "--log", "n").expect(0).out
    assert log.count("epoch ") == 4
    assert shell(project, f'"$0" list {closed}').returncode == 0


def test_a_reader_of_the_progress_that_goes_away_stops_no_replay(project: Project) -> None:
    """The code would say that it was done."""
    shell(project, RUN)
    line = '{ "$0" replay n --engine venv 2>&1; echo $? >code; } | true'
    shell(project, line)
    assert (project.path / "code").read_text() == "0\n"
    assert len(list((project.path / ".repro" / "replays").rglob("*")))


def test_a_reader_that_goes_away_does_not_turn_red_to_green(project: Project) -> None:
    shell(project, RUN)
    names = "\n".join(f"m{n}: {n}" for n in range(3000))
    project.write("print.py", f"import sys\nprint('''{names}''', sys.argv[1:])\n")
    for word in "a", "b":
        project.record("python", "print.py", word, options=("--name", word))
    assert shell(project, '"$0" diff a b --all | head -n 1').returncode == 1


def test_a_full_disk_behind_stdout_is_said_once(project: Project) -> None:
    shell(project, RUN)
    for buffered in "", "1":
        done = shell(project, f'PYTHONUNBUFFERED={buffered} "$0" list >/dev/full')
        assert done.returncode == 2
        assert done.stderr.decode().splitlines()[0] == "error: no space left on device"
        assert b"Exception" not in done.stderr


def test_a_stream_that_somebody_made_non_blocking_gets_everything(project: Project) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    words = [COMMAND, "run", "-q", "--", "python", "-c", "print('x' * 300_000)"]
    with subprocess.Popen(
        words, cwd=project.path, env=project.repro.environment(), stdout=writing
    ) as process:
        os.close(writing)
        with open(reading, "rb") as stream:  # noqa: PTH123
            assert stream.read() == b"x" * 300_000 + b"\n"
    assert process.returncode == 0


def test_a_terminal_that_is_closed_interrupts_and_the_run_is_recorded(project: Project) -> None:
    project.write(
        "train.py",
        "import time\nopen('metrics.json', 'w').write('{\"half\": 0.5}')\n"
        "print('waiting', flush=True)\ntime.sleep(60)\n",
    )
    project.commit()
    pid = _until_it_waits_then_close(project, "run", "--", "python", "train.py")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert project.runs()[0]["outcome"] == "interrupted"


def test_nohup_is_heeded(project: Project) -> None:
    project.write(
        "train.py",
        "import pathlib, time\nprint('waiting', flush=True)\n"
        "while not pathlib.Path('local/gate').exists(): time.sleep(0.02)\n"
        "open('metrics.json', 'w').write('{\"whole\": 1.0}')\n",
    )
    project.commit()
    pid = _until_it_waits_then_close(
        project, "run", "--", "python", "train.py", before="trap '' HUP; exec"
    )
    project.write("local/gate", "")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert project.runs()[0]["outcome"] == "finished"


def _until_it_waits_then_close(project: Project, *words: str, before: str = "exec") -> int:
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who started the tests may have it ignored
        os.chdir(project.path)
        line = f'{before} "$0" "$@"'
        os.execvpe("bash", ["bash", "-c", line, str(COMMAND), *words], project.repro.environment())
    said = b""
    while b"waiting" not in said:
        try:
            said += os.read(terminal, 4096)
        except OSError as error:
            assert error.errno == errno.EIO
            raise AssertionError(f"it ended too early: {said!r}") from error
    os.close(terminal)
    return pid


@pytest.mark.parametrize("words", ["list", "doctor", "init", "capture -- x", "import x"])
def test_a_current_folder_that_was_removed_is_said(
    repro: Repro, tmp_path: Path, words: str
) -> None:
    line = 'mkdir gone && cd gone && rmdir ../gone && shift 0 && exec "$0" ' + words
    done = subprocess.run(
        ["bash", "-c", line, str(COMMAND)],
        cwd=tmp_path,
        env=repro.environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"error: the current folder does not exist any more" in done.stderr


@pytest.mark.parametrize("said", ["", "abc", "0", "-5", "1", "99999999999999999999", "8_0", "٣"])
def test_a_width_that_is_none_is_passed_over(project: Project, said: str) -> None:
    done = project.repro("doctor", env={"COLUMNS": said})
    assert done.code in (0, 1), done  # 1: this machine has no engine, say
    assert "git" in done.out


def test_what_a_training_prints_in_another_encoding_is_read_the_same_in_its_replay(
    project: Project,
) -> None:
    project.write("train.py", "print('größe 1.5')\nopen('m.txt', 'w').write('x')\n")
    project.commit()
    run = project.record("python", "train.py", env={"PYTHONIOENCODING": "latin-1"})
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_assertions_that_were_left_out_are_left_out_in_the_replay(project: Project) -> None:
    project.write("train.py", "open('m.txt', 'w').write(str(__debug__))\n")
    project.commit()
    run = project.record("python", "train.py", env={"PYTHONOPTIMIZE": "1"})
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"
