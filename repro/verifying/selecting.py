"""Which runs are verified where none is named: the project's baselines, or those that a change can affect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repro import baselines, pushing
from repro.baselines import Baseline, HostClass
from repro.capturing import host
from repro.errors import Corrupt, NotFound, UsageError
from repro.manifest import Manifest
from repro.progress import Progress
from repro.project import Project
from repro.store import Run
from repro.verifying.nouns import Chosen

Change = tuple[str, str]
"""``A``, ``M``, ``D`` or ``L`` (revisions.changed_since), and a path relative to the workspace."""

_DEPENDENCIES = re.compile(
    r"(?:.*/)?(?:[^/]*requirements[^/]*\.(?:txt|in|lock)|[^/]*\.lock|Pipfile|pyproject\.toml|setup\.(?:py|cfg)"
    r"|environment\.ya?ml|conda-lock\.yml|pylock(?:\.[^/]+)?\.toml|Dockerfile[^/]*|dvc\.ya?ml|[^/]+\.dvc"
    r"|repro\.yaml|repro-baselines\.yaml|\.gitattributes|\.gitmodules)"
)
"""Files that steer what goes into a run, though the run does not read them."""


@dataclass(frozen=True)
class Selection:
    """The runs, and what a person should know of how they were chosen."""

    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...] = ()


def of_baselines(project: Project, environ: Mapping[str, str], progress: Progress) -> Selection:
    """The project's baselines for machines like this one; those that are not in the store are pulled.

    Raises UsageError where there are none, NotFound where one cannot be had.
    """
    known = baselines.load(project.folder)
    if not known.current:
        raise UsageError(
            f"{baselines.NAME} names no baseline",
            "name runs: repro verify RUN; or make one a baseline: repro accept RUN --because TEXT",
        )
    here = HostClass.of(host.describe(environ))
    found, elsewhere = known.on(here)
    if elsewhere:
        raise UsageError(
            f"{', '.join(elsewhere)}: there is no baseline for machines like this one ({here})",
            "replay it here and accept it for them: repro accept RUN --this-host --because TEXT",
        )
    return Selection(
        tuple(Chosen(_had(project, item, progress), item.name, "baseline") for item in found)
    )


def _had(project: Project, item: Baseline, progress: Progress) -> Run:
    try:
        return project.store.run(item.run)
    except NotFound:
        if not item.origin:
            raise NotFound(
                f"baseline {item.name}: run {item.run[:12]} is not in this store, and the baseline does "
                "not say where it can be had",
                "where it is: repro push it, then `from: REF` in repro-baselines.yaml",
            ) from None
    progress.step(f"pulling baseline {item.name} from {item.origin}")
    pulled = pushing.pull(project.store, item.origin, progress).run
    if pulled.id != item.run:
        raise Corrupt(
            f"baseline {item.name}: {item.origin} holds run {pulled.id[:12]}, not {item.run[:12]}",
            "push the run that was accepted, or accept the other one",
        )
    return pulled


def affected(selection: Selection, changes: Sequence[Change]) -> Selection:
    """Those of the runs that a change can affect, each with the first that can. Without knowledge of what
    a run read, every change can."""
    found, spared = [], []
    for item in selection.chosen:
        reasons = may_affect(item.run.manifest, changes)
        if reasons:
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            found.append(Chosen(item.run, item.name, f"changed: {reasons[0]}{more}"))
        else:
            spared.append(item.label)
    notes = selection.notes
    if spared:
        notes += (
            f"not verified, as none of the changed files can affect it: {', '.join(spared)}",
            "only files that git tracks, or could, were looked at; whether data in the workspace or ignored "
            "files changed was not: --current verifies with them",
        )
    return Selection(tuple(found), notes)


def may_affect(manifest: Manifest, changes: Iterable[Change]) -> list[str]:
    """The changed files that the run could depend on. Pure.

    What a run watched by strace did not read cannot have changed it. A new file can be found by its
    folder being listed, or stand before another when Python looks for a module: it counts where the run
    read anything of its folder. What is no plain file (a link, a submodule) counts always: what was read
    through it has other names.
    """
    read = frozenset(manifest.result.source_read)
    if not read:
        return [path for _, path in changes]
    folders = {path.rpartition("/")[0] for path in read}
    return [
        path
        for kind, path in changes
        if path in read
        or kind not in ("A", "M", "D")
        or _DEPENDENCIES.fullmatch(path)
        or (kind == "A" and path.rpartition("/")[0] in folders)
    ]
