"""The connection to the engine, and its complaints in words."""

from __future__ import annotations

import contextlib
import platform
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions

from repro.errors import EngineError

FAULTS = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    ConnectionError,
)
"""All that docker-py raises, the last two where an answer breaks off while it is read."""
STARTING = "start it (systemctl start docker, or Docker Desktop), or replay without isolation: --engine venv"


def connect(environ: Mapping[str, str]) -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST or the current docker context names."""
    try:
        return docker.DockerClient(**_address(environ), timeout=600)
    except FAULTS as error:
        raise EngineError(f"the Docker Engine does not answer: {short(error)}", STARTING) from error


def _address(environ: Mapping[str, str]) -> dict[str, Any]:
    if environ.get("DOCKER_HOST"):
        return docker.utils.kwargs_from_env(environment=dict(environ))
    if platform.system() != "Windows" and not Path("/var/run/docker.sock").exists():
        # Docker Desktop, Colima and rootless engines are reached through a context
        with contextlib.suppress(Exception):
            context = docker.ContextAPI.get_current_context()
            if context and context.Host:
                return {"base_url": context.Host, "tls": context.TLSConfig}
    return {}


def short(error: BaseException) -> str:
    text = getattr(error, "explanation", None) or str(error)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if "FileNotFoundError" in text or ("No such file" in text and "sock" in text):
        return "no engine is running (its socket is not there)"
    if "Connection refused" in text or "ConnectionRefused" in text:
        return "connection refused"
    if "Permission denied" in text:
        return "permission denied on its socket (are you in the group `docker`?)"
    return " ".join(str(text).split())[:400]


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """A fault becomes an EngineError that says what was being done; an image that is not there stays
    ImageNotFound, because callers mean different things by it."""
    try:
        yield
    except docker.errors.ImageNotFound:
        raise
    except FAULTS as error:
        raise EngineError(
            f"the Docker Engine failed while {doing}: {short(error)}", STARTING
        ) from error


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Clearing up goes to its end: a second Ctrl-C waits until it is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def telling(output: bytes) -> str:
    """The line of a failed build that says most."""
    lines = [
        line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()
    ]
    telling = [line for line in lines if re.search(r"error|fail|no solution|not found", line, re.I)]
    return " ".join((telling or lines or ["no output"])[-3:])[:600]
