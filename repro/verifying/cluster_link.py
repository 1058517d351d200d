"""The connection to a Dask scheduler that somebody else runs: the one place where the asker speaks to Dask."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import ReproError, UsageError
from repro.verifying import cluster_worker

CONNECT = 10.0
"""Seconds within which the scheduler has to answer."""


class Unreachable(ReproError):
    """There is no scheduler at that address, or it is gone."""

    exit_code = 3


class GaveUp(Exception):
    """Dask makes the replay no more; says why."""


class Again(Exception):
    """It was not made, and it may be asked for once more."""


@dataclass(frozen=True)
class Address:
    """Where a scheduler is: an address of Dask's, or the file that it wrote of itself."""

    text: str
    is_file: bool = False

    @classmethod
    def of(cls, text: str) -> Address:
        """From ``dask://HOST:PORT``, ``dask+tls://HOST:PORT`` or ``dask:///PATH/scheduler.json``.
        Raises UsageError."""
        parts = re.fullmatch(r"dask(?:\+([a-z]+))?://(.+)", text)
        if not parts:
            raise UsageError(
                f"{text!r} names no scheduler", "dask://HOST:PORT, or dask:///PATH/scheduler.json"
            )
        scheme, rest = parts.groups()
        if scheme is None and rest.startswith(("/", "./", "../")):
            return cls(rest, is_file=True)
        if not re.fullmatch(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/?[^\s]*", rest):
            raise UsageError(f"{text!r} names no scheduler", "dask://HOST:PORT, e.g. :8786")
        return cls(f"{scheme or 'tcp'}://{rest.rstrip('/')}")


@dataclass(frozen=True)
class Worker:
    """One of the cluster's workers."""

    address: str
    id: str
    """As the worker calls itself (cluster_worker.identity): another one when it was started again at the
    same address. Dask's own ``id`` is the name here, where there is one."""
    name: str
    slots: int
    """Replays at once."""
    declared: bool
    """It says itself how many."""


class Asked:
    """One question that was put to the cluster."""

    def __init__(self, future: Any) -> None:
        self._future = future
        self._settled = threading.Event()
        future.add_done_callback(lambda _: self._settled.set())

    def is_settled(self, seconds: float) -> bool:
        """Wait for so long."""
        return self._settled.wait(seconds)

    def answer(self) -> Any:
        """What the worker said. Raises GaveUp where none could, Again where another one may."""
        try:
            return self._future.result(timeout=CONNECT)
        except CancelledError as error:
            raise GaveUp("Dask let go of it: the connection to the scheduler was lost") from error
        except Exception as error:
            if type(error).__name__ == "KilledWorker":
                count = getattr(error, "allowed_failures", 0) + 1
                raise GaveUp(
                    f"{count} workers were lost while they made it, so Dask tries no more"
                ) from error
            # a worker that came a moment ago and has no repro; it is not asked any more then
            raise Again(f"{type(error).__name__}: {error}") from error

    def cancel(self) -> None:
        """Nobody waits for the answer any more; who makes the replay sees that, and stops."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._future.cancel()


class Link:
    """A client of the scheduler. To be used as a context manager."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def open(cls, address: Address) -> Link:
        """Raises UsageError where Dask is not installed, Unreachable where nobody answers."""
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError(
                f"--scheduler needs Dask's distributed beside repro: {error}",
                "pip install 'repro-engine[dask]'",
            ) from error
        if address.is_file and not Path(address.text).is_file():
            raise Unreachable(
                f"there is no scheduler file {address.text}",
                "start one: dask scheduler --scheduler-file FILE",
            )
        _hush()
        try:
            if address.is_file:
                return cls(Client(scheduler_file=address.text, timeout=CONNECT, name="repro"))
            return cls(Client(address.text, timeout=CONNECT, name="repro"))
        except Exception as error:
            # what comes depends on the transport: OSError, ValueError, ssl's own, a damaged file's
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Unreachable(
                f"the scheduler at {address.text} does not answer: {said}",
                "is `dask scheduler` running there, and can it be reached from here?",
            ) from error

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close(timeout=CONNECT)

    def workers(self) -> dict[str, Worker]:
        """Those that there are now, by address."""
        try:
            if self._client.status != "running":
                return {}
            found = self._client.scheduler_info(n_workers=-1)["workers"]
        except Exception:  # the scheduler is gone, or going: then nobody is there
            return {}
        return {address: _worker(address, item) for address, item in found.items()}

    def hello(self, addresses: Iterable[str]) -> dict[str, str]:
        """The version of repro on each worker; ``none``, with the reason, of one that has none."""
        try:
            found = self._client.run(
                cluster_worker.hello, workers=list(addresses), on_error="return"
            )
        except Exception:  # one of them is gone: who is still there is asked at the next look
            return {}
        return {
            address: said if isinstance(said, str) else f"none ({said})"
            for address, said in found.items()
        }

    def ask(self, document: Mapping[str, Any], among: Iterable[Worker] | None) -> Asked:
        """Have one of these workers, or anyone, make a replay."""
        only = None if among is None else list(among)
        declared = only[0].declared if only else False
        future = self._client.submit(
            cluster_worker.answered,
            dict(document),
            key=document["key"],
            pure=False,
            workers=None if only is None else [item.address for item in only],
            resources={cluster_worker.RESOURCE: 1} if declared else None,
        )
        return Asked(future)

    def deliver(self, address: str, run: str, bundle: bytes) -> str:
        """Give a worker a run; what is wrong, or nothing."""
        try:
            said = self._client.run(cluster_worker.taken, run, bundle, workers=[address])
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return str(said.get(address, "it is gone"))

    def listen(self, topic: str, take: Callable[[Mapping[str, Any]], None]) -> None:
        """Hand on what workers tell under a topic."""
        self._client.subscribe_topic(topic, lambda event: take(event[1]))


def _worker(address: str, facts: Mapping[str, Any]) -> Worker:
    room = (facts.get("resources") or {}).get(cluster_worker.RESOURCE)
    slots = int(room) if isinstance(room, int | float) and room >= 1 else 0
    name = str(facts.get("name") or address)
    identity = cluster_worker.identity(address, facts.get("local_directory"))
    return Worker(address, identity, name, slots or 1, slots > 0)


def _hush() -> None:
    """Dask speaks of lost connections on stderr, in its own words; we have ours."""
    warnings.filterwarnings("ignore", module=r"distributed\..*")
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
