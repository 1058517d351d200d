"""One container, from its creation to its removal: what it may do, what it prints, when it ends."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container
from docker.types import DeviceRequest, Mount

from repro import interrupts, process
from repro.engines import uv
from repro.engines.base import Job, Ready
from repro.engines.docker import confining
from repro.engines.docker.client import FAULTS, explained, short, uninterrupted
from repro.errors import EngineError, ReproError, Unreplayable
from repro.process import Execution, Sink
from repro.sessions import Session

UNPRIVILEGED = 1000
"""uid and gid of a replay whose caller is root."""
PROCESS_LIMIT = 8192
HOME = "/repro/home"
PATIENCE = 30.0
"""Seconds that an interrupted command waits for a container that is being made, to remove it."""


@contextlib.contextmanager
def created(
    client: docker.DockerClient,
    session: Session,
    options: Mapping[str, Any],
    afterwards: Callable[[Callable[[], None]], object] | None = None,
) -> Iterator[Container]:
    """A container that carries the session's name, gone when the block ends.

    With ``afterwards``, which gets the removal, a block that ends well does not wait for it.
    """
    session.expect_containers()
    name = f"{prefix(session.name)}{os.urandom(3).hex()}"

    def remove() -> None:
        with uninterrupted():
            try:
                client.api.remove_container(name, force=True, v=True)
            except docker.errors.NotFound:
                pass
            except FAULTS:
                # what went wrong before is what counts; the next command finds an engine, or tries again
                session.leave_containers()

    # in a thread: an interrupt does not keep the engine from making what it was asked for, and what is not
    # made yet cannot be removed
    making: Future[Container] = Future()
    try:
        _begin(making, lambda: client.containers.create(name=name, **options))
        while not making.done():
            wait([making], timeout=0.2)  # in pieces, or Ctrl-C would not be heard on Windows
        with explained("creating a container"):
            container = making.result()
        yield container
    except BaseException:
        with interrupts.ignored():
            if not making.cancel():  # begun already
                wait([making], timeout=PATIENCE)
        remove()
        raise
    (afterwards or _now)(remove)


def _begin(future: Future[Container], work: Callable[[], Container]) -> None:
    """Do the work in a thread that the end of the process does not wait for, unless the future is cancelled
    before it has begun. An interrupt may come while this starts the thread."""

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()


def _now(work: Callable[[], None]) -> None:
    work()


def prefix(session_name: str) -> str:
    """How the names of a session's containers begin."""
    return f"repro-{session_name}-"


def options(client: docker.DockerClient, ready: Ready, job: Job) -> dict[str, Any]:
    """What the engine is told: no network unless asked, no privileges, not root."""
    user, group = _identity(job)
    home = job.home or job.session.folder(f"home-{os.urandom(3).hex()}")
    home_inside = job.home_inside or HOME
    _give(home, user, group)
    mounts = [
        Mount(job.inside, str(job.workspace), type="bind"),
        Mount(home_inside, str(home), type="bind"),
        *(Mount(inside, str(path), type="bind") for inside, path in sorted(job.mounts.items())),
        *(
            Mount(inside, str(path), type="bind", read_only=True)
            for inside, path in sorted(job.sealed.items())
        ),
    ]
    if user != 0 and any(path.startswith("/root/") for path in (job.inside, *job.mounts)):
        # only root may enter the image's /root, and the recorded path lies below it
        above = job.session.folder(f"above-{os.urandom(3).hex()}")
        above.chmod(0o755)
        mounts.insert(0, Mount("/root", str(above), type="bind"))
    env: dict[str, str] = {}
    if ready.environment:
        # of an image of ours only: what another's is made to write in is not known
        mounts = [*_passing(job), *mounts]
    if job.uv and ready.environment:
        linux_uv = str(uv.linux_uv(client.info().get("Architecture", "")))
        mounts.append(Mount("/usr/local/bin/uv", linux_uv, type="bind", read_only=True))
        env = uv.run_environment(ready.environment)
    env |= {"HOME": home_inside, "USER": "repro", "LOGNAME": "repro", **job.env}
    options: dict[str, Any] = {
        "image": ready.handle,
        "command": list(job.argv),
        "user": f"{user}:{group}",
        "working_dir": f"{job.inside}/{job.working_directory}".rstrip("/"),
        "environment": env,
        "mounts": mounts,
        "network_mode": "bridge" if job.network else "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": PROCESS_LIMIT,
        "shm_size": _shared_memory(),
        "init": job.init,
        "stdin_open": False,
    }
    if ready.environment:
        options["read_only"] = True
    if job.hostname:
        options["hostname"] = job.hostname
    if job.fixed_addresses:
        options["security_opt"] = [*options["security_opt"], confining.WITH_PERSONALITY]
    if job.cpus is not None:
        options["cpuset_cpus"] = ",".join(map(str, _cpus(client, job.cpus)))
    if job.memory is not None:
        options["mem_limit"] = job.memory
    if job.gpus:
        options["device_requests"] = [DeviceRequest(count=-1, capabilities=[["gpu"]])]
    return options


def _passing(job: Job) -> list[Mount]:
    """Places for what passes, where the rest of the file system is read-only; on disk, as they may fill."""
    mounts = []
    for place in ("/tmp", "/var/tmp", "/run"):
        folder = job.session.folder(f"passing-{os.urandom(3).hex()}")
        folder.chmod(0o1777)
        mounts.append(Mount(place, str(folder), type="bind"))
    return mounts


def _cpus(client: docker.DockerClient, wanted: int) -> list[int]:
    if platform.system() == "Linux":
        return sorted(os.sched_getaffinity(0))[:wanted]
    return list(range(min(wanted, int(client.info().get("NCPU", wanted)))))


class Running:
    """A container from its start to its end: output, interrupt, peak memory."""

    def __init__(
        self, client: docker.DockerClient, container: Container, limit: float | None = None
    ) -> None:
        self._client, self._container, self._limit = client, container, limit
        self._peak: int | None = None
        self._last = b""
        """The end of what it printed on stderr: a line may come in pieces."""

    def to_end(self, sink: Sink, stop: threading.Event | None = None) -> Execution:
        api = self._client.api
        # attached before the start, so that no line can be missed
        with explained("listening to the container"):
            stream = api.attach(
                self._container.id, stream=True, demux=True, stdout=True, stderr=True
            )
        started, clock = time.time(), time.monotonic()
        try:
            self._container.start()
        except FAULTS as error:
            raise _not_started(error) from error
        threading.Thread(target=self._watch_memory, daemon=True).start()
        with (
            process.stopping(stop, self._kill) as stopped,
            self._limited(sink),
            explained("running the container"),
        ):
            interrupted = self._pump(stream, sink)
            code = int(api.wait(self._container.id)["StatusCode"])
        if code == 127 and b"[FATAL tini" in self._last:
            raise _not_there(self._last)
        with explained("looking at the container"):
            state = api.inspect_container(self._container.id)["State"]
        duration = _seconds(state) or time.monotonic() - clock
        if state.get("OOMKilled"):
            sink.stderr(b"repro: the container was ended because it ran out of memory\n")
        return Execution(code, started, duration, self._peak, interrupted, bool(stopped))

    def _pump(self, stream: Iterator[tuple[bytes | None, bytes | None]], sink: Sink) -> bool:
        """Pass on what it prints until it ends; True where it was interrupted before."""
        try:
            for out, err in stream:
                if out:
                    sink.stdout(out)
                if err:
                    self._last = (self._last + err)[-1000:]
                    sink.stderr(err)
        except KeyboardInterrupt:
            with uninterrupted(), contextlib.suppress(*FAULTS):
                # it gets a moment to end by itself, as a command on this machine does
                self._container.kill("SIGINT")
            killer = threading.Timer(process.GRACE, self._kill)
            killer.daemon = True
            killer.start()
            return True
        return False

    @contextlib.contextmanager
    def _limited(self, sink: Sink) -> Iterator[None]:
        """Within the block it is ended once its time is up."""

        def end() -> None:
            sink.stderr(f"repro: the container was ended after {self._limit:g} s\n".encode())
            self._kill()

        timer = threading.Timer(self._limit or 0, end)
        timer.daemon = True
        if self._limit is not None:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _kill(self) -> None:
        with contextlib.suppress(*FAULTS):
            self._container.kill()

    def _watch_memory(self) -> None:
        # sampled about once a second: the engine keeps no peak that outlives the container
        with contextlib.suppress(Exception):
            for sample in self._container.stats(stream=True, decode=True):
                usage = sample.get("memory_stats", {})
                seen = max(usage.get("max_usage") or 0, usage.get("usage") or 0)
                if seen:
                    self._peak = max(self._peak or 0, seen)


def _identity(job: Job) -> tuple[int, int]:
    """uid and gid inside: the caller's; never root, but for recording in an image as the owner."""
    if platform.system() != "Linux":
        return UNPRIVILEGED, UNPRIVILEGED  # Docker Desktop maps file ownership by itself
    if job.user is not None and os.getuid() == 0:
        return job.user, job.user
    if job.as_owner:
        status = job.workspace.stat()
        return status.st_uid, status.st_gid
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    return UNPRIVILEGED, UNPRIVILEGED


def _give(path: Path, user: int, group: int) -> None:
    if platform.system() == "Linux" and os.getuid() == 0:
        os.chown(path, user, group, follow_symlinks=False)


def give_all(folder: Path, owner: int | None = None) -> None:
    if platform.system() != "Linux" or os.getuid() != 0:
        return
    user = group = UNPRIVILEGED if owner is None else owner
    os.chown(folder, user, group)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), user, group, follow_symlinks=False)  # noqa: PTH118


def _shared_memory() -> int:
    """Bytes of /dev/shm: half the machine, as on a host; Docker's 64 MB break data loaders."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 2 << 30


def _seconds(state: Mapping[str, Any]) -> float | None:
    try:
        started, ended = (_moment(state[name]) for name in ("StartedAt", "FinishedAt"))
    except (KeyError, ValueError):
        return None
    return max(0.0, ended - started)


def _moment(text: str) -> float:
    whole, _, fraction = text.rstrip("Z").partition(".")
    base = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return base + float(f"0.{re.sub(r'[^0-9].*', '', fraction) or 0}")


def _not_there(said: bytes) -> Unreplayable:
    found = re.search(rb"exec (.+) failed", said)
    name = found[1].decode("utf-8", "replace") if found else "?"
    return Unreplayable(
        f"the command {name!r} is not in the environment's image",
        "name an image that has it (`image:` in repro.yaml), or record the run inside one: "
        "repro run --image REF",
    )


def _not_started(error: Exception) -> ReproError:
    text = short(error)
    if re.search(r"executable file not found|no such file or directory", text, re.I):
        return Unreplayable(
            f"the command is not in the image: {text}", "check the command and the image"
        )
    if re.search(r"could not select device driver|nvidia", text, re.I):
        return Unreplayable(
            f"the run had a GPU, and this engine cannot give one: {text}",
            "install the NVIDIA Container Toolkit, or replay on the CPU: --no-gpus",
        )
    return EngineError(f"the container could not be started: {text}")
