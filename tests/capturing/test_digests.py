"""The digest cache: never a stale digest, never an error of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from repro.capturing import digests as module
from repro.capturing import hashing
from repro.capturing.digests import Digests, Unsteady
from repro.errors import ReproError


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were really read."""
    seen: list[str] = []
    read = module._read

    def counted(name: str, *rest: object) -> object:
        seen.append(name)
        return read(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_read", counted)
    return seen


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files come to rest at once, where waiting for it is not what is tested."""
    monkeypatch.setattr(module, "SETTLED", -1000.0)


def stats(folder: Path) -> dict[str, os.stat_result]:
    return {
        path.relative_to(folder).as_posix(): path.stat()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("soon")
def test_an_unchanged_file_is_not_read_again(tmp_path: Path, reads: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    for _ in range(3):
        with Digests(tmp_path / "cache") as digests:
            assert digests.of(path) == md5(b"content")
    assert len(reads) == 1


@pytest.mark.usefixtures("soon")
def test_only_changed_files_of_a_folder_are_read_again(tmp_path: Path, reads: list[str]) -> None:
    folder = tmp_path / "folder"
    for name in ("a", "sub/b", "gone", "\udcff.bin", "ü", "sub0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.fsencode(name))
    with Digests(tmp_path / "cache") as digests:
        first = digests.of_folder(str(folder), stats(folder))
    assert first == {name: md5(os.fsencode(name)) for name in stats(folder)}
    reads.clear()
    (folder / "a").write_bytes(b"new")
    (folder / "gone").unlink()
    with Digests(tmp_path / "cache") as digests:
        second = digests.of_folder(str(folder), stats(folder))
        assert reads == [str(folder / "a")]
        assert second == {**{k: v for k, v in first.items() if k != "gone"}, "a": md5(b"new")}
        assert set(digests._known(os.fsencode(f"{folder}/"), "md5")) == set(second)


def test_a_file_changed_within_a_clock_tick_is_never_taken_for_unchanged(tmp_path: Path) -> None:
    """Same size, same inode, modification time set back, and as fast as this machine can."""
    path = tmp_path / "file"
    stale = 0
    with Digests(tmp_path / "cache") as digests:
        for number in range(300):
            content = f"{number:08}".encode()
            with path.open("r+b" if path.exists() else "wb") as stream:
                stream.write(content)
            os.utime(path, ns=(0, 0))
            stale += digests.of(path) != md5(content)
    assert stale == 0


def test_a_young_file_is_not_kept_even_if_its_times_do_not_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coarse clock, made certain: both states of the file carry the very same times."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    frozen = module._identity(path.stat())
    monkeypatch.setattr(module, "_identity", lambda stat: frozen)
    with Digests(tmp_path / "cache") as digests:
        assert digests.of(path) == md5(b"one")
        path.write_bytes(b"two")
        assert digests.of(path) == md5(b"two")
        assert digests.of_folder(str(tmp_path), {"file": path.stat()}) == {"file": md5(b"two")}


def test_a_file_at_rest_is_kept(tmp_path: Path, reads: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with Digests(tmp_path / "cache") as digests:
        digests.of(path)
        digests.of(path)
        assert len(reads) == 2
        time.sleep(module.SETTLED + 0.1)
        digests.close()
        digests.of(path)
        digests.close()
        digests.of(path)
        assert len(reads) == 3


@pytest.mark.usefixtures("soon")
def test_times_that_were_set_back_do_not_deceive(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    before = path.stat()
    with Digests(tmp_path / "cache") as digests:
        assert digests.of(path) == md5(b"old")
        digests.close()
        time.sleep(0.02)
        path.write_bytes(b"new")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_mtime_ns == before.st_mtime_ns
        assert digests.of(path) == md5(b"new")
        other = tmp_path / "other"
        other.write_bytes(b"two")
        shutil.copystat(path, other)
        other.replace(path)
        assert digests.of(path) == md5(b"two")


def test_a_file_that_keeps_changing_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x")
    hash_all = module.HASHERS["md5"]

    def growing(*values: object) -> str:
        with path.open("ab") as stream:
            stream.write(b"y")
        return hash_all(*values)  # type: ignore[arg-type]

    monkeypatch.setitem(module.HASHERS, "md5", growing)
    with Digests(tmp_path / "cache") as digests, pytest.raises(Unsteady, match="keeps changing"):
        digests.of(path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with Digests(tmp_path / "cache") as digests, pytest.raises(ReproError, match="gone"):
        digests.of(tmp_path / "gone")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("garbage", [b"", b"no sqlite at all" * 100, None])
def test_a_corrupt_cache_is_thrown_away(
    tmp_path: Path, reads: list[str], garbage: bytes | None
) -> None:
    cache, path = tmp_path / "cache", tmp_path / "file"
    path.write_bytes(b"content")
    with Digests(cache) as digests:
        digests.of(path)
    content = cache.read_bytes()
    half = len(content) // 2
    cache.write_bytes(content[:half] + b"\xff" * half if garbage is None else garbage)
    for _ in range(2):
        with Digests(cache) as digests:
            assert digests.of(path) == md5(b"content")
            assert digests.of_folder(str(tmp_path), {"file": path.stat()})["file"]
    assert 2 <= len(reads) <= 3


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "plain").write_bytes(b"")
    for cache in (tmp_path / "plain" / "cache", tmp_path):
        with Digests(cache) as digests:
            assert digests.of(tmp_path / "file") == md5(b"content")


@pytest.mark.usefixtures("soon")
def test_a_locked_cache_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    path, cache = tmp_path / "file", tmp_path / "cache"
    path.write_bytes(b"content")
    with Digests(cache) as digests:
        digests.of(path)
    holder = sqlite3.connect(cache, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    connect = sqlite3.connect
    monkeypatch.setattr(
        module.sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.05})
    )
    with Digests(cache) as digests:
        assert digests.of(path) == md5(b"content")
    holder.execute("ROLLBACK")
    assert holder.execute("SELECT count(*) FROM digests_1").fetchone() == (1,)
    holder.close()


def test_processes_at_once_do_not_break_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(200):
        (folder / str(number)).write_bytes(str(number).encode())
    program = (
        "import sys, os; from pathlib import Path; from repro.capturing import digests as m\n"
        "m.SETTLED = -1000.0\n"
        "folder, cache = map(Path, sys.argv[1:])\n"
        "stats = {p.name: p.stat() for p in folder.iterdir()}\n"
        "for _ in range(20):\n"
        "    with m.Digests(cache) as digests:\n"
        "        found = digests.of_folder(str(folder), stats)\n"
        "        digests.of(folder / '7', 'sha256')\n"
        "assert len(found) == 200\n"
    )
    words = [sys.executable, "-c", program, str(folder), str(tmp_path / "cache")]
    running = [subprocess.Popen(words) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    with Digests(tmp_path / "cache") as digests:
        found = digests.of_folder(str(folder), stats(folder))
    assert found == {str(number): md5(str(number).encode()) for number in range(200)}


@pytest.mark.usefixtures("soon")
def test_large_folders_are_read_by_threads_and_an_interrupt_stops_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(8):
        (folder / str(number)).write_bytes(bytes([number]) * (hashing.CHUNK + number))
    found = stats(folder)
    seen: list[tuple[str, int]] = []
    with Digests(tmp_path / "cache") as digests:
        result = digests.of_folder(
            str(folder), found, "sha256", lambda name, size: seen.append((name, size))
        )
    assert result == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in found
    }
    assert sorted(seen) == [(str(folder / name), found[name].st_size) for name in sorted(found)]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with Digests(tmp_path / "other") as digests, pytest.raises(KeyboardInterrupt):
        digests.of_folder(str(folder), found, "md5", interrupted)
    assert threading.active_count() <= before
