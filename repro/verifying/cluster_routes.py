"""How runs get to workers that do not see the asker's store: pushed once to a place that both reach, or, when
they are small, through Dask."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro import exporting, exporting_secrets, pushing, sessions
from repro.bundles import references
from repro.bundles.references import Folder, Registry
from repro.errors import ReproError, SecretFound, UsageError
from repro.exporting import Options
from repro.progress import Progress
from repro.project import Project
from repro.store import Run
from repro.verifying.cluster_answers import CAP

_WITH = Options(data=True)
"""Data too: nobody knows whether a worker reaches DVC's cache or remote."""


class TooLarge(ReproError):
    """It does not go through Dask."""


@dataclass(frozen=True)
class Pushed:
    """Where a run lies now."""

    reference: str = ""
    digest: str = ""


def push_all(
    project: Project, runs: Sequence[Run], via: str, environ: Mapping[str, str], progress: Progress
) -> dict[str, Pushed]:
    """Bring every run to a folder, a URL or a repository; by run id, as workers pull them."""
    target = _target(via)
    found = {}
    for run in {run.id: run for run in runs}.values():
        progress.step(f"pushing {run.short} to {via}")
        _demand_no_secret(project, run)
        done = pushing.push(project, run, target, _WITH, environ)
        found[run.id] = Pushed(done.reference, done.digest)
    return found


def _target(via: str) -> str:
    """The place in words that mean the same to a worker, whose current folder is another."""
    reference = references.parse(via, lambda text: Path(text).is_dir(), with_run=False)
    if isinstance(reference, Registry) and (reference.tag or reference.digest):
        raise UsageError(
            f"--via {via} names one run of the repository", "leave the tag out: HOST/REPOSITORY"
        )
    if isinstance(reference, Folder):
        return str(Path(reference.path).expanduser().absolute())
    return via


class Bundles:
    """Runs as bytes, each made once and not before a worker needs it."""

    def __init__(self, project: Project, environ: Mapping[str, str]) -> None:
        self._project, self._environ = project, environ
        self._found: dict[str, bytes] = {}
        self._guard = threading.Lock()

    def of(self, run: Run) -> bytes:
        """Raises ReproError where it cannot be made, TooLarge where it does not go through Dask."""
        with self._guard:
            if run.id not in self._found:
                _demand_no_secret(self._project, run)
                self._found[run.id] = self._made(run)
            return self._found[run.id]

    def _made(self, run: Run) -> bytes:
        with sessions.session(self._project.store) as session:
            path = session.folder("bundle") / "run.tar"
            done = exporting.export(self._project, run, path, _WITH, self._environ)
            if done.size > CAP:
                raise TooLarge(
                    f"its bundle has {done.size / 1000**2:.0f} MB, and {CAP // 1000**2} go through Dask",
                    "--via TARGET: a folder, URL or registry that workers reach as well",
                )
            return path.read_bytes()


def _demand_no_secret(project: Project, run: Run) -> None:
    try:
        exporting_secrets.demand_none(project, run)
    except SecretFound as error:
        raise SecretFound(
            str(error).replace("not exported", f"run {run.short} was not sent to workers", 1),
            "if it is no secret: its fingerprint (in brackets) under `secrets: allow:` in repro.yaml",
        ) from error
