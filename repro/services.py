"""Servers that a command logged to. When it is recorded they are asked what it logged; at a replay, which
reaches no network, a server of the environment's own stands in for them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from repro.engines.base import Job
from repro.errors import Unreplayable
from repro.manifest import Finding, Metric, MetricSource, Package, Service, Severity, SourceState
from repro.trackers import mlflow, standin

MLFLOW = "mlflow"
SOURCE = "<mlflow>"
"""What the metrics in a server name as their source: its address says nothing of the training."""
VARIABLE = "MLFLOW_TRACKING_URI"
INSIDE = "/repro/mlflow"
"""Where an isolated replay sees the folder of the server that stands in."""
_ANYWHERE = "http://127.0.0.1:5000"


@dataclass(frozen=True)
class Used:
    """What a run had of servers."""

    services: tuple[Service, ...] = ()
    sources: tuple[MetricSource, ...] = ()
    metrics: tuple[Metric, ...] = ()
    findings: tuple[Finding, ...] = ()


def used(
    connections: Iterable[str],
    environ: Mapping[str, str],
    packages: Iterable[Package],
    started: float,
) -> Used:
    """The MLflow server that the command logged to, if any, with the metrics of the runs that began since.

    ``connections``: as they were seen, ``127.0.0.1:5000``. Nobody is asked where MLflow is not installed.
    """
    if not any(item.name in ("mlflow", "mlflow-skinny") for item in packages):
        return Used()
    service = _configured(environ) or _connected(connections)
    if service is None:
        return Used()
    try:
        url = environ[VARIABLE] if service.variable else service.url
        found = mlflow.read(url, SOURCE, started)
    except (OSError, ValueError) as error:
        return _unread(service, " ".join(str(error).split()))
    if found.state is SourceState.STALE:
        return Used()  # it was asked, and nothing was logged
    source = MetricSource(SOURCE, found.state, declared=False, detail=found.detail, runs=found.runs)
    return Used((service,), (source,), found.metrics, tuple(_concerns(service)))


def _configured(environ: Mapping[str, str]) -> Service | None:
    url = environ.get(VARIABLE, "")
    if urlsplit(url).scheme not in ("http", "https"):
        return None
    return Service(MLFLOW, mlflow.shown(url), VARIABLE)


def _connected(connections: Iterable[str]) -> Service | None:
    for address in connections:
        url = f"http://{address}"
        if _is_loopback(url) and mlflow.is_mlflow_server(url):
            return Service(MLFLOW, url)
    return None


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return bool(parts.port) and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _unread(service: Service, why: str) -> Used:
    finding = Finding(
        Severity.RISKS,
        "metrics",
        f"what the run logged to MLflow at {service.url} could not be read: {why}",
        "see that the server answers, and record again; else these metrics are not compared",
    )
    return Used(findings=(finding,))


def _concerns(service: Service) -> Iterable[Finding]:
    yield Finding(
        Severity.NOTE,
        "metrics",
        f"the run logged to MLflow at {service.url}: its metrics are recorded, the artifacts that it sent there"
        " are not; a replay logs to a server of its own",
        "write what is to be compared into the project as well",
    )
    if not _is_loopback(service.url):
        yield Finding(
            Severity.NOTE,
            "metrics",
            "of a server that others use, their runs that began in the same time are taken along",
            "if metrics of others show up: record again when nobody else trains",
        )


@dataclass(frozen=True)
class StandIn:
    """The server of one replay. ``folder`` is where it keeps its runs, ``inside`` what the command sees of
    that folder."""

    service: Service
    folder: Path
    inside: str

    @property
    def url(self) -> str:
        return self.service.url if _can_stand_in(self.service.url) else _ANYWHERE

    def around(self, job: Job) -> Job:
        """The job with the server beside it. Raises Unreplayable where none can be."""
        if self.url != self.service.url and not self.service.variable:
            raise Unreplayable(
                f"the run logged to MLflow at {self.service.url}, and no server can stand in for it there",
                f"let the code take the address from {VARIABLE}, and record again",
            )
        mounts = {self.inside: self.folder} if self.inside != str(self.folder) else {}
        env = {self.service.variable: self.url} if self.service.variable else {}
        return replace(
            job,
            argv=standin.wrapped(job.argv, self.url, self.inside),
            env={**job.env, **env},
            mounts={**job.mounts, **mounts},
        )

    def logged(self, started: float) -> tuple[MetricSource, tuple[Metric, ...]]:
        """What the command logged to it. Raises Unreplayable where it did not stand."""
        if reason := standin.failure(self.folder):
            raise Unreplayable(
                f"the run logged to MLflow at {self.service.url}, for which a server stands in: {reason}",
                "record with mlflow itself installed (not mlflow-skinny), and with that address free where"
                " the replay is not isolated",
            )
        try:
            found = standin.read(self.folder, SOURCE, started)
        except (OSError, ValueError) as error:
            detail = " ".join(str(error).split())
            return MetricSource(SOURCE, SourceState.UNREADABLE, declared=False, detail=detail), ()
        source = MetricSource(
            SOURCE, found.state, declared=False, detail=found.detail, runs=found.runs
        )
        return source, found.metrics


def _can_stand_in(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and _is_loopback(url) and not parts.path.strip("/")


def stand_in(services: Iterable[Service], folder: Path, *, isolated: bool) -> StandIn | None:
    """What stands in for the servers that a run used; None where it used none."""
    for service in services:
        if service.name == MLFLOW:
            return StandIn(service, folder, INSIDE if isolated else str(folder))
    return None
