"""Reading strace's output: of other versions, of hostile names, cut short."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from repro.watching import space, trace
from repro.watching.space import free
from repro.watching.trace_lines import unescaped


def reading(tmp_path: Path, text: str | bytes, cwd: str = "/w") -> trace.Reading:
    path = tmp_path / "trace"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return trace.read(path, cwd)


def short(found: trace.Reading) -> dict[str, str]:
    return {item.path: item.first for item in found.ledger.accesses()}


def test_a_call_on_two_lines(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        '10 openat(AT_FDCWD</w>, "a", O_RDONLY <unfinished ...>\n'
        '11 openat(AT_FDCWD</w>, "b", O_WRONLY|O_CREAT, 0666 <unfinished ...>\n'
        "10 <... openat resumed>) = 3</w/a>\n"
        "11 <... openat resumed> )            = 4</w/b>\n"
        "10 +++ exited with 0 +++\n11 +++ exited with 0 +++\n",
    )
    assert short(found) == {"/w/a": "read", "/w/b": "write"}
    assert not found.processes.running and found.processes.first == 10


def test_a_line_whose_end_comes_while_it_is_read(tmp_path: Path) -> None:
    """The tracer writes on between two looks of the same reading."""
    whole = b'10 openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/a>\n10 openat(AT_FDCWD</w>, "b", O_RDONLY) = 3</w/b>\n'
    path = tmp_path / "trace"
    path.write_bytes(whole[:70])

    class Growing(io.FileIO):
        def readlines(self, hint: int | None = -1, /) -> list[bytes]:
            lines = super().readlines(hint or -1)
            path.write_bytes(whole)
            return lines

    class Trace(type(path)):  # type: ignore[misc]
        def open(self, mode: str = "rb") -> Growing:
            return Growing(self, "rb")

    found = trace.Reading("/w")
    found.go_on(Trace(path))
    found.go_on(path, to_the_end=True)
    assert short(found) == {"/w/a": "read", "/w/b": "read"}
    assert found.lines.damaged == 0
    assert found.offset == len(whole)


def test_without_the_folder_of_at_fdcwd(tmp_path: Path) -> None:
    """As older versions of strace have it: the folder is followed through chdir and fork."""
    found = reading(
        tmp_path,
        '10 execve("./run", ["./run"], 0x7ff /* 1 var */) = 0\n'
        '10 chdir("sub") = 0\n'
        '11 rename("x", "y") = 0\n'
        "10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 11\n"
        "10 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, exit_signal=0} <unfinished ...>\n"
        '12 chdir("deeper") = 0\n'
        "10 <... clone3 resumed> => {parent_tid=[12]}, 88) = 12\n"
        '10 link("p", "q") = 0\n'
        '11 chdir("/elsewhere") = 0\n'
        '11 renameat2(AT_FDCWD, "m", 5</fd>, "n", RENAME_NOREPLACE) = 0\n',
    )
    assert list(found.programs) == ["/w/run"]
    assert set(short(found)) == {
        *("/w/run", "/w/sub/x", "/w/sub/y", "/w/sub/deeper/p", "/w/sub/deeper/q"),
        *("/elsewhere/m", "/fd/n"),
    }
    assert found.unresolved == 0


def test_failures_and_what_is_no_file(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        '10 openat(AT_FDCWD</w>, "a", O_RDONLY) = -1 ENOENT (No such file or directory)\n'
        '10 openat(AT_FDCWD</w>, "b", O_RDONLY <unfinished ...>) = ?\n'
        '10 openat(AT_FDCWD</w>, "p", O_RDONLY|O_PATH) = 3</w/p>\n'
        '10 openat(AT_FDCWD</w>, "d", O_RDONLY|O_DIRECTORY) = 3</w/d>\n'
        '10 openat(AT_FDCWD</w>, ".", O_RDWR|O_TMPFILE, 0600) = 3</w/#1>(deleted)\n'
        '10 openat(AT_FDCWD</w>, "g", O_RDONLY) = 3</w/g>(deleted)\n'
        '10 openat(AT_FDCWD</w>, "/proc/self/fd/4", O_RDONLY) = 3<pipe:[77]>\n'
        '10 execve("/no", ["no"], 0x1 /* 3 vars */) = -1 ENOENT (No such file or directory)\n'
        '10 rename("x", "y") = -1 EACCES (Permission denied)\n'
        '10 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("1.2.3.4")}, 16)'
        " = -1 ECONNREFUSED (Connection refused)\n",
    )
    assert short(found) == {"/w/g": "read"}
    assert not found.programs and not found.connections


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('open("a", O_RDONLY|O_CLOEXEC) = 3</w/a>', {"/w/a": "read"}),
        ('creat("a", 0644) = 3</w/a>', {"/w/a": "write"}),
        ('openat2(AT_FDCWD, "a", {flags=O_WRONLY, resolve=0}, 24) = 3</w/a>', {"/w/a": "write"}),
        ('openat(AT_FDCWD, "a", O_RDWR|O_CREAT, 0644) = 3</w/a>', {"/w/a": "read"}),
        ('openat(AT_FDCWD, "a", O_RDWR|O_CREAT|O_TRUNC, 0644) = 3</w/a>', {"/w/a": "write"}),
        ('openat(AT_FDCWD, "a", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</w/a>', {"/w/a": "write"}),
        ('symlinkat("/far", 5</fd>, "l") = 0', {"/fd/l": "write"}),
        ('truncate("/w/a", 0) = 0', {"/w/a": "write"}),
        ('openat(AT_FDCWD, "x, O_WRONLY) = 3", O_RDONLY) = 3</w/x, O_WRONLY) = 3>', None),
        ('openat(AT_FDCWD</w/\\76, \\"x\\74\\n>, "a", O_RDONLY) = 3</w/\\76, \\"x\\74\\n/a>',
         {'/w/>, "x<\n/a': "read"}),
    ],
)  # fmt: skip
def test_calls(tmp_path: Path, line: str, wanted: dict[str, str] | None) -> None:
    found = short(reading(tmp_path, f"10 {line}\n"))
    assert found == ({"/w/x, O_WRONLY) = 3": "read"} if wanted is None else wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = 0', "10.0.0.1:80"),
        ('{sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", '
         "&sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS (Operation now in progress)", "[::1]:443"),
        ('{sa_family=AF_UNIX, sun_path="/run/x y"}, 110) = 0', "unix:/run/x y"),
        ('{sa_family=AF_UNIX, sun_path=@"abc"}, 6) = 0', "unix:@abc"),
    ],
)  # fmt: skip
def test_connections(tmp_path: Path, text: str, wanted: str) -> None:
    found = reading(tmp_path, f"10 connect(3<socket:[5]>, {text}\n")
    assert found.connections == {wanted}


def test_damage_is_counted_and_passed_over(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        b"\xff\xfe\nstrace: something is wrong\n\n"
        b'10 openat(AT_FDCWD, "a", O_RDONLY) = 3</w/a>\n'
        b"11 <... openat resumed>) = 3</w/never>\n"
        b'10 openat(AT_FDCWD, "cut", O_RDO',
    )
    assert short(found) == {"/w/a": "read"}
    assert found.lines.damaged == 4
    assert found.processes.running == {10, 11}


def test_a_relative_name_from_nowhere_is_counted(tmp_path: Path) -> None:
    found = reading(
        tmp_path, '10 openat(AT_FDCWD, "a", O_RDONLY) = 3</w/a>\n77 rename("x", "y") = 0\n'
    )
    assert found.unresolved == 2


def test_an_empty_trace(tmp_path: Path) -> None:
    assert short(reading(tmp_path, "")) == {}
    assert reading(tmp_path, "").processes.first is None


def test_a_trace_that_grows_is_read_on_and_gives_its_space_back(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    line = b'10 openat(AT_FDCWD</w>, "%d", O_RDONLY) = 3</w/%d>\n'
    whole = b"".join(line % (number, number) for number in range(5000))
    path.write_bytes(whole[:100_003])
    found = trace.Reading("/w")
    found.go_on(path)
    assert 0 < found.offset <= 100_003
    free(path, found.offset)
    with path.open("ab") as file:
        file.write(whole[100_003:])
    found.go_on(path)
    assert found.offset == len(whole) == path.stat().st_size
    assert len(found.ledger.accesses()) == 5000
    assert found.lines.damaged == 0


def test_space_is_given_back_while_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "ENOUGH", 1000)
    path = tmp_path / "trace"
    path.write_bytes(b'10 openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/a>\n' * 10_000)
    before = path.stat().st_blocks
    compactor = space.Compactor(path, trace.Reading("/w"), every=0.001)
    compactor.start()
    while compactor._reading.offset < path.stat().st_size:
        pass
    found = compactor.stop()
    assert short(found) == {"/w/a": "read"}
    assert path.stat().st_blocks < before or not space.free(path, 1 << 12)


def test_a_number_that_is_given_to_another_process(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        '10 openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/a>\n'
        "10 vfork() = 11\n"
        '11 openat(AT_FDCWD</else>, "a", O_RDONLY) = 3</else/a>\n'
        "11 +++ killed by SIGKILL +++\n"
        '10 chdir("/now") = 0\n'
        "10 vfork() = 11\n"
        '11 rename("x", "y") = 0\n',
    )
    assert "/now/y" in short(found)


def test_io_uring_is_noticed(tmp_path: Path) -> None:
    assert reading(
        tmp_path, "10 io_uring_setup(8, {flags=0}) = 4<anon_inode:[io_uring]>\n"
    ).io_uring
    assert not reading(tmp_path, "10 io_uring_setup(8, {}) = -1 EPERM (No)\n").io_uring


@pytest.mark.parametrize(
    ("word", "wanted"),
    [(b"a\\nb\\t\\\"\\\\", 'a\nb\t"\\'), (b"\\377\\303\\274", "\udcffü"), (b"\\1012", "A2"), (b"\\x41", "A")],
)  # fmt: skip
def test_quoting(word: bytes, wanted: str) -> None:
    assert unescaped(word) == wanted
