"""Runs as MLflow knows them: found by its ids and by its models, and taken down long after they happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from repro.errors import NotFound
from repro.manifest import Finding, Metric, MetricSource, Service, Severity, SourceState
from repro.project import Project
from repro.services import MLFLOW, SOURCE, VARIABLE
from repro.trackers import mlflow
from repro.trackers.nouns import TrackedRun

USUAL = ("mlflow.db", "mlruns")
COMMIT = "mlflow.source.git.commit"


@dataclass(frozen=True)
class Taken:
    """One run of MLflow's, for the record of a run that was not observed."""

    source: MetricSource
    metrics: tuple[Metric, ...]
    services: tuple[Service, ...]
    findings: tuple[Finding, ...]


def run_id(project: Project, wanted: str, environ: Mapping[str, str]) -> str:
    """MLflow's id of the run that is meant. Raises NotFound."""
    if wanted.startswith("mlflow:"):
        return wanted.removeprefix("mlflow:").strip("/")
    return _found(project, wanted, environ).id


def taken(project: Project, wanted: str, environ: Mapping[str, str], commit: str | None) -> Taken:
    """The metrics of a run that MLflow has, by its id. ``commit``: what is checked out now.

    Raises NotFound where MLflow has no such run, or is not to be found itself.
    """
    run = _found(project, wanted.removeprefix("mlflow:"), environ)
    place = _place(project, environ)
    name = _source(project, place)
    state = SourceState.READ if run.metrics else SourceState.EMPTY
    source = MetricSource(name, state, declared=True, runs=(run.id,))
    is_server = isinstance(place, str) and urlsplit(place).scheme in ("http", "https")
    services = (Service(MLFLOW, mlflow.shown(place), VARIABLE),) if is_server else ()
    return Taken(source, run.metrics, services, tuple(_findings(run, commit)))


def _findings(run: TrackedRun, commit: str | None) -> list[Finding]:
    found = []
    known = run.tags.get(COMMIT)
    if known and known != commit:
        found.append(
            Finding(
                Severity.RISKS,
                "source",
                f"MLflow says that the run was made from commit {known[:12]}; what is recorded is"
                f" {commit[:12] if commit else 'no commit'}",
                f"git checkout {known[:12]}, and capture again",
            )
        )
    elif not known:
        found.append(
            Finding(
                Severity.RISKS,
                "source",
                "MLflow does not know from which commit the run was made: what is recorded is what is checked"
                " out now",
            )
        )
    if run.status != "FINISHED":
        found.append(
            Finding(Severity.RISKS, "metrics", f"MLflow has the run as {run.status or 'unknown'}")
        )
    return found


def _found(project: Project, wanted: str, environ: Mapping[str, str]) -> TrackedRun:
    place = _place(project, environ)
    try:
        return mlflow.find_run(place, wanted, _source(project, place))
    except (OSError, ValueError) as error:
        raise NotFound(
            " ".join(str(error).split()),
            f"{VARIABLE} says where MLflow keeps its runs; now it is {mlflow.shown(place)}",
        ) from error


def _place(project: Project, environ: Mapping[str, str]) -> str | Path:
    if uri := environ.get(VARIABLE):
        return uri
    for name in USUAL:
        for folder in (project.folder, project.workspace):
            if (folder / name).exists():
                return folder / name
    raise NotFound(
        f"MLflow is not to be found: {VARIABLE} is not set, and there is no {' or '.join(USUAL)} in"
        f" {project.folder}",
        f"{VARIABLE}=http://… repro …",
    )


def _source(project: Project, place: str | Path) -> str:
    """What the place's metrics name as their source, so that a replay's stand beside them."""
    text = str(place)
    scheme = urlsplit(text).scheme if "://" in text or text.startswith("file:") else ""
    if scheme in ("http", "https"):
        return SOURCE
    if scheme == "sqlite":
        text = text.partition("://")[2].removeprefix("/")
    elif scheme == "file":
        text = unquote(urlsplit(text).path)
    path = (project.folder / text).resolve()
    workspace = project.workspace.resolve()
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else SOURCE
