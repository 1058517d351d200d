"""What all ways of watching see of files, with real processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from watched import ALL, SEEING_ALL, python, watch

from repro.watching import Mode


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.csv").write_text("1,2\n")
    return folder


@ALL
def test_reads_and_writes_are_told_apart(mode: Mode, work: Path) -> None:
    (work / "both").write_text("x")
    done = python(
        mode,
        work,
        "open('data.csv').read()\n"
        "open('out', 'w').write('x'); open('out').read()\n"
        "f = open('both', 'r+'); f.read(); f.write('y'); f.close()\n"
        "open('log', 'a').write('z')\n"
        "import os\n"
        "try: open('not there')\n"
        "except OSError: pass\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert done.short(work / "script.py") == "r"
    assert done.short(work / "data.csv") == "r"
    assert done.short(work / "out") == "wr"
    assert done.short(work / "both") == "rw"
    assert done.short(work / "log") == "w"
    assert done.short(work / "not there") == "-"
    assert done.get(work) is None, "a folder is no file"


@ALL
def test_what_is_only_appended_to_is_told_apart(mode: Mode, work: Path) -> None:
    """What was in it before is in it afterwards, though nobody read it."""
    for name in ("rows", "anew", "twice", "seen"):
        (work / name).write_text("a\n")
    done = python(
        mode,
        work,
        "open('rows', 'a').write('b'); open('rows', 'a').write('c')\n"
        "open('anew', 'w').write('b'); open('anew', 'a').write('c')\n"
        "open('twice', 'a').write('b'); open('twice', 'w').write('c')\n"
        "open('seen').read(); open('seen', 'a').write('b')\n",
    )
    told = {name: done.get(work / name) for name in ("rows", "anew", "twice", "seen")}
    assert {name: found and found.appended for name, found in told.items()} == {
        "rows": True, "anew": False, "twice": False, "seen": True,
    }  # fmt: skip
    assert [done.short(work / name) for name in ("rows", "seen")] == ["w", "rw"]


@ALL
def test_a_file_written_beside_and_renamed_is_an_output(mode: Mode, work: Path) -> None:
    done = python(
        mode,
        work,
        "import os\n"
        "open('model.tmp', 'w').write('x'); os.replace('model.tmp', 'model'); open('model').read()\n"
        "os.rename('data.csv', 'moved.csv'); open('moved.csv').read()\n"
        "os.mkdir('tmp'); open('tmp/x', 'w').close(); os.rename('tmp', 'done'); open('done/x').read()\n"
        "os.link('done/x', 'hard'); os.symlink('done/x', 'soft'); open('soft').read()\n",
    )
    assert done.short(work / "model") == "wr"
    assert done.short(work / "data.csv") == "r", "its content is what was read later"
    assert done.short(work / "moved.csv") == "wr"
    assert done.short(work / "done/x") == "wr"
    assert done.short(work / "hard") == "w"
    assert done.short(work / "soft") == "w"


@ALL
def test_links_are_followed_to_what_they_lead_to(mode: Mode, work: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/real").write_text("x")
    (work / "link").symlink_to(tmp_path / "far/real")
    (work / "folder").symlink_to(tmp_path / "far")
    done = python(mode, work, "open('link').read(); open('folder/real').read()\n")
    assert done.short(tmp_path / "far/real") == "r"
    assert done.short(work / "link") == "-"


@ALL
def test_relative_paths_after_a_change_of_folder(mode: Mode, work: Path) -> None:
    (work / "a/b").mkdir(parents=True)
    (work / "a/b/x").write_text("x")
    done = python(
        mode,
        work,
        "import os, subprocess, sys\n"
        "os.chdir('a'); open('b/x').read(); os.rename('b/x', 'b/y')\n"
        "os.chdir('b'); open('z', 'w').close(); os.rename('z', '../z')\n"
        "subprocess.run([sys.executable, '-c', 'open(\"../z\").read(); open(\"w\", \"w\")'], cwd='.')\n",
    )
    assert done.short(work / "a/b/x") == "r"
    assert done.short(work / "a/b/y") == "w"
    assert done.short(work / "a/z") == "wr"
    assert done.short(work / "a/b/w") == "w"


@ALL
@pytest.mark.parametrize(
    "name",
    [
        b"n\xff\xfe",
        b"line\nbreak",
        b"quote\"'\\x",
        b'a<b>, "O_WRONLY) = 3<x>',
        b" blank % \t\r",
        b"unfinished <unfinished ...>",
        "ü€😀".encode(),
        b"x" * 255,
    ],
)
def test_any_name(mode: Mode, work: Path, name: bytes) -> None:
    (work / os.fsdecode(name)).write_text("x")
    done = python(
        mode, work, f"n = {name!r}\nopen(n).read()\nopen(n + b'o' if len(n) < 255 else b'o', 'w')\n"
    )
    assert done.short(work / os.fsdecode(name)) == "r"
    other = name + b"o" if len(name) < 255 else b"o"
    assert done.short(work / os.fsdecode(other)) == "w"


@ALL
def test_threads(mode: Mode, work: Path) -> None:
    for number in range(200):
        (work / f"in{number}").write_text("x")
    done = python(
        mode,
        work,
        "import threading\n"
        "def go(k):\n"
        "    for i in range(k, 200, 8):\n"
        "        open(f'in{i}').read(); open(f'out{i}', 'w').close()\n"
        "ts = [threading.Thread(target=go, args=(k,)) for k in range(8)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]\n",
    )
    assert {done.short(work / f"in{n}") for n in range(200)} == {"r"}
    assert {done.short(work / f"out{n}") for n in range(200)} == {"w"}


@ALL
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(mode: Mode, work: Path, method: str) -> None:
    for number in range(4):
        (work / f"in{number}").write_text("x")
    done = python(
        mode,
        work,
        "import multiprocessing\n"
        "def go(i):\n"
        "    open(f'in{i}').read(); open(f'out{i}', 'w').close()\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool: pool.map(go, range(4))\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert [done.short(work / f"in{n}") for n in range(4)] == ["r"] * 4
    assert [done.short(work / f"out{n}") for n in range(4)] == ["w"] * 4


@ALL
def test_children_of_children_and_environments_of_their_own(mode: Mode, work: Path) -> None:
    for name in ("one", "two", "three", "four", "five", "six"):
        (work / name).write_text("x")
    read = "open(__import__('sys').argv[1]).read()"
    done = python(
        mode,
        work,
        "import os, subprocess, sys\n"
        f"read = {read!r}\n"
        "py = sys.executable\n"
        "subprocess.run([py, '-c', read, 'one'])\n"
        "subprocess.run([py, '-c', read, 'two'], env={})\n"
        "subprocess.run([py, '-c', read, 'three'], env=dict(os.environ, A='b'), close_fds=False)\n"
        "os.system(f'{py} -c \"{read}\" four && true')\n"
        "os.environ['PYTHONPATH'] = '/somewhere'\n"
        "subprocess.run(['sh', '-c', f'{py} -c \"{read}\" five'])\n"
        "os.execve(py, [py, '-c', read, 'six'], {'PYTHONPATH': '/x'})\n",
    )
    assert done.execution.exit_code == 0, done.err
    for name in ("one", "two", "three", "four", "five", "six"):
        assert done.short(work / name) == "r", name


@ALL
def test_a_database(mode: Mode, work: Path) -> None:
    done = python(
        mode,
        work,
        "import sqlite3\n"
        "c = sqlite3.connect('runs.db'); c.execute('create table t (x)'); c.commit(); c.close()\n"
        "sqlite3.connect('file:runs.db?mode=ro', uri=True).execute('select * from t')\n"
        "sqlite3.connect(':memory:').execute('select 1')\n",
    )
    found = done.get(work / "runs.db")
    assert found and found.read and found.written


@ALL
def test_ten_thousand_files(mode: Mode, work: Path) -> None:
    done = python(
        mode,
        work,
        "import os\n"
        "os.mkdir('many')\n"
        "for i in range(10_000):\n"
        "    with open(f'many/{i}.tmp', 'w') as f: pass\n"
        "    os.replace(f'many/{i}.tmp', f'many/{i}')\n",
    )
    assert sum(item.path.startswith(f"{work}/many/") for item in done.seen.accesses) == 20_000
    assert done.short(work / "many/9999") == "w"


@ALL
def test_numpy(mode: Mode, work: Path) -> None:
    pytest.importorskip("numpy")
    done = python(
        mode,
        work,
        "import numpy as np\n"
        "np.save('a.npy', np.arange(3)); np.load('a.npy', mmap_mode='r')\n"
        "np.loadtxt('data.csv', delimiter=',')\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert done.short(work / "a.npy") == "wr"
    assert done.short(work / "data.csv") == "r"


@ALL
def test_an_executable_and_a_connection(mode: Mode, work: Path) -> None:
    done = python(
        mode,
        work,
        "import socket, subprocess\n"
        "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname(), 5)\n"
        "print(s.getsockname()[1])\n"
        "u = socket.socket(socket.AF_UNIX); u.bind('sock'); u.listen()\n"
        "socket.socket(socket.AF_UNIX).connect('sock')\n"
        "subprocess.run(['env', 'true'])\n",
    )
    assert f"127.0.0.1:{done.out.strip()}" in done.seen.connections
    assert "unix:sock" in done.seen.connections
    assert "env" in [Path(path).name for path in done.seen.programs]
    assert all(path.startswith("/") for path in done.seen.programs)
    assert Path(done.seen.programs[0]).resolve() == Path(sys.executable).resolve()


@SEEING_ALL
def test_a_shell_and_its_programs(mode: Mode, work: Path) -> None:
    (work / "a b").mkdir()
    done = watch(
        mode,
        work,
        "sh",
        "-c",
        "cat data.csv > copy && cd 'a b' && cp ../copy x; false || mv x y",
    )
    assert done.short(work / "data.csv") == "r"
    assert done.short(work / "copy") == "wr"
    assert done.short(work / "a b/x") == "wr"
    assert done.short(work / "a b/y") == "w"
    assert [Path(path).name for path in done.seen.programs] == ["sh", "cat", "cp", "mv"]
    assert done.seen.limits == ()


@SEEING_ALL
def test_a_program_of_the_project_is_read(mode: Mode, work: Path) -> None:
    (work / "train").write_text("#!/bin/sh\ncat data.csv\n")
    (work / "train").chmod(0o755)
    done = watch(mode, work, "./train")
    assert done.short(work / "train") == "r"
    assert done.out == "1,2\n"
    assert done.seen.programs[0] == f"{work}/train"
