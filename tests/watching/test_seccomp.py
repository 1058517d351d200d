"""What a supervisor tells of calls that it hears of before they are made: only what will succeed, with the rights,
the root and the folder of the caller."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from watched import Kept, Watched, needs_seccomp, python, watch

from repro import process
from repro.watching import Mode
from repro.watching.calls import Calls
from repro.watching.seccomp import Reading, SeccompWatch

pytestmark = needs_seccomp
SECCOMP = Mode.SECCOMP
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to be somebody else")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data").write_text("x")
    return folder


def test_what_fails_is_not_recorded(work: Path) -> None:
    (work / "full").mkdir()
    (work / "full/x").write_text("x")
    (work / "away").mkdir()
    done = python(
        SECCOMP,
        work,
        "import os\n"
        "def tried(what, *args):\n"
        "    try: what(*args)\n"
        "    except OSError: return\n"
        "    raise SystemExit(f'{args} did not fail')\n"
        "def xopen(name): return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)\n"
        "tried(open, 'not/there', 'w'); tried(open, 'not there'); tried(open, 'data/x'); tried(xopen, 'data')\n"
        "tried(os.rename, 'nothing', 'something'); tried(os.rename, 'away', 'full'); tried(os.link, 'no', 'l')\n"
        "tried(os.rename, 'data', 'full'); tried(os.rename, 'data', 'nowhere/data')\n"
        "tried(os.link, 'data', 'full/x'); tried(os.symlink, 'data', 'full/x'); tried(os.truncate, 'none', 0)\n"
        "tried(os.execv, 'data', ['data']); tried(os.execv, 'none', ['none']); tried(os.open, 'data/', 0)\n"
        "os.symlink('loop', 'loop'); tried(open, 'loop')\n"
        "os.symlink('full/x', 'soft'); tried(lambda n: os.open(n, os.O_NOFOLLOW), 'soft')\n",
    )
    assert done.execution.exit_code == 0, done.err
    for name in ("data", "full/x", "away", "not there", "something", "full/data", "l", "none"):
        assert done.short(work / name) == "-", name
    assert str(work / "data") not in done.seen.programs


def test_what_is_renamed_across_file_systems_is_copied(work: Path) -> None:
    other = Path("/dev/shm") / f"repro-test-{os.getpid()}"
    if not other.parent.is_dir() or other.parent.stat().st_dev == work.stat().st_dev:
        pytest.skip("no second file system")
    try:
        done = python(SECCOMP, work, f"import shutil\nshutil.move('data', {str(other)!r})\n")
        assert (done.short(work / "data"), done.short(other)) == ("r", "w")
    finally:
        other.unlink()


def test_relative_to_an_open_folder(work: Path) -> None:
    (work / "a/b").mkdir(parents=True)
    (work / "a/b/x").write_text("x")
    done = python(
        SECCOMP,
        work,
        "import os\n"
        "a = os.open('a', os.O_RDONLY)\n"
        "os.close(os.open('b/x', os.O_RDONLY, dir_fd=a))\n"
        "os.rename('b/x', 'y', src_dir_fd=a, dst_dir_fd=a)\n"
        "os.close(os.open('new', os.O_WRONLY | os.O_CREAT, dir_fd=a))\n"
        "os.symlink('x', 'soft', dir_fd=a); os.link('y', 'hard', src_dir_fd=a)\n"
        "f = open('data'); open(f'/proc/self/fd/{f.fileno()}').read(); open(f'/dev/fd/{f.fileno()}').read()\n"
        "os.chdir('a'); os.rename('../a', '../moved'); open('y').read()\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert done.short(work / "a/b/x") == "r"
    assert done.short(work / "a/y") == "wr" or done.short(work / "a/y") == "w"
    assert done.short(work / "a/new") == "w"
    assert done.short(work / "a/soft") == "w"
    assert done.short(work / "hard") == "w"
    assert done.short(work / "data") == "r"
    assert done.short(work / "moved/y") in ("wr", "w")
    assert not any("/proc/" in item.path and "/fd/" in item.path for item in done.seen.accesses)


def test_names_of_ones_own(work: Path) -> None:
    """/dev/stdin is another file for everyone."""
    done = watch(
        SECCOMP, work, "sh", "-c", "cat /dev/stdin < data > copy; cat < data /proc/self/fd/0"
    )
    assert done.out == "x"
    assert (done.short(work / "data"), done.short(work / "copy")) == ("r", "w")


def test_a_file_without_a_name_that_gets_one(work: Path) -> None:
    done = python(
        SECCOMP,
        work,
        "import os, ctypes\n"
        "fd = os.open('.', os.O_TMPFILE | os.O_WRONLY)\n"
        "ctypes.CDLL(None).linkat(-100, f'/proc/self/fd/{fd}'.encode(), -100, b'named', 0x400)\n",
    )
    if not (work / "named").exists():
        pytest.skip("no unnamed files on this file system")
    assert done.short(work / "named") == "w"


def test_a_path_deeper_than_a_path_can_be(work: Path) -> None:
    """It cannot be told, and that is said."""
    done = python(
        SECCOMP,
        work,
        "import os\n"
        "for _ in range(30):\n"
        "    os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "open('deep', 'w').close()\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert any("could not be told" in line for line in done.seen.limits)


def test_signals_all_the_time(work: Path) -> None:
    done = python(
        SECCOMP,
        work,
        "import os, signal\n"
        "beats = []\n"
        "signal.signal(signal.SIGALRM, lambda *_: beats.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "for i in range(3000):\n"
        "    with open(f'f{i}', 'w') as f: f.write('x')\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "print(len(beats) > 0)\n",
    )
    assert (done.execution.exit_code, done.out) == (0, "True\n"), done.err
    assert {done.short(work / f"f{n}") for n in range(3000)} == {"w"}


def test_eight_processes_at_once(work: Path) -> None:
    done = python(
        SECCOMP,
        work,
        "import os, threading\n"
        "def go(k):\n"
        "    for i in range(500):\n"
        "        open(f'{k}-{i}', 'w').close(); open(f'{k}-{i}').close(); open('data').close()\n"
        "for k in range(8):\n"
        "    if os.fork() == 0:\n"
        "        ts = [threading.Thread(target=go, args=(f'{k}-{t}',)) for t in range(2)]\n"
        "        [t.start() for t in ts]; [t.join() for t in ts]; os._exit(0)\n"
        "assert [os.wait()[1] for _ in range(8)] == [0] * 8\n",
    )
    assert done.execution.exit_code == 0, done.err
    assert (
        sum(
            done.get(work / f"{k}-{t}-{i}") is not None
            for k in range(8)
            for t in (0, 1)
            for i in (0, 499)
        )
        == 32
    )
    assert sum(item.path.startswith(f"{work}/") for item in done.seen.accesses) == 8000 + 2
    assert done.seen.limits == ()


@as_root
def test_as_somebody_else_than_root(work: Path) -> None:
    """Without rights: seccomp then wants the promise that no program will get more."""
    for folder in (work, *work.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    work.chmod(0o777)
    (work / "secret").write_text("x")
    (work / "secret").chmod(0o600)
    script = work / "script.py"
    script.write_text(
        "import os, sys\n"
        "open('data').read(); open('out', 'w').close()\n"
        "for mode in 'rw':\n"
        "    try: open('secret', mode)\n"
        "    except PermissionError: continue\n"
        "    sys.exit('allowed')\n"
    )
    folder = work / "watch"
    folder.mkdir()
    folder.chmod(0o777)
    argv, env = SeccompWatch(folder).wrapped([system_python(), "script.py"], os.environ, work)
    argv[0] = system_python()
    visible = work / "code"
    shutil.copytree(Path(argv[3]).parent, visible / "repro/watching")
    argv[3] = str(visible / "repro/watching/supervisor.py")
    kept = Kept()
    done = process.execute(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *argv],
        cwd=work,
        env=env,
        sink=kept,
    )
    watcher = SeccompWatch(folder)
    watcher.wrapped(["true"], os.environ, work)
    seen = Watched(watcher.seen(), done, "", "")
    assert done.exit_code == 0, kept.err
    assert seen.seen.method == "seccomp", seen.seen.limits
    assert (seen.short(work / "data"), seen.short(work / "out")) == ("r", "w")
    assert seen.short(work / "secret") == "-"
    found = Reading()
    found.read(folder / "journal")
    assert found.stripped


def system_python() -> str:
    for name in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if (
            Path(name).exists()
            and subprocess.run(
                [name, "-c", "import sys; assert sys.version_info > (3, 10)"]
            ).returncode
            == 0
        ):
            return name
    pytest.skip("no Python that everybody may start")


@as_root
def test_root_that_becomes_somebody_else(work: Path) -> None:
    """The rights that count are the caller's."""
    for folder in (work, work.parent, work.parent.parent, work.parent.parent.parent):
        folder.chmod(0o755)
    (work / "secret").write_text("x")
    (work / "secret").chmod(0o600)
    (work / "ours").write_text("x")
    os.chown(work / "ours", -1, 12345)
    (work / "ours").chmod(0o060)
    done = watch(
        SECCOMP,
        work,
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--groups", "12345"),
        *("sh", "-c", "cat secret; echo > data; echo > new; cat data ours"),
    )
    assert done.out == "xx"
    assert done.short(work / "secret") == "-"
    assert done.short(work / "data") == "r"
    assert done.short(work / "new") == "-"
    assert done.short(work / "ours") == "r"


@as_root
def test_root_keeps_the_rights_of_programs_and_others_are_told(work: Path) -> None:
    shutil.copy("/usr/bin/id", work / "raised")
    (work / "raised").chmod(stat.S_ISUID | 0o755)
    done = watch(SECCOMP, work, "./raised", "-u")
    assert not any("owner's rights" in line for line in done.seen.limits)
    watcher = SeccompWatch(work)
    watcher.wrapped(["true"], os.environ, work)
    (work / "journal").write_text(f"stripped\nrun {work}/raised {work}/raised\nend 0 0 0 0\n")
    assert any("owner's rights" in line for line in watcher.seen().limits)


@as_root
def test_below_another_root(work: Path) -> None:
    root = work / "root"
    for name in ("etc", "work"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("inside")
    done = python(
        SECCOMP,
        work,
        "import os\nos.chroot('root'); os.chdir('/')\nopen('/etc/passwd').read(); open('work/x', 'w')",
    )
    assert done.execution.exit_code == 0, done.err
    assert done.short(root / "etc/passwd") == "r"
    assert done.short(root / "work/x") == "w"
    assert done.short("/etc/passwd") == "-"


def test_a_file_system_of_the_commands_own(work: Path) -> None:
    """Not looked into while its server may stand at a call."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        pytest.skip("no FUSE here")
    done = python(
        SECCOMP,
        work,
        "import os\nos.open('/dev/fuse', os.O_RDWR)\n"
        "os.mkdir('a'); os.chdir('a')\n"
        "open('../data').read(); open('out', 'w').close(); os.rename('out', 'end')\n",
    )
    assert done.short(work / "data") == "r"
    assert done.short(work / "a/end") == "w"
    assert any("FUSE" in line for line in done.seen.limits)


def test_a_ring_is_said(work: Path) -> None:
    done = python(
        SECCOMP,
        work,
        "import ctypes\n"
        "print(ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120)))\n",
    )
    if done.out.startswith("-"):
        pytest.skip("no io_uring here")
    assert any("io_uring" in line for line in done.seen.limits)
    assert done.seen.method == "seccomp"


def test_what_is_opened_with_openat2(work: Path) -> None:
    """Python has no name for it; a root for one call only is more than can be followed."""
    done = python(
        SECCOMP,
        work,
        "import ctypes, os, struct\n"
        "def openat2(path, flags, resolve):\n"
        "    how = ctypes.create_string_buffer(struct.pack('QQQ', flags, 0o600 * (flags > 0), resolve))\n"
        "    return ctypes.CDLL(None).syscall(437, -100, path, how, ctypes.c_size_t(24))\n"
        "print(openat2(b'data', 0, 0), openat2(b'new', os.O_CREAT | os.O_WRONLY, 0))\n"
        "openat2(b'/data', 0, 0x10)\n",
    )
    if done.out.startswith("-"):
        pytest.skip("no openat2 here")
    assert (done.short(work / "data"), done.short(work / "new")) == ("r", "w")
    assert any(line.startswith("1 calls") for line in done.seen.limits)


def test_a_program_of_32_bits_is_said(work: Path) -> None:
    (work / "old").write_bytes(b"\x7fELF\x01rest")
    (work / "new").write_bytes(b"\x7fELF\x02rest")
    watcher = SeccompWatch(work)
    watcher.wrapped(["true"], os.environ, work)
    (work / "journal").write_text(
        f"free\nrun {work}/old {work}/old\nrun {work}/new {work}/new\nrun /gone /gone\nend 0 0 0 0\n"
    )
    (said,) = watcher.seen().limits
    assert "32 bits" in said and "old" in said and "new" not in said


def test_memory_that_cannot_be_read_is_said(work: Path) -> None:
    """A path that is none fails for the command too; which is which is not known."""
    done = python(
        SECCOMP,
        work,
        "import ctypes\nprint(ctypes.CDLL(None).open(ctypes.c_void_p(8), 0))\n",
    )
    assert done.out == "-1\n"
    assert any("could not be told" in line for line in done.seen.limits)


@pytest.mark.parametrize(
    ("pid", "number", "count"), [(77, 3, 0), (0, 3, 1), (77, 14, 1), (77, 1, 1)]
)
def test_whoever_is_gone_calls_nothing(pid: int, number: int, count: int) -> None:
    """And whoever is out of sight, or not to be read, does."""

    class Gone:
        def text(self, pid: int, address: int) -> bytes:
            raise OSError(number, "no")

        def memory(self, pid: int, address: int, length: int) -> bytes:
            raise OSError(number, "no")

        def tell(self, kind: bytes, *paths: bytes) -> None:
            raise AssertionError(kind)

        tell_each = tell

    calls = Calls(Gone(), Gone())
    calls.take("openat", pid, [0] * 6)
    calls.take("connect", pid, [0] * 6)
    assert calls.unresolved == 2 * count


def test_a_path_at_the_end_of_readable_memory(work: Path) -> None:
    done = python(
        SECCOMP,
        work,
        "import ctypes, mmap\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.mmap.restype = ctypes.c_void_p\n"
        "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]\n"
        "at = libc.mmap(None, 8192, 3, 0x22, -1, 0)\n"
        "libc.munmap(ctypes.c_void_p(at + 4096), 4096)\n"
        "ctypes.memmove(at + 4096 - 5, b'data', 5)\n"
        "print(libc.open(ctypes.c_void_p(at + 4096 - 5), 0) > 0)\n",
    )
    assert done.out == "True\n", done.err
    assert done.short(work / "data") == "r"
    assert done.seen.limits == ()


def test_a_second_listener_is_refused_and_nothing_else(work: Path) -> None:
    """A limit that cannot be helped: what needs one of its own has to be watched in another way."""
    folder = work.parent / "inner"
    folder.mkdir()
    argv, _ = SeccompWatch(folder).wrapped(["cat", "data"], os.environ, work)
    done = watch(SECCOMP, work, *argv)
    assert done.out == "x"
    found = Reading()
    found.read(folder / "journal")
    assert "only one can be" in found.why
    assert done.short(work / "data") == "r"
