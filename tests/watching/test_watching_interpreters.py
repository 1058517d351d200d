"""The audit hook in every Python that there is, and beside what else wants to be at their start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from watched import python, watch

from repro.watching import Mode, hook


def others() -> list[str]:
    """Interpreters of other versions on this machine."""
    found = {}
    folders = os.environ.get("PATH", "").split(os.pathsep)
    root = Path(os.environ.get("PYENV_ROOT", Path(sys.base_prefix).parent))
    homes = [*map(Path, folders), *(root.glob("*/bin")), *(root.glob("versions/*/bin"))]
    for folder in homes:
        for minor in ("2.7", "3.6", *(f"3.{number}" for number in range(7, 20))):
            path = folder / f"python{minor}"
            if minor not in found and path.is_file() and "shims" not in path.parts:
                found[minor] = str(path)
    return list(found.values())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.csv").write_text("1,2\n")
    return folder


def watchable(interpreter: str) -> bool:
    asked = subprocess.run([interpreter, "-c", "import sys; sys.addaudithook"], capture_output=True)
    return asked.returncode == 0


@pytest.mark.parametrize("interpreter", others(), ids=lambda path: Path(path).name)
def test_every_version(work: Path, interpreter: str) -> None:
    script = (
        "import os, subprocess, sys\n"
        "open('data.csv').read()\n"
        "print(os.environ.get('PYTHONPATH'), 'sitecustomize' in sys.modules)\n"
        "print([p for p in sys.path if 'hook' in p])\n"
        "sys.stdout.flush()\n"
        "subprocess.call([sys.executable, '-c', 'open(\"out\", \"w\").close()'], env=dict(os.environ, A='1'))\n"
        "import multiprocessing\n"
        "sys.exit(5)\n"
    )
    (work / "script.py").write_text(script)
    plain = subprocess.run([interpreter, "script.py"], cwd=work, capture_output=True)
    (work / "out").unlink()
    done = watch(Mode.PYTHON, work, interpreter, "script.py")
    assert (done.err, done.execution.exit_code) == ("", 5)
    if (
        "python2" not in interpreter
    ):  # where os.environ is not a view that can be told another story
        assert done.out == plain.stdout.decode()
    if watchable(interpreter):
        assert done.short(work / "data.csv") == "r"
        assert done.short(work / "out") == "w"
        assert len(done.seen.limits) == 1
    else:
        assert any("older than Python 3.8" in line for line in done.seen.limits)


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_an_interpreter_that_lets_nobody_in_is_said(work: Path, option: str) -> None:
    (work / "script.py").write_text("open('data.csv').read()\n")
    done = watch(Mode.PYTHON, work, sys.executable, option, "script.py")
    assert done.execution.exit_code == 0
    assert any("no Python interpreter reported" in line for line in done.seen.limits)


def test_the_projects_own_start_still_runs(work: Path) -> None:
    (work / "own").mkdir()
    (work / "own/sitecustomize.py").write_text("import sys\nsys.own = __file__\n")
    text = "import sys\nprint(sys.own, sys.modules['sitecustomize'].__file__)\n"
    done = python(Mode.PYTHON, work, text, PYTHONPATH=f"{work}/own")
    where = f"{work}/own/sitecustomize.py"
    assert (done.out, done.err) == (f"{where} {where}\n", "")
    assert done.short(Path(where)) == "r"


def test_an_own_start_that_fails_fails_as_without(work: Path) -> None:
    (work / "own").mkdir()
    (work / "own/sitecustomize.py").write_text("import nothing_like_that\n")
    env = {**os.environ, "PYTHONPATH": f"{work}/own"}
    plain = subprocess.run([sys.executable, "-c", "print(1)"], env=env, capture_output=True)
    done = watch(Mode.PYTHON, work, sys.executable, "-c", "print(1)", env=env)
    assert (done.out, done.err) == (plain.stdout.decode(), plain.stderr.decode())


def test_no_error_of_ours_reaches_the_training(work: Path) -> None:
    text = (
        "import os, sys\n"
        "os.closerange(3, 200)\n"
        "for path in ('data.csv', b'data.csv', 0): open(path).read() if path else None\n"
        "try: open('a' * 5000)\n"
        "except OSError: pass\n"
        "try: open('a\\0b')\n"
        "except ValueError: pass\n"
        "try: open(1.5)\n"
        "except TypeError: pass\n"
        "try: os.execve(sys.executable, ['x'], {'a': 1})\n"
        "except TypeError: pass\n"
        "sys.audit('open'); sys.audit('socket.connect', None, None); sys.audit('os.rename', 1)\n"
        "os.makedirs('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "try: open('x')\n"
        "except OSError: pass\n"
        "print('fine')\n"
    )
    done = python(Mode.PYTHON, work, text)
    assert (done.out, done.err, done.execution.exit_code) == ("fine\n", "", 0)
    assert done.short(work / "data.csv") == "r"


def test_a_file_of_the_trainings_gets_no_line_of_ours(work: Path) -> None:
    text = (
        "import os\n"
        "os.closerange(3, 1000)\n"
        "files = [open(f'out{i}', 'w') for i in range(50)]\n"
        "open('data.csv').read()\n"
        "[file.close() for file in files]\n"
    )
    python(Mode.PYTHON, work, text)
    assert {(work / f"out{number}").read_bytes() for number in range(50)} == {b""}


def test_damaged_lines_are_counted(work: Path) -> None:
    from repro.watching.python import PythonWatch

    folder = work / "watch"
    watcher = PythonWatch(folder)
    watcher.wrapped(["x"], {})
    log = folder / "hook/logs/1"
    log.write_bytes(b"1 read /a\nx read /b\n2 read\n3 nonsense x\n4 read %zz\n\n5 read /cut")
    seen = watcher.seen()
    assert [item.path for item in seen.accesses] == ["/a"]
    assert any("5 lines" in line for line in seen.limits)


@pytest.mark.parametrize("text", ["", "plain", "a b%20\n\r\t", "\udcff\udc80", "ü/😀"])
def test_words_survive(text: str) -> None:
    assert hook.unquoted(hook.quoted(text)) == text
    assert not set(b" \n\r") & set(hook.quoted(text))
