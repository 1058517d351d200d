"""Which runs `verify` is about: the named, or the baselines; of these the ones that a change can affect."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.progress import Progress
    from repro.project import Project
    from repro.verifying.selecting import Selection


def selected(
    project: Project, names: Sequence[str], since: str | None, progress: Progress
) -> Selection:
    """The runs, and what to know of the choice. ``since``: only those that files changed since that revision
    can affect. Raises UsageError, and what naming a run or pulling a baseline raises."""
    from repro import runs
    from repro.verifying import Chosen, selecting

    if names:
        named = tuple(Chosen(runs.resolve(project, name, Path.cwd()), name) for name in names)
        selection = selecting.Selection(named)
    else:
        selection = selecting.of_baselines(project, os.environ, progress)
    if since is not None:
        selection = selecting.affected(selection, _changes(project, since))
    return selection


def _changes(project: Project, since: str) -> list[tuple[str, str]]:
    from repro.capturing import revisions
    from repro.errors import UsageError

    found = revisions.changed_since(project.workspace, since)
    if found is None:
        raise UsageError(
            f"--changed: {since!r} is no commit of this repository",
            "in CI, fetch the branch that the change goes to: git fetch origin main",
        )
    return list(found)
