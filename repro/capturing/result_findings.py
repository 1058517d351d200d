"""What is to be said of a result: metrics and outputs that are not there, files that were not taken."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from repro.capturing import links, results
from repro.capturing.files import ENVIRONMENTS, SKIPPED, Scan
from repro.capturing.results import Collected
from repro.manifest import Finding, Result, Severity, SourceState
from repro.trackers import places

_STATES = {
    SourceState.EMPTY: "holds no value",
    SourceState.UNREADABLE: "could not be read",
    SourceState.MISSING: "was not written",
    SourceState.STALE: "was there before and was not written by this run: its values are not recorded",
}


def of_result(result: Result) -> list[Finding]:
    """What a replay of this result would lack."""
    found = []
    for item in result.metric_sources:
        if item.state is not SourceState.READ:
            severity = Severity.RISKS if item.declared else Severity.NOTE
            detail = f" ({item.detail})" if item.detail else ""
            found.append(
                Finding(
                    severity,
                    "metrics",
                    f"{item.path} {_STATES[item.state]}{detail}",
                    "make the run write it, or take it out of the declared metrics",
                )
            )
    found.extend(
        Finding(
            Severity.RISKS,
            "outputs",
            f"the declared output {path} was not written",
            "make the run write it, or take it out of repro.yaml",
        )
        for path in result.missing_outputs
    )
    if not result.metrics:
        found.append(
            Finding(
                Severity.RISKS,
                "metrics",
                "no metric was found: a verdict would rest on the outputs alone"
                if result.outputs
                else "neither a metric nor an output was found: there is nothing to compare",
                "name the files under `metrics:` in repro.yaml",
            )
        )
    if result.modified_inputs:
        found.append(
            Finding(
                Severity.RISKS,
                "data",
                f"the run rewrote its own inputs: {_some(result.modified_inputs)}",
                "a second run starts from other files; write to a new path",
            )
        )
    if result.deleted:
        found.append(
            Finding(Severity.NOTE, "outputs", f"the run deleted files: {_some(result.deleted)}")
        )
    return found


def _some(names: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def of_collected(workspace: Path, collected: Collected) -> Iterator[Finding]:
    """What a run wrote, or should have written, and what is in no part of the result all the same."""
    if collected.unreadable:
        yield Finding(
            Severity.RISKS,
            "outputs",
            f"could not be read: {_some(collected.unreadable)}",
            "what the run wrote there is not recorded; check the permissions",
        )
    kept = results.kept_by_trackers(collected.changes.written)
    unread, kept = [
        tuple(path for path in kept if places.is_aims(path) is aims) for aims in (True, False)
    ]
    if unread:
        yield Finding(
            Severity.RISKS,
            "metrics",
            f"{len(unread)} file{'s' * (len(unread) > 1)} of Aim's: no outputs, and what was logged there is not "
            f"read: {_some(unread)}",
            "print what counts, or write it to metrics.json as well",
        )
    if kept:
        yield Finding(
            Severity.NOTE,
            "outputs",
            f"{len(kept)} file{'s' * (len(kept) > 1)} of a tracker (MLflow, TensorBoard, W&B): read for metrics,"
            f" and no outputs: {_some(kept)}",
        )
    linked = tuple(
        item.path
        for item in collected.outputs
        if item.link is not None and links.target(workspace, item.path) is None
    )
    if linked:
        yield Finding(
            Severity.RISKS,
            "outputs",
            f"links that lead out of the project, recorded as links and not by what is behind them: "
            f"{_some(linked)}",
            "make the run write into the project",
        )
    for path in collected.missing_outputs:
        if why := _out_of_sight(workspace, path):
            yield Finding(
                Severity.RISKS,
                "outputs",
                f"the declared output {path} lies where no results are looked for: {why}",
                "make the run write it to another place, or take it out of repro.yaml",
            )


def _out_of_sight(workspace: Path, path: str) -> str:
    """The folder on the way to it that is not looked into, if there is one."""
    parts = PurePosixPath(path).parts
    for count, part in enumerate(parts, start=1):
        place = "/".join(parts[:count])
        if part in SKIPPED | ENVIRONMENTS:
            return place
        if (workspace / place).is_symlink():
            return f"{place} is a link"
    return ""


def of_scan(scan: Scan, taken: Collection[str], written: Collection[str]) -> Iterator[Finding]:
    """What lay in the project before the run and is in no part of the record. ``taken``: the paths of
    the source and the data; ``written``: what the run wrote itself."""
    if scan.environments:
        yield Finding(
            Severity.NOTE,
            "outputs",
            f"environments inside the project are no outputs: {_some(scan.environments)}",
        )
    ignored = tuple(
        sorted(
            path
            for path in scan.files
            if path not in taken and path not in written and "/.dvc/" not in f"/{path}"
        )
    )
    if ignored:
        yield Finding(
            Severity.NOTE,
            "source",
            f"git ignores {len(ignored)} file{'s' * (len(ignored) > 1)} that the run may have read, and "
            f"that are not part of the record: {_some(ignored)}",
            "what the training needs: commit it, or dvc add it",
        )
