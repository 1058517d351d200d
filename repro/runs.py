"""Finds the run that a person means: an id, a name, `latest~2`, a git revision, an output file, a
run or a model of MLflow."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from repro import canonical
from repro.capturing import revisions
from repro.errors import Corrupt, NotFound, ReproError, UsageError
from repro.index import Index
from repro.project import Project
from repro.store import Run

TRACKED = ("mlflow:", "models:/")
"""A run named by MLflow: ``mlflow:RUN_ID``, ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``."""
_LATEST = re.compile(r"latest(?:~(\d+))?")
_HEX = re.compile(r"[0-9a-f]{4,64}")
EXAMPLE = "`repro list` shows the runs"


def resolve(project: Project, wanted: str, start: Path) -> Run:
    """The run that ``wanted`` names, verified.

    In this order: ``mlflow:RUN_ID`` and ``models:/NAME@ALIAS``, a name given with --name,
    ``latest`` and ``latest~N``, an id or unique prefix of one, the path (from ``start``) of a file
    that a run yielded, a git revision that has runs. Raises NotFound with the nearest candidates,
    UsageError where several runs are meant.
    """
    index = Index(project.store)
    try:
        return project.store.run(_identity(project, index, wanted, start))
    finally:
        index.close()


def all_of(project: Project) -> list[Run]:
    """All runs, newest first. Raises Corrupt for one that is damaged."""
    index = Index(project.store)
    try:
        if index.unreadable:
            project.store.run(index.unreadable[0])
        return [project.store.run(row.id) for row in index.rows()]
    finally:
        index.close()


def _identity(project: Project, index: Index, wanted: str, start: Path) -> str:
    if wanted.startswith(TRACKED):
        return _tracked(project, index, wanted)
    names = project.store.names()
    if wanted in names:
        return names[wanted]
    if match := _LATEST.fullmatch(wanted):
        return _newest(index, int(match[1] or 0))
    if _HEX.fullmatch(wanted):
        found = index.with_prefix(wanted) or _unreadable(index, wanted)
        if len(found) > 1:
            raise UsageError(
                f"{wanted!r} is the beginning of {len(found)} runs: "
                f"{', '.join(item[:12] for item in found[:5])}",
                "give more digits",
            )
        if found:
            return found[0]
    path = start / wanted
    if path.is_file():
        return _by_output(index, path, wanted)
    commit = _commit(project, wanted)
    if commit:
        found = index.at_commit(commit)
        if found:
            return found[0]
        raise NotFound(f"there is no run of commit {commit[:12]} ({wanted})", EXAMPLE)
    raise NotFound(f"there is no run {wanted!r}", _nearest(index, wanted, list(names)))


def _tracked(project: Project, index: Index, wanted: str) -> str:
    from repro import tracking  # what reads MLflow: most runs are named otherwise

    name = tracking.run_id(project, wanted, os.environ)
    for row in index.rows():
        if name in row.tracked:
            return row.id
    raise NotFound(
        f"{wanted} is run {name} of MLflow, which was not recorded by repro",
        f"check out its commit, then: repro capture --mlflow {name} -- COMMAND",
    )


def _unreadable(index: Index, prefix: str) -> tuple[str, ...]:
    """Runs that are there and damaged: to be said when they are read, not to be passed over."""
    return tuple(identity for identity in index.unreadable if identity.startswith(prefix))


def _newest(index: Index, back: int) -> str:
    if index.unreadable:
        raise Corrupt(
            f"which run is the latest cannot be told: {index.damaged[0]}",
            "name the run by its id (`repro list`); or take the damaged file away",
        )
    found = index.newest(back)
    if found is None:
        newest = index.newest()
        if newest is None:
            raise NotFound(
                "no run has been recorded in this project", "repro run -- python train.py"
            )
        raise NotFound(f"there are not that many runs: latest~{back}", EXAMPLE)
    return found


def _by_output(index: Index, path: Path, wanted: str) -> str:
    digest = canonical.digest_file(path)
    found = index.with_output(digest)
    if not found:
        raise NotFound(
            f"no recorded run yielded the content of {wanted} ({digest[:19]})",
            "it was made elsewhere, changed since, or by a run that was not recorded",
        )
    return found[0]


def _commit(project: Project, wanted: str) -> str | None:
    try:
        return revisions.commit_of(project.workspace, wanted)
    except ReproError:
        return None


def _nearest(index: Index, wanted: str, names: list[str]) -> str:
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    if _HEX.fullmatch(wanted) and not close:
        ids = [row.id[:12] for row in index.rows()][:500]
        close = difflib.get_close_matches(wanted[:12], ids, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else EXAMPLE
