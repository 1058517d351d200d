"""What only a supervisor can do wrong: ends that come from outside, who is left behind, what is handed on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watched import needs_seccomp, python, watch

from repro.watching import Mode, choose
from repro.watching.seccomp import SeccompWatch

pytestmark = needs_seccomp
SECCOMP = Mode.SECCOMP


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data").write_text("x")
    return folder


def gone(pid: int) -> bool:
    """Within some seconds."""
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def supervisors_of(folder: Path) -> list[int]:
    """The processes that watch for the sake of this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.endswith(b"supervisor.py") for word in words) and any(
                word.startswith(os.fsencode(folder.parent)) for word in words
            ):
                found.append(int(entry.name))
    return found


def test_the_supervisor_is_killed(work: Path) -> None:
    """The command dies with it; that is no success, and is said."""
    done = python(
        SECCOMP,
        work,
        "import os, signal, time\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "time.sleep(30)\n",
    )
    assert done.execution.exit_code == 128 + signal.SIGKILL
    assert done.seen.method == "partly"
    assert any("was ended, and the command with it" in line for line in done.seen.limits)
    assert done.short(work / "pid") == "w", "what was seen before is known"
    assert gone(int((work / "pid").read_text()))


def test_children_go_on_where_the_supervisor_is_killed(work: Path) -> None:
    done = watch(
        SECCOMP,
        work,
        "sh",
        "-c",
        "(sleep 0.5; cat data > late; echo done > later) >/dev/null 2>&1 & kill -9 $PPID; sleep 9",
    )
    assert done.execution.exit_code == 128 + signal.SIGKILL
    for _ in range(500):
        if (work / "later").exists():
            break
        time.sleep(0.01)
    assert (work / "late").read_text() == "x"


def test_a_daemon_left_behind_can_still_open_files(work: Path) -> None:
    started = time.monotonic()
    done = watch(
        SECCOMP,
        work,
        "sh",
        "-c",
        "(while [ ! -e go ]; do sleep 0.05; done; cat data > late; mv late later) >/dev/null 2>&1 & exit 5",
    )
    assert done.execution.exit_code == 5
    assert any("still running" in line for line in done.seen.limits)
    (work / "go").touch()
    for _ in range(500):
        if (work / "later").exists():
            break
        time.sleep(0.01)
    assert (work / "later").read_text() == "x"
    for pid in supervisors_of(work):
        assert gone(pid), f"ends with the last, {time.monotonic() - started} s"


@pytest.mark.parametrize("seconds", ["0.01", "0.03", "0.05", "0.07", "0.09", "0.11"])
def test_children_that_end_just_after_the_command(work: Path, seconds: str) -> None:
    done = watch(SECCOMP, work, "sh", "-c", f"sleep {seconds} >/dev/null 2>&1 & exit 4")
    assert done.execution.exit_code == 4
    assert (done.seen.method, done.err) == ("seccomp", "")


def test_a_run_within_a_run(work: Path) -> None:
    """All that a nested watch tries, and processes that are killed at a call."""
    inner = (
        "import os, pathlib, subprocess, sys, tempfile\n"
        "from repro.watching import Mode, choose\n"
        "for mode in (Mode.AUTO, Mode.PYTHON):\n"
        "    folder = pathlib.Path(tempfile.mkdtemp(dir='.')).resolve()\n"
        "    watch = choose(mode, folder, os.environ)\n"
        "    argv, env = watch.wrapped(['cat', 'data'], os.environ, pathlib.Path())\n"
        "    subprocess.run(argv, env=env, check=True)\n"
        "    print(watch.seen().method)\n"
    )
    done = python(SECCOMP, work, inner, PYTHONPATH=str(Path(__file__).parents[2]))
    assert done.execution.exit_code == 0, done.err
    assert done.out.replace("x", "").split() == ["python", "python"]
    assert (done.seen.method, done.short(work / "data")) == ("seccomp", "r")


def test_nothing_is_left_after_a_command_that_leaves_nothing(work: Path) -> None:
    watch(SECCOMP, work, "true")
    assert all(map(gone, supervisors_of(work)))


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1])
def test_ends_by_the_commands_own_signal(work: Path, number: int) -> None:
    argv, env = started_by(work, ["sh", "-c", f"kill -{int(number)} $$"])
    done = subprocess.run(argv, env=env, cwd=work, check=False)
    assert done.returncode == -number


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT", "SIGQUIT"])
def test_signals_to_the_supervisor_are_the_commands(work: Path, name: str) -> None:
    text = (
        "import signal, sys, time\n"
        f"signal.signal(signal.{name}, lambda *_: sys.exit(9))\n"
        "print('up', flush=True)\n"
        "time.sleep(30)\n"
    )
    argv, env = started_by(work, [sys.executable, "-c", text])
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline() == b"up\n"
        child.send_signal(getattr(signal, name))
        assert child.wait(20) == 9


def test_ctrl_c_of_a_terminal_comes_once(work: Path) -> None:
    """The terminal sends it to the group of the command; the supervisor is in another."""
    text = (
        "import os, signal, time\n"
        "heard = []\n"
        "signal.signal(signal.SIGINT, lambda *_: heard.append(1))\n"
        "os.killpg(0, signal.SIGINT)\n"
        "time.sleep(0.3)\n"
        "print(len(heard))\n"
    )
    argv, env = started_by(work, [sys.executable, "-c", text])
    # a shell between, so that the group is not this test's and not the supervisor's
    outer = ["sh", "-c", 'trap : INT; "$@"; exit', "sh", *argv]
    done = subprocess.run(outer, env=env, start_new_session=True, capture_output=True, check=False)
    assert done.stdout == b"1\n", done.stderr


def started_by(work: Path, argv: list[str]) -> tuple[list[str], dict[str, str]]:
    folder = work.parent / "watch"
    folder.mkdir(exist_ok=True)
    return choose(SECCOMP, folder, os.environ).wrapped(argv, os.environ, work)


def test_a_tiny_command_is_not_said_to_need_the_supervisors_memory(work: Path) -> None:
    done = watch(SECCOMP, work, "true")
    # a process begins with the peak of the one that made it, which here is the tests' own
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    assert done.execution.peak_memory and done.execution.peak_memory < ours + (64 << 20)


def test_the_environment_is_not_touched(work: Path) -> None:
    """Python sets LC_CTYPE for itself where the locale is C."""
    argv, _ = started_by(work, ["env"])
    done = subprocess.run(
        argv, env={"PATH": "/usr/bin:/bin", "Ä": "ö\udcff"}, capture_output=True, check=True
    )
    assert sorted(done.stdout.splitlines()) == [
        b"PATH=/usr/bin:/bin",
        "Ä=ö".encode() + b"\xff",
    ]


def test_arguments_are_not_touched(work: Path) -> None:
    odd = os.fsdecode(b"a\xff\n ")
    argv, _ = started_by(work, ["printf", "%s", odd, "-S", "--"])
    done = subprocess.run(
        argv, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, capture_output=True, check=True
    )
    assert done.stdout == b"a\xff\n -S--"


@pytest.mark.parametrize("folder", ["missing", "closed"])
def test_a_journal_that_cannot_be_written(work: Path, folder: str, tmp_path: Path) -> None:
    """The command runs all the same."""
    watcher = SeccompWatch(Path("/dev/full") if folder == "closed" else tmp_path / "not there")
    argv, env = watcher.wrapped(["sh", "-c", "cat data; exit 3"], os.environ, work)
    done = subprocess.run(argv, env=env, cwd=work, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"x", b"")
    assert watcher.seen().method == "none"
    assert any("not watched" in line for line in watcher.seen().limits)


def test_a_full_disk_is_said(work: Path) -> None:
    folder = work.parent / "watch"
    folder.mkdir()
    (folder / "journal").symlink_to("/dev/full")
    watcher = SeccompWatch(folder)
    argv, env = watcher.wrapped(["cat", "data"], os.environ, work)
    assert subprocess.run(argv, env=env, cwd=work, capture_output=True, check=True).stdout == b"x"
    assert watcher.seen().method == "none"


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("", "none"),
        ("free\n", "partly"),
        ("free\nend 0 0 0 0\n", "seccomp"),
        ("free\nend 0 0 0 2\n", "partly"),
        ("free\nend 0 0 1 0\n", "partly"),
        ("free\nread\nend 0 0 0 0\n", "partly"),
        ("free\nread /a%zz\nend 0 0 0 0\n", "partly"),
        ("free\nend 0 x 0 0\n", "partly"),
        ("free\nend\n", "partly"),
        ("free\nbroken gone\nend 0 0 0 0\n", "partly"),
        ("refused !16\nend 0 0 0 0\n", "none"),
        ("free\nread /ab", "partly"),
        ("\0\xff\n\n", "none"),
    ],
)
def test_a_journal_that_is_not_whole_is_no_whole_watch(work: Path, text: str, method: str) -> None:
    watcher = SeccompWatch(work)
    watcher.wrapped(["true"], os.environ, work)
    (work / "journal").write_text(text, "latin-1")
    seen = watcher.seen()
    assert seen.method == method
    assert method == "seccomp" or seen.limits
    assert seen.accesses == (), "half a path is none"
