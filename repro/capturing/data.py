"""The data that DVC tracks, as it is now: taken down (``snapshot``) and put back (``restore``).

DVC's own files are read, its library is not imported: only ``restore`` does so, and only where
something has to come from a remote that is no folder.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from repro.capturing import dvc_folders
from repro.capturing.data_findings import Concern, findings
from repro.capturing.data_restore import Progress, RestoreReport, Sources, restore
from repro.capturing.digests import Digests
from repro.capturing.dvc_config import Config, Remote
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
from repro.capturing.dvc_folders import Ignored, Place
from repro.capturing.dvc_pipeline import Declared, declared, pipeline
from repro.manifest import Data, DataKind, DataPlaces, Finding

__all__ = [
    "DataSnapshot",
    "Declared",
    "Own",
    "Progress",
    "RestoreReport",
    "Sources",
    "declared",
    "find_dvc",
    "pipeline",
    "restore",
    "snapshot",
    "unchanged_since",
]


@dataclass(frozen=True)
class Own:
    """A file whose content is in no DVC cache: lost, unless the caller copies it."""

    path: str
    """Absolute."""
    md5: str
    size: int


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


class _Content(NamedTuple):
    """One file that a data item consists of."""

    md5: str
    size: int | None
    path: str | None
    """Absolute path in the workspace; None where it is not there."""
    in_cache: bool = True
    """False: DVC cannot have it under this md5 (a DVC 2 hash of a text with CRLF)."""


@dataclass(frozen=True)
class _Look:
    """A data item as it was found."""

    data: Data
    contents: tuple[_Content, ...] | None
    """None: a folder whose listing could not be had."""
    listing: bytes | None = None
    present: bool = True
    changed: bool = False
    odd: tuple[str, ...] = ()


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
    stores = _Stores(tracked.config)
    looks = [(out, _look(out, top, stores, digests, ignored, progress)) for out in outs]
    places: dict[str, DataPlaces] = {}
    own: dict[str, Own] = {}
    for out, look in looks:
        if look is None:
            concerns.append((Concern.UNRECORDED, out.path))
            continue
        places[out.path] = _place(out, look, stores, own, concerns)
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
        now = _digests_at(f"{top}/{data.path}", digests, snapshot.ignored)
        if now is None:
            if data.path not in snapshot.absent:
                changed.append(data.path)
        elif _hash(now) != data.hash:
            before = snapshot.listings.get(data.path)
            changed += _differing(data, before, now)
    return tuple(sorted(changed))


def _differing(data: Data, listing: bytes | None, now: str | dict[str, str]) -> Iterable[str]:
    if isinstance(now, str) or listing is None:
        return [data.path]
    before = dvc_folders.parse_listing(listing, data.path)
    names = before.keys() | now.keys()
    return [f"{data.path}/{name}" for name in names if before.get(name) != now.get(name)]


def _hash(found: str | dict[str, str]) -> str:
    if isinstance(found, str):
        return f"md5:{found}"
    return f"md5:{dvc_folders.listing_hash(dvc_folders.listing(found))}"


def _digests_at(
    path: str, digests: Digests, ignored: Ignored | None
) -> str | dict[str, str] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if not modes.S_ISDIR(stat.st_mode):
        return digests.of(Path(path), "md5", stat)
    found = dvc_folders.walk(path, ignored)
    return digests.of_folder(path, found.files)


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


# --- one output -----------------------------------------------------------------------------


def _look(
    out: Out,
    top: str,
    stores: _Stores,
    digests: Digests,
    ignored: Ignored | None,
    progress: Callable[[str, int], None] | None,
) -> _Look | None:
    """The output as it lies in the workspace; else as recorded; None where neither is known."""
    path = f"{top}/{out.path}"
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return _recorded(out, stores)
    if modes.S_ISDIR(stat.st_mode):
        return _look_at_folder(out, path, digests, ignored, progress)
    if not modes.S_ISREG(stat.st_mode):
        return None
    md5 = digests.of(Path(path), "md5", stat, progress)
    changed, exact = md5 != out.hash, True
    if changed and out.legacy and out.hash is not None:
        changed = digests.of(Path(path), "md5-dos2unix", stat) != out.hash
        exact = changed
    data = Data(out.path, DataKind.FILE, f"md5:{md5}", stat.st_size, 1)
    return _Look(data, (_Content(md5, stat.st_size, path, exact),), changed=changed)


def _look_at_folder(
    out: Out,
    path: str,
    digests: Digests,
    ignored: Ignored | None,
    progress: Callable[[str, int], None] | None,
) -> _Look:
    found = dvc_folders.walk(path, ignored)
    md5s = digests.of_folder(path, found.files, "md5", progress)
    content = dvc_folders.listing(md5s)
    hash_ = dvc_folders.listing_hash(content)
    changed, inexact = hash_ != out.hash, set()
    if changed and out.legacy and out.hash is not None:
        # DVC 2 takes CRLF for LF in what looks like text, so its hash may be another one
        legacy = digests.of_folder(path, found.files, "md5-dos2unix")
        if dvc_folders.listing_hash(dvc_folders.listing(legacy)) == out.hash:
            changed = False
            inexact = {name for name in md5s if legacy[name] != md5s[name]}
    contents = tuple(
        _Content(md5s[name], stat.st_size, f"{path}/{name}", name not in inexact)
        for name, stat in found.files.items()
    )
    data = Data(out.path, DataKind.DIRECTORY, f"md5:{hash_}", found.size, len(contents))
    odd = tuple(f"{out.path}/{name}" for name in found.odd)
    return _Look(data, contents, content, changed=changed, odd=odd)


def _recorded(out: Out, stores: _Stores) -> _Look | None:
    """An output that is not in the workspace."""
    algorithm = "md5-dos2unix" if out.legacy else "md5"
    hash_, content = out.hash, None
    if out.listing is not None:
        content = dvc_folders.listing(dict(out.listing))
        hash_ = dvc_folders.listing_hash(content)
    elif out.hash:
        content = stores.listing(out.hash) if out.hash and out.hash.endswith(".dir") else None
    if hash_ is None:
        return None
    if not hash_.endswith(".dir"):
        data = Data(out.path, DataKind.FILE, f"{algorithm}:{hash_}", out.size or 0, 1)
        return _Look(data, (_Content(hash_, out.size, None),), present=False)
    contents: tuple[_Content, ...] | None = None
    if content is not None:
        md5s = dvc_folders.parse_listing(content, out.path)
        contents = tuple(_Content(md5s[name], None, None) for name in sorted(md5s))
    count = len(contents) if contents is not None else out.files or 0
    data = Data(out.path, DataKind.DIRECTORY, f"{algorithm}:{hash_}", out.size or 0, count)
    return _Look(data, contents, content, present=False)


# --- where it can be had --------------------------------------------------------------------


class _Stores:
    """The cache and the remotes of a DVC repository."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cache = Place(str(config.cache))

    def listing(self, oid: str) -> bytes | None:
        """A folder's ``.dir`` object, from the cache or a remote that is a folder, verified."""
        folders = [remote.folder for remote in self.config.remotes.values() if remote.folder]
        for place in (self.cache, *(Place(str(folder)) for folder in folders)):
            for path in place.candidates(oid):
                try:
                    content = Path(path).read_bytes()
                except OSError:
                    continue
                if dvc_folders.listing_hash(content) == oid:
                    return content
        return None

    def remotes(self, name: str | None) -> list[Remote]:
        """All remotes, first the one that is named, or the default."""
        first = self.config.remote(name)
        others = [remote for remote in self.config.remotes.values() if remote is not first]
        return [first, *others] if first else others


def _place(
    out: Out,
    look: _Look,
    stores: _Stores,
    own: dict[str, Own],
    concerns: list[tuple[Concern, str]],
) -> DataPlaces:
    """Where the output's content is; adds what is in no place to ``own``, and what to say of it."""
    wanted = None if look.contents is None else {(item.md5, item.size) for item in look.contents}
    uncached = {oid for oid, _ in wanted or ()}
    kept = {item.md5 for item in look.contents or () if item.in_cache}
    if wanted is not None:
        uncached = stores.cache.missing(wanted) | (uncached - kept)
    remotes = stores.remotes(out.remote)
    remote, unpushed, unknown = _on_remotes(wanted, kept, remotes)
    lost = uncached & unpushed
    for item in look.contents or ():
        if item.md5 in lost and item.path is not None and item.size is not None:
            own.setdefault(item.md5, Own(item.path, item.md5, item.size))
    cached = wanted is not None and not uncached
    concerns += _concerns(out, look, stores, cached, unpushed - lost, lost, unknown)
    on_remote: bool | None = wanted is not None and not unpushed
    if not on_remote and (unknown or out.imported):
        on_remote = None
    shown = remote or (remotes[0] if remotes else None)
    url = shown.public_url if shown else None
    if out.imported and not on_remote:
        shown, url = None, Remote("", out.imported).public_url
    return DataPlaces(
        declared_in=out.declared_in,
        recorded=_record(out, look),
        cache=cached,
        remote=shown.name if shown else None,
        remote_url=url,
        on_remote=on_remote,
    )


def _record(out: Out, look: _Look) -> str | None:
    if out.hash is None:
        return None
    same = look.data.hash.removeprefix("md5:") == out.hash
    return f"md5-dos2unix:{out.hash}" if out.legacy and not same else f"md5:{out.hash}"


def _on_remotes(
    wanted: set[tuple[str, int | None]] | None, kept: set[str], remotes: list[Remote]
) -> tuple[Remote | None, set[str], list[Remote]]:
    """The folder remote that has everything, what no folder remote has, and the other remotes."""
    unpushed = {oid for oid, _ in wanted or ()}
    complete: Remote | None = None
    for remote in remotes:
        if remote.folder is None or remote.versioned or wanted is None or complete:
            continue
        missing = Place(str(remote.folder)).missing(wanted) | {
            oid for oid, _ in wanted if oid not in kept
        }
        unpushed &= missing
        if not missing:
            complete = remote
    return complete, unpushed, [remote for remote in remotes if remote.folder is None]


def _concerns(
    out: Out,
    look: _Look,
    stores: _Stores,
    cached: bool,
    only_cached: set[str],
    lost: set[str],
    unknown: list[Remote],
) -> Iterable[tuple[Concern, str]]:
    path = out.path
    yield from ((Concern.ODD, odd) for odd in look.odd)
    if look.changed:
        yield Concern.CHANGED, path
    elif look.present and lost:
        yield Concern.OWN, path
    if out.executable:
        yield Concern.EXECUTABLE, path
    if not look.present and (lost or look.contents is None):
        elsewhere = unknown or out.imported
        yield (Concern.ELSEWHERE if elsewhere else Concern.NOWHERE), path
        return
    if not look.present:
        yield Concern.ABSENT, path
    if not only_cached:
        return
    if out.imported:
        yield Concern.IMPORTED, path
    elif out.remote and stores.config.remote(out.remote) is None:
        yield Concern.UNKNOWN_REMOTE, path
    elif not out.pushed:
        yield Concern.NEVER_PUSHED, path
    elif any(not remote.versioned for remote in unknown):
        yield Concern.NOT_ASKED, path
    elif unknown:
        yield Concern.VERSIONED, path
    elif stores.config.remotes:
        yield Concern.NOT_PUSHED, path
    else:
        yield Concern.NO_REMOTE, path
