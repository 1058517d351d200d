"""The data that DVC tracks, as it is now: taken down (``snapshot``) and put back (``restore``).

DVC's own files are read, its library is not imported: only ``restore`` does so, and only where
something has to come from a remote that is no folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing import dvc_folders
from repro.capturing.data_findings import Concern, findings
from repro.capturing.data_looking import digests_at, hash_of, look_at
from repro.capturing.data_places import Own, Stores, place
from repro.capturing.data_restore import (
    Located,
    Progress,
    RestoreReport,
    Sources,
    locate,
    restore,
)
from repro.capturing.digests import Digests
from repro.capturing.dvc_files import (
    Out,
    PipelineFile,
    Tracked,
    find_dvc,
    flag,
    join,
    mapping,
    output_flags,
    read,
    sequence,
    text,
)
from repro.capturing.dvc_folders import Ignored
from repro.capturing.dvc_pipeline import Declared, declared, pipeline
from repro.manifest import Data, DataPlaces, Finding

__all__ = [
    "DataSnapshot",
    "Declared",
    "Located",
    "Own",
    "Progress",
    "RestoreReport",
    "Sources",
    "declared",
    "find_dvc",
    "locate",
    "pipeline",
    "restore",
    "snapshot",
    "unchanged_since",
]


@dataclass(frozen=True)
class DataSnapshot:
    """What DVC tracks in a workspace. Paths are relative to the workspace, everything is sorted."""

    items: tuple[Data, ...] = ()
    places: dict[str, DataPlaces] = field(default_factory=dict)
    listings: dict[str, bytes] = field(default_factory=dict)
    """For folders: DVC's ``.dir`` JSON, whose md5 is the folder's hash."""
    own: tuple[Own, ...] = ()
    findings: tuple[Finding, ...] = ()
    absent: frozenset[str] = frozenset()
    """Items that are not in the workspace, known by their recorded hash only."""
    ignored: Ignored | None = field(default=None, repr=False, compare=False)


def snapshot(
    workspace: Path,
    project: Path,
    digests: Digests,
    *,
    exclude: frozenset[str] = frozenset(),
    progress: Callable[[str, int], None] | None = None,
) -> DataSnapshot:
    """What the project's DVC repository tracks, hashed as it lies in the workspace.

    ``exclude``: workspace-relative outputs to leave out. ``progress`` hears of each file that is
    read (path, size), from any thread.
    """
    tracked = read(workspace, project)
    if tracked is None:
        return DataSnapshot()
    top = os.path.abspath(workspace)  # noqa: PTH100
    root = str(tracked.config.root)
    ignored = dvc_folders.ignores(root, (f"{top}/{name}" for name in tracked.ignores))
    concerns = list(_outside(tracked, top, exclude))
    outs = list(_chosen(tracked, exclude, concerns))
    stores = Stores(tracked.config)
    looks = [(out, look_at(out, top, stores.listing, digests, ignored, progress)) for out in outs]
    places: dict[str, DataPlaces] = {}
    own: dict[str, Own] = {}
    for out, look in looks:
        if look is None:
            concerns.append((Concern.UNRECORDED, out.path))
            continue
        places[out.path] = place(out, look, stores, own, concerns)
    found = [look for _, look in looks if look is not None]
    return DataSnapshot(
        items=tuple(look.data for look in found),
        places=places,
        listings={look.data.path: look.listing for look in found if look.listing is not None},
        own=tuple(sorted(own.values(), key=lambda item: item.path)),
        findings=findings(concerns),
        absent=frozenset(look.data.path for look in found if not look.present),
        ignored=ignored,
    )


def unchanged_since(snapshot: DataSnapshot, workspace: Path, digests: Digests) -> tuple[str, ...]:
    """The paths, files of folders too, that are not as they were when the snapshot was taken."""
    top = os.path.abspath(workspace)  # noqa: PTH100
    changed: list[str] = []
    for data in snapshot.items:
        now = digests_at(f"{top}/{data.path}", digests, snapshot.ignored)
        if now is None:
            if data.path not in snapshot.absent:
                changed.append(data.path)
        elif hash_of(now) != data.hash:
            before = snapshot.listings.get(data.path)
            changed += _differing(data, before, now)
    return tuple(sorted(changed))


def _differing(data: Data, listing: bytes | None, now: str | dict[str, str]) -> Iterable[str]:
    if isinstance(now, str) or listing is None:
        return [data.path]
    before = dvc_folders.parse_listing(listing, data.path)
    names = before.keys() | now.keys()
    return [f"{data.path}/{name}" for name in names if before.get(name) != now.get(name)]


# --- which outputs --------------------------------------------------------------------------


def _chosen(
    tracked: Tracked, exclude: frozenset[str], concerns: list[tuple[Concern, str]]
) -> Iterable[Out]:
    """The outputs to take: each once, none inside another."""
    outermost: str | None = None
    for out in sorted(tracked.outs, key=lambda out: (out.path.split("/"), out.declared_in)):
        if any(out.path == path or out.path.startswith(f"{path}/") for path in exclude):
            continue
        if not out.cached:
            if out.stage is None:
                concerns.append((Concern.UNCACHED, out.path))
            continue
        if outermost is not None and (out.path + "/").startswith(outermost):
            concerns.append((Concern.OVERLAP, out.path))
            continue
        outermost = out.path + "/"
        yield out


def _outside(tracked: Tracked, top: str, exclude: frozenset[str]) -> Iterable[tuple[Concern, str]]:
    """What DVC's files speak of and a snapshot cannot hold."""
    yield from ((Concern.EXTERNAL, path) for path, _ in tracked.external)
    yield from ((Concern.NESTED, path) for path in tracked.nested)
    locked = {out.path for out in tracked.outs}
    for document in tracked.pipelines:
        for name, entry in document.lock.items():
            folder = join(document.folder, text(document.definition(name).get("wdir")) or ".") or ""
            for dep in sequence(entry.get("deps")):
                path = text(mapping(dep).get("path"))
                if path and join(folder, path) is None:
                    yield Concern.EXTERNAL_INPUT, path
        for path in _unlocked(document):
            if path not in locked | exclude and os.path.lexists(f"{top}/{path}"):
                yield Concern.UNLOCKED, path


def _unlocked(document: PipelineFile) -> Iterable[str]:
    """Outputs of stages that never ran (templates left aside: their paths are not known here)."""
    for name, definition in document.stages.items():
        definition = mapping(definition)
        if name in document.lock or not {"foreach", "matrix"}.isdisjoint(definition):
            continue
        folder = join(document.folder, text(definition.get("wdir")) or ".")
        for written, flags in output_flags(definition).items():
            path = None if folder is None else join(folder, written)
            if path and "${" not in path and flag(flags.get("cache"), True):
                yield path
