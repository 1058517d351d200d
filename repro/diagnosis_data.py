"""Checks of the data: DVC, its remotes, what it tracks."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from repro import process
from repro.capturing import data, dvc_remote
from repro.capturing.data_findings import Concern
from repro.capturing.digests import Digests
from repro.capturing.dvc_remote import RemoteState
from repro.diagnosis_nouns import (
    Answer,
    bytes_text,
    counted,
    ok,
    problem,
    unknown,
    warning,
)
from repro.diagnosis_scene import Probe, Scene
from repro.manifest import Finding, Severity

ASKING = 4.0
"""Seconds that a tool has to answer."""


def _dvc(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    own = f"{importlib.metadata.version('dvc')}, with repro"
    has_pipeline = (project.folder / "dvc.yaml").exists()
    if data.find_dvc(project.folder, project.workspace) is None:
        if has_pipeline:
            yield warning(f"{own}; dvc.yaml is here, but no DVC repository", "dvc init")
        else:
            yield ok(f"{own}; the project does not use it")
        return
    path = shutil.which("dvc", path=scene.environ.get("PATH"))
    if path is None or Path(path).parent == Path(sys.executable).parent:
        yield ok(own)
        return
    said = process.run([path, "--version"], env=scene.environ, timeout=ASKING).stdout
    yield ok(
        f"{own}; {said.decode('utf-8', 'replace').strip()} at {path}, which runs the pipelines"
    )


def _remotes(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    if data.find_dvc(project.folder, project.workspace) is None:
        return
    states = dvc_remote.reachable(project.folder, project.workspace)
    if not states:
        yield warning(
            "none is configured: nobody else can have the data",
            "dvc remote add --default NAME URL, then: dvc push",
        )
    for state in states:
        yield _remote(state)


def _remote(state: RemoteState) -> Answer:
    remote = state.remote
    title = f"{remote.name}{' (default)' if state.default else ''}, {remote.public_url}"
    detail = f": {state.detail}" if state.detail else ""
    if state.reachable:
        return ok(f"{title} answers")
    if state.reachable is None:
        return unknown(f"{title}{detail}", "dvc push tries it")
    if remote.folder is not None and remote.folder.parent.is_dir():
        return warning(f"{title} is empty: nothing was pushed to it yet", "dvc push")
    remedy = "check its address (dvc remote list), network and credentials"
    seen = f"{title} cannot be reached{detail}"
    # another one than the default holds copies, or single outputs
    return problem(seen, remedy) if state.default else warning(seen, remedy)


class _OutOfTime(Exception):
    pass


def _data(scene: Scene) -> Iterator[Answer]:
    """Where the tracked data is, as a run would find it."""
    project = scene.needed()
    if data.find_dvc(project.folder, project.workspace) is None:
        return

    def read(path: str, size: int) -> None:
        # what was hashed so far is remembered: the next doctor, or the first run, starts from there
        if time.monotonic() > scene.deadline - 0.5:
            raise _OutOfTime

    # as a run takes it: what the pipeline makes is its result, and no input
    pipeline = scene.is_pipeline()
    made = data.declared(project.workspace, project.folder).made if pipeline else ()
    try:
        with Digests(scene.cache / "digests.sqlite") as digests:
            taken = data.snapshot(
                project.workspace, project.folder, digests, exclude=frozenset(made), progress=read
            )
    except _OutOfTime:
        yield unknown(
            "too much to be read in a few seconds, for the first time", "repro doctor again"
        )
        return
    if not taken.items:
        yield ok("DVC tracks none" + (" but what the pipeline makes" if made else ""))
    else:
        size = bytes_text(sum(item.size for item in taken.items))
        pushed = all(place.on_remote for place in taken.places.values())
        whole = "; all of it is on a remote" if pushed else ""
        yield ok(f"{counted(len(taken.items), 'item')}, {size}{whole}")
    for finding in taken.findings:
        yield from _of_data(finding)


def _of_data(finding: Finding) -> Iterator[Answer]:
    if Concern.NOWHERE.value[1] in finding.message:
        yield problem(finding.message, finding.remedy)
    elif Concern.NOT_ASKED.value[1] in finding.message:
        yield unknown(finding.message, finding.remedy)
    elif finding.severity is not Severity.NOTE or Concern.ABSENT.value[1] in finding.message:
        yield warning(finding.message, finding.remedy)


DATA = (
    Probe("data", "dvc", _dvc),
    Probe("data", "dvc remote", _remotes),
    Probe("data", "tracked data", _data),
)
