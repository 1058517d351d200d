"""A container is gone when its block ends, also where an interrupt comes while the engine is making it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests.exceptions

from repro import sessions
from repro.engines.docker import container
from repro.errors import EngineError
from repro.store import Store

docker_errors = pytest.importorskip("docker.errors")


class SlowEngine:
    """As the real one does, it makes a container to the end when nobody waits for it any more.

    A real one cannot be made to take its time over just this.
    """

    def __init__(self, refuses: bool = False) -> None:
        self.there: set[str] = set()
        self.finished = threading.Event()
        self.refuses = refuses
        self.containers = SimpleNamespace(create=self._create)
        self.api = SimpleNamespace(remove_container=self._remove)

    def _create(self, name: str) -> Any:
        def make() -> None:
            if not self.refuses:
                self.there.add(name)
            self.finished.set()

        threading.Timer(0.3, make).start()
        os.kill(os.getpid(), signal.SIGINT)
        self.finished.wait(30)
        if self.refuses:
            raise docker_errors.APIError("no space left on device")
        return SimpleNamespace(name=name)

    def _remove(self, name: str, **_: Any) -> None:
        if name not in self.there:
            raise docker_errors.NotFound("no such container")
        self.there.remove(name)


@pytest.fixture
def interruptible() -> Any:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("refuses", [False, True])
def test_an_interrupt_while_it_is_made(tmp_path: Path, interruptible: Any, refuses: bool) -> None:
    engine: Any = SlowEngine(refuses)
    with (
        sessions.session(Store.open(tmp_path)) as session,
        pytest.raises(KeyboardInterrupt),
        container.created(engine, session, {}),
    ):
        raise AssertionError("it went on")
    assert engine.finished.wait(30)
    assert engine.there == set()


@pytest.mark.parametrize("started", [False, True])
def test_an_interrupt_while_the_thread_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    real = threading.Thread.start
    engine: Any = SlowEngine()
    threads = []

    def made(name: str) -> Any:
        engine.there.add(name)
        return SimpleNamespace(name=name)

    def interrupted(thread: threading.Thread) -> None:
        threads.append(thread)
        if started:
            real(thread)
        raise KeyboardInterrupt

    engine.containers.create = made
    with sessions.session(Store.open(tmp_path)) as session:
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt), container.created(engine, session, {}):
            raise AssertionError("it went on")
        monkeypatch.undo()
    (thread,) = threads
    if not started:
        real(thread)  # it comes late, and finds that nobody wants it any more
    thread.join(30)
    assert engine.there == set()


def test_a_refusal_is_an_error_of_the_engine(tmp_path: Path) -> None:
    def refuse(name: str) -> Any:
        raise docker_errors.APIError("no space left on device")

    engine: Any = SlowEngine()
    engine.containers.create = refuse
    with (
        sessions.session(Store.open(tmp_path)) as session,
        pytest.raises(EngineError, match="creating a container: no space left on device"),
        container.created(engine, session, {}),
    ):
        raise AssertionError("it went on")


class DeadEngine(SlowEngine):
    """One that dies once it has made a container."""

    def _create(self, name: str) -> Any:
        self.there.add(name)
        return SimpleNamespace(name=name)

    def _remove(self, name: str, **_: Any) -> None:
        raise requests.exceptions.ConnectionError("Connection aborted.")


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_dead_engine_cannot_remove_waits_for_the_next_command(
    tmp_path: Path, fails: bool
) -> None:
    store = Store.open(tmp_path)
    engine: Any = DeadEngine()
    with contextlib.suppress(EngineError), sessions.session(store) as session:
        session.folder("workspace")
        with container.created(engine, session, {}):
            if fails:
                raise EngineError("it does not answer")
    assert [path.name for path in session.path.iterdir()] == [sessions.CONTAINERS]
    removed: list[str] = []
    assert sessions.sweep(store, removed.append) == ()
    assert removed == [session.name]
    assert not session.path.exists()


def test_an_engine_that_breaks_off_while_it_runs_is_an_error_of_the_engine() -> None:
    def broken(*_: Any, **__: Any) -> Any:
        yield b"a line\n", None
        raise ConnectionResetError(104, "Connection reset by peer")

    engine: Any = SimpleNamespace(api=SimpleNamespace(attach=broken))
    made: Any = SimpleNamespace(id="x", start=lambda: None, stats=lambda **_: [])
    sink: Any = SimpleNamespace(stdout=lambda _: None, stderr=lambda _: None)
    with pytest.raises(EngineError, match="failed while running the container"):
        container.Running(engine, made).to_end(sink)
