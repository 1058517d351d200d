"""`repro run`: the command runs as if repro were not there, and is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from workbench import COMMAND, OUTPUTS, Project


def python(code: str) -> tuple[str, ...]:
    return "python", "-c", code


# --- exit codes -----------------------------------------------------------------------------


def test_a_run_that_finishes_ends_with_0_and_is_recorded(project: Project) -> None:
    done = project.repro("run", "--", "python", "train.py").expect(0)
    assert "epoch 4: loss" in done.out
    assert "repro: recorded " in done.err
    (run,) = project.runs()
    assert run["outcome"] == "finished"
    assert run["metrics"]["fit.loss"] < 1
    assert run["params"] == {"seed": 7, "rate": 0.05, "epochs": 4}


@pytest.mark.parametrize("code", [1, 3, 70, 255])
def test_a_run_that_fails_ends_with_its_own_code_and_is_recorded_as_failed(
    project: Project, code: int
) -> None:
    done = project.repro("run", "--", *python(f"raise SystemExit({code})")).expect(code)
    assert "recorded as failed" in done.err
    (run,) = project.runs()
    assert run["outcome"] == "failed"
    document = project.repro("show", "--json").expect(0).document
    assert document["manifest"]["result"]["exit_code"] == code


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV"])
def test_a_run_that_a_signal_ends_gives_128_and_its_number(project: Project, name: str) -> None:
    number = getattr(signal, name)
    code = f"import os; os.kill(os.getpid(), {int(number)})"
    project.repro("run", "-q", "--", *python(code)).expect(128 + number)
    assert project.runs()[0]["outcome"] == "failed"


def test_a_failed_run_can_be_replayed_and_its_verdict_is_failed(project: Project) -> None:
    project.record(*python("raise SystemExit(3)"), code=3)
    done = project.replay(engine="venv").expect(3)
    assert done.verdict == "failed"
    assert "exit code 3" in " ".join(done.document["reasons"])


# --- streams --------------------------------------------------------------------------------


def test_stdin_reaches_the_command(project: Project) -> None:
    code = "import sys; open('got.bin', 'wb').write(sys.stdin.buffer.read())"
    content = b"line\n\0\xff binary"
    project.repro("run", "-q", "--", *python(code), stdin=content).expect(0)
    assert (project.path / "got.bin").read_bytes() == content


def test_both_streams_pass_through_unchanged_and_are_in_the_log(project: Project) -> None:
    out, err = bytes(range(256)) * 3000 + b"no newline", b"\xff\xfe warnings \x1b[31mred\n\r\n"
    code = (
        "import sys; sys.stdout.buffer.write(bytes(range(256)) * 3000 + b'no newline')\n"
        f"sys.stdout.flush(); sys.stderr.buffer.write({err!r})"
    )
    done = project.repro("run", "-q", "--", *python(code)).expect(0)
    assert done.stdout == out
    assert done.stderr == err
    log = project.repro("show", "--log").expect(0)
    assert log.stdout == out + err


def test_what_is_shown_live_is_not_held_back(project: Project) -> None:
    """Output without a newline arrives while the command still works."""
    gate = project.path / "local" / "gate"
    gate.parent.mkdir()
    code = (
        "import sys, time, pathlib; sys.stdout.write('loading...'); sys.stdout.flush()\n"
        "while not pathlib.Path('local/gate').exists(): time.sleep(0.02)"
    )
    running = project.repro.start("run", "-q", "--", *python(code))
    running.until(lambda: running.stdout == "loading...")
    gate.touch()
    running.ended().expect(0)


def test_a_reader_that_goes_away_does_not_fail_the_run(project: Project) -> None:
    words = [str(COMMAND), "run", "-q", "--"]
    code = "import sys\nfor n in range(20000): print('line', n)\nopen('end.txt', 'w').write('end')"
    shell = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", *words, *python(code)],
        cwd=project.path,
        env=project.repro.environment(),
        capture_output=True,
        check=False,
    )
    assert shell.stdout == b"line 0\n"
    assert (project.path / "end.txt").exists(), shell.stderr.decode()
    assert project.runs()[0]["outcome"] == "finished"


def test_a_slow_reader_gets_everything(project: Project) -> None:
    """The command has ended long before its output is read."""
    words = [
        str(COMMAND),
        "run",
        "-q",
        "--",
        *python("import sys; sys.stdout.write('x' * 150_000)"),
    ]
    process = subprocess.Popen(
        words, cwd=project.path, env=project.repro.environment(), stdout=subprocess.PIPE
    )
    time.sleep(4)
    out, _ = process.communicate(timeout=60)
    assert out == b"x" * 150_000
    assert project.repro("show", "--log").expect(0).stdout == out


def test_what_runs_on_in_the_background_does_not_hold_up_the_record(project: Project) -> None:
    started = time.monotonic()
    line = "sleep 60 & echo $! > local/pid; echo done"
    (project.path / "local").mkdir()
    done = project.repro("run", "-q", "--", "sh", "-c", line).expect(0)
    os.kill(int((project.path / "local/pid").read_text()), signal.SIGKILL)
    assert done.out == "done\n" and time.monotonic() - started < 30


def test_the_environment_of_the_command_is_the_callers_own(project: Project) -> None:
    code = "import os; open('env.txt', 'w').write(os.environ['MY_SETTING'])"
    run = project.record(*python(code), env={"MY_SETTING": "as it was"})
    assert (project.path / "env.txt").read_text() == "as it was"
    assert "MY_SETTING" not in run["manifest"]["definition"]["env"], "not on the allow-list"


# --- what is recorded -----------------------------------------------------------------------


def test_git_ignored_outputs_are_recorded(project: Project) -> None:
    run = project.record("python", "train.py")
    assert {item["path"] for item in run["manifest"]["result"]["outputs"]} == OUTPUTS


def test_a_second_recording_of_the_same_has_the_same_definition_id(project: Project) -> None:
    first, second = (project.record("python", "train.py") for _ in range(2))
    assert first["id"] != second["id"]
    definition = first["manifest"]["definition_id"]
    assert definition.startswith("sha256:")
    assert definition == second["manifest"]["definition_id"]


def test_capture_marks_the_run_as_not_observed(project: Project) -> None:
    project.write("repro.yaml", "metrics: [metrics.json]\noutputs: [models/model.bin]\n")
    project.commit()
    subprocess.run(
        ["python", "train.py"], cwd=project.path, env=project.repro.environment(), check=True,
        capture_output=True,
    )  # fmt: skip
    done = project.repro("capture", "--json", "--", "python", "train.py").expect(0)
    result = done.document["manifest"]["result"]
    assert result["observed"] is False
    assert "exit_code" not in result or result["exit_code"] is None
    assert {item["name"] for item in result["metrics"]} >= {"fit.loss"}
    assert "not observed" in project.repro("show").expect(0).out
    assert project.replay(engine="venv").expect(0).document["passed"]


def test_capture_executes_nothing(project: Project) -> None:
    project.repro("capture", "--", "touch", "ran").expect(0)
    assert not (project.path / "ran").exists()


def test_file_names_that_are_not_utf8_are_recorded_and_replayed(project: Project) -> None:
    code = (
        "import os; data = open(b'caf\\xe9.txt', 'rb').read();"
        "open(b'out-\\xff.bin', 'wb').write(data[::-1])"
    )
    (project.path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"latin-1\n")
    project.write("train.py", code)
    project.commit()
    run = project.record("python", "train.py")
    (output,) = run["manifest"]["result"]["outputs"]
    assert os.fsencode(output["path"]) == b"out-\xff.bin"
    done = project.repro("replay", "latest", "--engine", "venv").expect(0)
    assert done.out.startswith("identical")
    assert "\\udcff" in done.out, "shown without breaking the terminal"
    project.repro("list").expect(0)
    project.repro("show").expect(0)
    assert project.repro("show", os.fsencode(output["path"]), "--json").expect(0)


def test_an_argument_that_is_not_utf8_reaches_the_command_and_the_record(project: Project) -> None:
    code = "import os, sys; open('got', 'wb').write(os.fsencode(sys.argv[1]))"
    project.repro("run", "-q", "--", *python(code), b"\xff\xfe").expect(0)
    assert (project.path / "got").read_bytes() == b"\xff\xfe"
    assert project.replay(engine="venv").expect(0).verdict == "identical"


# --- without a command ----------------------------------------------------------------------


def test_the_command_of_repro_yaml_runs_when_none_is_given(project: Project) -> None:
    project.write("repro.yaml", "command: python train.py 2\n")
    project.commit()
    run = project.record()
    assert run["manifest"]["definition"]["command"]["argv"] == ["python", "train.py", "2"]


def test_without_any_command_the_first_step_is_named(project: Project) -> None:
    project.repro("run").complains(2, "no command", "repro run -- python train.py")


# --- how it looks ---------------------------------------------------------------------------


def test_no_colour_codes_where_there_is_no_terminal(project: Project) -> None:
    env = {"CI": None, "NO_COLOR": None, "TERM": "xterm-256color"}
    words = (["run", "--", "python", "train.py"], ["list"], ["show"],
             ["replay", "--engine", "venv"], ["show", "nothing"])  # fmt: skip
    for line in words:
        done = project.repro(*line, env=env)
        assert b"\x1b" not in done.stdout + done.stderr, done


def test_colour_at_a_terminal_unless_it_is_not_wanted(project: Project) -> None:
    project.record("python", "train.py")
    command = f"{COMMAND} list"

    def at_a_terminal(**changes: str | None) -> bytes:
        env = project.repro.environment({"CI": None, "TERM": "xterm-256color", **changes})
        return subprocess.run(
            ["script", "--quiet", "--return", "--command", command, "/dev/null"],
            cwd=project.path, env=env, capture_output=True, check=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip

    assert b"\x1b[" in at_a_terminal()
    assert b"\x1b[" not in at_a_terminal(NO_COLOR="1")
    assert b"\x1b[" not in at_a_terminal(TERM="dumb")


def test_names_from_a_run_cannot_drive_the_terminal(project: Project) -> None:
    name = "evil\x1b]0;title\x07\u202e.txt"
    project.record(*python(f"open({name!r}, 'w').write('x')"))
    for words in (["show"], ["replay", "--engine", "venv"], ["list"]):
        done = project.repro(*words)
        for sign in (b"\x1b", b"\x07", "\u202e".encode()):
            assert sign not in done.stdout + done.stderr, done


def test_quiet_says_nothing_but_what_the_command_says(project: Project) -> None:
    code = "print('hello'); open('made.txt', 'w').write('x')"
    done = project.repro("run", "-q", "--", *python(code)).expect(0)
    assert (done.out, done.err) == ("hello\n", "")
    done = project.repro("replay", "-q", "--engine", "venv").expect(0)
    assert done.err == "" and done.out.startswith("identical")


def test_an_empty_project_has_no_runs(project: Project) -> None:
    done = project.repro("list").expect(0)
    assert done.out == "no runs\n"
    assert project.repro("list", "--json").expect(0).document["runs"] == []


def test_what_came_in_through_standard_input_is_named_and_a_replay_gets_none(
    project: Project,
) -> None:
    code = "import sys; print(sys.stdin.read() or 'accuracy: 0')"
    done = project.repro("run", "--", *python(code), stdin=b"accuracy: 0.5").expect(0)
    assert "accuracy: 0.5" in done.out
    assert "a pipe that is no part of the record" in done.err
    replayed = project.repro("replay", "--engine", "venv", "--json", stdin=b"accuracy: 0.5")
    assert replayed.expect(1).verdict == "different"
