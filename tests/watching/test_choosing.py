"""Which way of watching is taken, and what is said where it is not the best."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from watched import SEEING_ALL, needs_seccomp, needs_strace, watch

from repro.errors import EngineError
from repro.watching import Mode, choose, seccomp
from repro.watching.nouns import Unwatched
from repro.watching.python import PythonWatch
from repro.watching.seccomp import SeccompWatch
from repro.watching.strace import StraceWatch


def standing_in(folder: Path, text: str) -> dict[str, str]:
    """An environment in which strace is a script."""
    folder.mkdir()
    (folder / "strace").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "strace").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def no_seccomp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which seccomp does not work."""
    monkeypatch.setattr(seccomp, "probe", lambda: "no listener")


@needs_seccomp
def test_seccomp_where_it_works(tmp_path: Path) -> None:
    assert isinstance(choose(Mode.AUTO, tmp_path, os.environ), SeccompWatch)
    assert isinstance(choose(Mode.SECCOMP, tmp_path, {}), SeccompWatch)


@pytest.mark.usefixtures("no_seccomp")
def test_seccomp_demanded_where_it_does_not_work(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no listener") as found:
        choose(Mode.SECCOMP, tmp_path, os.environ)
    assert "strace" in found.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "refuses a listener"),
        ("refused !16\n", "one can be at a time"),
        ("refused !1\n", "not permitted"),
        ("refused\n", "refuses a listener"),
        ("free\nrun /bin/sh /bin/sh\n", "out of use"),
        ("free\nrun /bin/sh /bin/sh\nend 1 0 0 0\n", "out of use"),
        ("free\nrun /bin/sh /bin/sh\nend 0 1 0 0\n", "memory"),
        ("free\nend 0 0 0 0\n", "memory"),
    ],
)
def test_what_a_probe_makes_of_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    stand_in = tmp_path / "supervisor.py"
    stand_in.write_text(f"import sys\nopen(sys.argv[1], 'w').write({text!r})\n")
    monkeypatch.setattr(seccomp, "_SUPERVISOR", str(stand_in))
    assert said in seccomp.probe.__wrapped__()


@pytest.mark.parametrize("text", ["raise SystemExit(1)", "import os; os.kill(os.getpid(), 9)", "("])
def test_a_probe_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    stand_in = tmp_path / "supervisor.py"
    stand_in.write_text(text)
    monkeypatch.setattr(seccomp, "_SUPERVISOR", str(stand_in))
    assert seccomp.probe.__wrapped__()


@pytest.mark.parametrize("machine", ["riscv64", "armv7l", "arm64", ""])
def test_a_processor_that_is_not_known(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine))
    assert "is known" in seccomp.probe.__wrapped__()


@needs_strace
@pytest.mark.usefixtures("no_seccomp")
def test_strace_where_it_works(tmp_path: Path) -> None:
    assert isinstance(choose(Mode.AUTO, tmp_path, os.environ), StraceWatch)


@pytest.mark.usefixtures("no_seccomp")
def test_python_where_there_is_no_strace(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    environ = {"PATH": str(tmp_path / "empty")}
    watcher = choose(Mode.AUTO, tmp_path, environ)
    assert isinstance(watcher, PythonWatch)
    assert any("strace is not installed" in line for line in watcher.seen().limits)
    with pytest.raises(EngineError, match="not installed") as found:
        choose(Mode.STRACE, tmp_path, environ)
    assert "apt-get" in found.value.hint


@pytest.mark.usefixtures("no_seccomp")
@pytest.mark.parametrize(
    "text",
    [
        "echo 'strace: ptrace(PTRACE_TRACEME): Operation not permitted' >&2; exit 1",
        "exit 0",
        "exit 7",
        "kill -9 $$",
        "echo \"strace: unrecognized option '--seccomp-bpf'\" >&2; exit 1",
    ],
)
def test_python_where_strace_does_not_work(tmp_path: Path, text: str) -> None:
    environ = standing_in(tmp_path / "bin", text)
    folder = tmp_path / "watch"
    folder.mkdir()
    watcher = choose(Mode.AUTO, folder, environ)
    assert isinstance(watcher, PythonWatch)
    assert any("nor does strace" in line for line in watcher.seen().limits)
    with pytest.raises(EngineError, match="does not work here") as found:
        choose(Mode.STRACE, folder, environ)
    assert found.value.hint


@needs_strace
@pytest.mark.usefixtures("no_seccomp")
def test_an_old_strace_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    real = shutil.which("strace")
    environ = standing_in(
        tmp_path / "bin",
        'for word; do case $word in --seccomp-bpf) echo "unrecognized option" >&2; exit 1;; esac; done\n'
        f'exec {real} "$@"',
    )
    work = tmp_path / "work"
    work.mkdir()
    done = watch(Mode.STRACE, work, sys.executable, "-c", "open('out', 'w')", env=environ)
    assert done.short(work / "out") == "w"
    assert any("slow" in line for line in done.seen.limits)
    assert watch(Mode.AUTO, work, "true", env=environ).seen.method == "python"


@SEEING_ALL
def test_inside_of_another_watch(tmp_path: Path, mode: Mode) -> None:
    """A process can have no second tracer and no second listener, and a tracer that is stopped at calls hears
    nothing of those that a listener holds."""
    outer = (
        "import os, pathlib, sys\n"
        "from repro.watching import Mode, choose\n"
        "print(choose(Mode.AUTO, pathlib.Path(sys.argv[1]), os.environ).method)\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    here = str(Path(__file__).parents[2])
    done = watch(mode, work, sys.executable, "-c", outer, str(work), env={"PYTHONPATH": here})
    assert done.out == "python\n", done.err


def test_off(tmp_path: Path) -> None:
    watcher = choose(Mode.OFF, tmp_path, os.environ)
    assert isinstance(watcher, Unwatched)
    assert watcher.wrapped(["x"], {"a": "b"}) == (["x"], {"a": "b"})
    seen = watcher.seen()
    assert (seen.method, seen.accesses) == ("none", ())
    assert seen.limits


def test_a_folder_that_pythonpath_cannot_name(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    assert any("colon" in line for line in choose(Mode.PYTHON, folder, {}).seen().limits)
