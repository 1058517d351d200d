"""Two runs side by side: the comparison, and in detail which code and which data differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro import dissecting, packing, printed, sessions
from repro.capturing import revisions, source
from repro.capturing.source import SourceDifference
from repro.comparison import Comparison, compare_manifests
from repro.errors import ReproError
from repro.manifest import Data, Manifest, Policy
from repro.outputs import reader
from repro.project import Project
from repro.store import Run, Store


@dataclass(frozen=True)
class DataDifference:
    """A data item that differs, and for folders which files do. Empty lists where that is not known."""

    path: str
    status: str
    """``changed``, ``added``, ``removed``."""
    a: Data | None
    b: Data | None
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunDifference:
    """Everything that is known of how two runs differ."""

    a: Run
    b: Run
    comparison: Comparison
    code: SourceDifference | None
    """None: the packs of one of them could not be read; ``notes`` says why."""
    commits: tuple[str, ...]
    """Subject lines of the commits between the two, where this clone has them."""
    data: tuple[DataDifference, ...]
    notes: tuple[str, ...] = ()


def diff(project: Project, a: Run, b: Run) -> RunDifference:
    """Set two runs side by side. Nothing is executed."""
    policy = Policy(tolerances=project.tolerances)
    sides = [_as_read_now(project, run.manifest) for run in (a, b)]
    comparison = compare_manifests(sides[0], sides[1], policy, reader(project.store))
    finds = [dissecting.recorded(project, run.manifest.result.outputs) for run in (a, b)]
    comparison = dissecting.dissected(project, comparison, finds[0], finds[1])
    notes: list[str] = []
    return RunDifference(
        a,
        b,
        comparison,
        _code(project, a.manifest, b.manifest, notes),
        revisions.commits_between(
            project.workspace,
            a.manifest.definition.source.commit,
            b.manifest.definition.source.commit,
        ),
        _data(project.store, a.manifest, b.manifest, notes),
        tuple(notes),
    )


def _as_read_now(project: Project, manifest: Manifest) -> Manifest:
    """With the metrics of its log as the project's rules of today read them."""
    return replace(
        manifest, result=printed.taken_in(project.store, manifest.result, project.config.log)
    )


def _code(project: Project, a: Manifest, b: Manifest, notes: list[str]) -> SourceDifference | None:
    if a.definition.source == b.definition.source:
        return SourceDifference((a.definition.source.commit, b.definition.source.commit), ())
    try:
        with sessions.session(project.store) as session:
            sides = [
                source.Side(item.definition.source, _packs(project.store, item)) for item in (a, b)
            ]
            return source.difference(sides[0], sides[1], session.folder("difference"))
    except (ReproError, OSError) as error:  # a store that is only read is one to look at, too
        notes.append(f"which files differ could not be told: {error}")
        return None


def _packs(store: Store, manifest: Manifest) -> dict[str, Path]:
    return {
        item.path: store.verified(item)
        for item in manifest.contents
        if item.media_type == packing.MEDIA_TYPE
    }


def _data(store: Store, a: Manifest, b: Manifest, notes: list[str]) -> tuple[DataDifference, ...]:
    ours = {item.path: item for item in a.definition.data}
    theirs = {item.path: item for item in b.definition.data}
    found = []
    for path in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(path), theirs.get(path)
        if one == other:
            continue
        if one is None or other is None:
            found.append(DataDifference(path, "added" if one is None else "removed", one, other))
            continue
        files = [_listing(store, item, path, notes) for item in (a, b)]
        found.append(_compared(path, one, other, files[0], files[1]))
    return tuple(found)


def _compared(
    path: str,
    one: Data,
    other: Data,
    ours: Mapping[str, str] | None,
    theirs: Mapping[str, str] | None,
) -> DataDifference:
    if ours is None or theirs is None:
        return DataDifference(path, "changed", one, other)
    return DataDifference(
        path,
        "changed",
        one,
        other,
        changed=tuple(sorted(n for n in ours.keys() & theirs.keys() if ours[n] != theirs[n])),
        added=tuple(sorted(theirs.keys() - ours.keys())),
        removed=tuple(sorted(ours.keys() - theirs.keys())),
    )


def _listing(
    store: Store, manifest: Manifest, path: str, notes: list[str]
) -> dict[str, str] | None:
    blob = manifest.content(f"data/listings/{path}")
    if blob is None:
        return None
    try:
        return {item["relpath"]: item["md5"] for item in json.loads(store.read(blob))}
    except (ReproError, ValueError, KeyError, TypeError) as error:
        notes.append(f"the list of files of {path} could not be read: {error}")
        return None
