"""Sessions: what a command holds is gone with it, and what a killed one left is cleared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from repro import locks, sessions
from repro.errors import Busy
from repro.store import Store

HOLDING = """
import pathlib, sys
from repro import sessions
from repro.store import Store

store = Store.open(pathlib.Path(sys.argv[1]))
with sessions.exclusively(store, "python train.py"), sessions.session(store) as session:
    {body}
    print(session.name, flush=True)
    sys.stdin.read()
"""

Hold = Callable[..., "tuple[subprocess.Popen[bytes], str]"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "project")


@pytest.fixture
def hold(store: Store) -> Iterator[Hold]:
    """Starts another process that holds a session of this store; returns it and the session's name."""
    started: list[subprocess.Popen[bytes]] = []

    def start(body: str = "pass") -> tuple[subprocess.Popen[bytes], str]:
        program = HOLDING.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip())
        child = subprocess.Popen(
            [sys.executable, "-c", program, store.project],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(child)
        assert child.stdout
        return child, child.stdout.readline().decode().strip()

    yield start
    for child in started:
        child.kill()
        child.communicate()


def kill(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait(30)


def left(store: Store) -> list[str]:
    """The sessions that are there; each has its lock, and no lock is there without one."""
    names = sorted(path.name for path in (store.root / "tmp").iterdir())
    locks = store.root / "locks"
    held = {path.name for path in locks.iterdir()} if locks.exists() else set()
    assert held == {name for name in names if not (store.root / "tmp" / name / "kept").exists()}
    return names


def none_expected(name: str) -> None:
    raise AssertionError(f"no containers were expected: {name}")


# --- one session ----------------------------------------------------------------------------


def test_a_session_is_a_folder_that_goes_with_the_block(store: Store) -> None:
    with sessions.session(store) as session:
        assert left(store) == [session.name]
        assert session.name.startswith(f"{os.getpid()}-")
        folder = session.folder("workspace")
        (folder / "file").write_text("x")
        folder.chmod(0o500)
        assert sessions.abandoned(store) == ()
    assert left(store) == []


def test_it_goes_also_when_the_block_fails(store: Store) -> None:
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), sessions.session(store):
            raise error
    assert left(store) == []


def test_it_stays_where_the_caller_asked_to_keep_it(store: Store) -> None:
    with sessions.session(store, keep=lambda: True) as session:
        (session.path / "kept").touch()
    assert left(store) == [session.name]
    assert sessions.sweep(store, none_expected) == ()
    assert left(store) == [session.name]


# --- what a killed process left -------------------------------------------------------------


def test_a_living_process_keeps_its_session(store: Store, hold: Hold) -> None:
    _, name = hold()
    assert sessions.sweep(store, none_expected) == ()
    assert left(store) == [name]


def test_a_killed_process_loses_it(store: Store, hold: Hold) -> None:
    child, name = hold()
    kill(child)
    assert [session.name for session in sessions.abandoned(store)] == [name]
    assert sessions.sweep(store, none_expected) == ()
    assert left(store) == []


def test_a_run_that_was_never_recorded_is_named(store: Store, hold: Hold) -> None:
    child, _ = hold("sessions.note_unfinished(session, '2026-01-15T12:00:00Z', 'python train.py')")
    kill(child)
    (line,) = sessions.sweep(store, none_expected)
    assert "2026-01-15T12:00:00Z" in line and "python train.py" in line
    assert sessions.sweep(store, none_expected) == ()


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"started": 1}'])
def test_a_damaged_note_is_passed_over(store: Store, hold: Hold, note: str) -> None:
    child, _ = hold(f"(session.path / 'unfinished.json').write_text({note!r})")
    kill(child)
    sessions.sweep(store, none_expected)
    assert left(store) == []


def test_containers_are_removed_by_the_sessions_name(store: Store, hold: Hold) -> None:
    child, name = hold("session.expect_containers()")
    kill(child)
    removed: list[str] = []
    assert sessions.sweep(store, removed.append) == ()
    assert removed == [name]
    assert left(store) == []


def test_while_the_engine_is_down_the_session_waits_for_the_next_command(
    store: Store, hold: Hold
) -> None:
    child, name = hold("session.expect_containers()")
    kill(child)

    def down(name: str) -> None:
        raise OSError("connection refused")

    (line,) = sessions.sweep(store, down)
    assert name in line and "connection refused" in line
    assert left(store) == [name]
    sessions.sweep(store, lambda name: None)
    assert left(store) == []


def test_half_written_files_of_a_killed_process_are_removed(store: Store, hold: Hold) -> None:
    body = """
        from repro import canonical
        store.put_bytes(b"whole", "role")
        writing = canonical.writing(store.blob_path("sha256:" + "0" * 64))
        writing.__enter__().write(b"half")
        class Slow:
            def read(self, size):
                if hasattr(self, "begun"):
                    print(session.name, flush=True)
                    sys.stdin.read()
                self.begun = True
                return b"half"
        store.put_stream(Slow(), "role")
    """
    child, _ = hold(body)
    # the living keep theirs
    assert sessions.sweep(store, none_expected) == ()
    assert len(list((store.root / "blobs").rglob(".*"))) == 2
    kill(child)
    sessions.sweep(store, none_expected)
    assert list((store.root / "blobs").rglob(".*")) == []
    assert len(list((store.root / "blobs" / "sha256").iterdir())) == 1


def test_a_folder_without_a_lock_is_nobodys(store: Store) -> None:
    (store.root / "tmp" / "1-abc" / "inner").mkdir(parents=True)
    sessions.sweep(store, none_expected)
    assert left(store) == []


def test_no_session_can_be_seen_before_it_is_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire = locks.acquire

    def late(stream: IO[str]) -> bool:
        """Somebody else clears up at the worst moment."""
        monkeypatch.setattr(locks, "acquire", acquire)
        sessions.sweep(store, none_expected)
        return acquire(stream)

    monkeypatch.setattr(locks, "acquire", late)
    with sessions.session(store) as session:
        assert session.path.is_dir()


def test_commands_that_start_while_others_clear_up_keep_their_sessions(store: Store) -> None:
    program = f"""
import pathlib, sys
from repro import sessions
from repro.store import Store

store = Store.open(pathlib.Path({str(store.project)!r}))
for _ in range(100):
    sessions.sweep(store, lambda name: None)
    with sessions.session(store) as session:
        (session.path / "file").touch()
"""
    children = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)
    ]
    said = [child.communicate(timeout=120)[1].decode() for child in children]
    assert said == ["", "", ""]
    assert left(store) == []


def test_a_store_without_sessions_is_fine(tmp_path: Path) -> None:
    assert sessions.sweep(Store(tmp_path / "nothing"), none_expected) == ()


# --- one recording at a time ----------------------------------------------------------------


def test_a_second_recording_is_told_who_holds_the_project(store: Store, hold: Hold) -> None:
    child, _ = hold()
    holder = rf"pid {child.pid}, since .*: python train\.py"
    with pytest.raises(Busy, match=holder) as error, sessions.exclusively(store, "another"):
        pass
    assert "git worktree add" in error.value.hint


def test_the_project_is_free_again_after_a_kill_or_an_error(store: Store, hold: Hold) -> None:
    child, _ = hold()
    kill(child)
    with pytest.raises(RuntimeError), sessions.exclusively(store, "fails"):
        raise RuntimeError
    with sessions.exclusively(store, "goes on"):
        pass
    assert (store.root / "running").read_bytes() == b""


def test_the_purpose_is_one_line_whatever_it_holds(store: Store) -> None:
    with sessions.exclusively(store, "sh -c 'a\nb' \udcff"):
        held = (store.root / "running").read_text("utf-8")
        assert "\n" not in held and "\\udcff" in held
        with pytest.raises(Busy, match="a b"), sessions.exclusively(store, "second"):
            pass
