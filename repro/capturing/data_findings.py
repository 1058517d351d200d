"""What is said of data that a replay elsewhere may not get: one finding a kind, not one a path."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from repro.manifest import Finding, Severity

SUBJECT = "data"
NAMED = 3
"""Paths that a finding spells out; the others are counted."""


class Concern(Enum):
    """A kind of finding: severity, what is so, remedy."""

    NOWHERE = (
        Severity.BREAKS,
        "neither in the workspace, nor in DVC's cache, nor on a remote",
        "bring it back, then: dvc add, dvc push; or untrack it: dvc remove",
    )
    NO_REMOTE = (
        Severity.BREAKS,
        "nowhere but in this machine's DVC cache, and no DVC remote is configured",
        "dvc remote add --default NAME URL, then: dvc push",
    )
    UNKNOWN_REMOTE = (
        Severity.BREAKS,
        "the DVC remote that is named for it is not configured",
        "dvc remote list; dvc remote add NAME URL",
    )
    NOT_PUSHED = (
        Severity.BREAKS,
        "nowhere but in this machine's DVC cache, not on the remote",
        "dvc push",
    )
    NEVER_PUSHED = (
        Severity.BREAKS,
        "nowhere but in this machine's DVC cache: `push: false` keeps it from the remote",
        "remove `push: false`, then: dvc push",
    )
    CHANGED = (
        Severity.RISKS,
        "changed since DVC recorded it: captured as it is now, repro's store keeps what is new",
        "dvc add (a stage's output: dvc commit), then: dvc push; or back to the record: dvc checkout",
    )
    VERSIONED = (
        Severity.RISKS,
        "on a cloud-versioned remote, which repro cannot fetch from",
        "push to an ordinary remote as well: dvc push -r NAME",
    )
    UNRECORDED = (
        Severity.RISKS,
        "tracked, but without a recorded hash and not in the workspace: not captured",
        "dvc pull, or dvc update",
    )
    UNLOCKED = (
        Severity.RISKS,
        "made by a stage that dvc.lock does not know: not captured",
        "dvc repro, or dvc commit",
    )
    EXTERNAL = (
        Severity.RISKS,
        "tracked by DVC outside of the workspace: not captured",
        "dvc import-url, to have a copy in the project",
    )
    EXTERNAL_INPUT = (
        Severity.RISKS,
        "read by a stage from outside of the workspace: not captured",
        "dvc import-url, to have a copy in the project",
    )
    ODD = (
        Severity.RISKS,
        "in a tracked folder, but no file that DVC tracks (a link to a folder, a broken link, a "
        "pipe): not captured",
        "put the files themselves there, or track the link's target",
    )
    ELSEWHERE = (
        Severity.RISKS,
        "not in the workspace nor in DVC's cache; whether the remote has it was not asked",
        "dvc pull, or ask: dvc status --cloud",
    )
    OVERLAP = (
        Severity.RISKS,
        "tracked twice: captured once, by its outermost path",
        "remove one of the entries: dvc status names them",
    )
    NESTED = (
        Severity.RISKS,
        "a DVC repository of its own, inside this one: its data is not captured",
        "run repro in that folder",
    )
    UNCACHED = (
        Severity.NOTE,
        "`cache: false`: git has to hold it, DVC does not",
        "",
    )
    OWN = (
        Severity.NOTE,
        "in no DVC cache: repro's store keeps it",
        "dvc commit, then: dvc push",
    )
    ABSENT = (
        Severity.NOTE,
        "not in the workspace: captured by the hash that DVC recorded",
        "dvc checkout",
    )
    NOT_ASKED = (
        Severity.NOTE,
        "whether the remote has it was not asked",
        "dvc status --cloud",
    )
    IMPORTED = (
        Severity.NOTE,
        "imported from another repository, which `dvc push` leaves out: repro's store keeps it",
        "",
    )
    EXECUTABLE = (
        Severity.NOTE,
        "executable: a replay restores the content, not the mode",
        "have the command start it through its interpreter",
    )


_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


def findings(concerns: Iterable[tuple[Concern, str]]) -> tuple[Finding, ...]:
    """One finding for each kind, worst first, the paths in it sorted."""
    paths: dict[Concern, set[str]] = {}
    for concern, path in concerns:
        paths.setdefault(concern, set()).add(path)
    rank = {concern: number for number, concern in enumerate(Concern)}
    found = sorted(paths, key=lambda concern: (_ORDER[concern.value[0]], rank[concern]))
    return tuple(_finding(concern, sorted(paths[concern])) for concern in found)


def _finding(concern: Concern, paths: list[str]) -> Finding:
    severity, message, remedy = concern.value
    if len(paths) == 1 and remedy == "dvc push":
        remedy = f"dvc push {paths[0]}"
    return Finding(severity, SUBJECT, f"{named(paths)}: {message}", remedy)


def named(paths: list[str], limit: int = NAMED) -> str:
    """``a, b, c and 4 more``."""
    if len(paths) <= limit:
        return ", ".join(paths)
    return f"{', '.join(paths[:limit])} and {len(paths) - limit} more"
