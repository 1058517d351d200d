"""Where the content of a data item can be had: DVC's cache, its remotes, or nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import dvc_folders
from repro.capturing.data_findings import Concern
from repro.capturing.data_looking import Content, Look
from repro.capturing.dvc_config import Config, Remote
from repro.capturing.dvc_files import Out
from repro.capturing.dvc_folders import Place
from repro.manifest import DataPlaces


@dataclass(frozen=True)
class Own:
    """A file whose content is in no DVC cache: lost, unless the caller copies it."""

    path: str
    """Absolute."""
    md5: str
    size: int


class Stores:
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


def place(
    out: Out,
    look: Look,
    stores: Stores,
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
    # `dvc push` leaves imports out, and the repository they are from may go any day
    kept_here = unpushed if out.imported else uncached & unpushed
    for item in look.contents or ():
        if item.md5 in kept_here and item.md5 not in own:
            _keep(item, stores, own)
    cached = wanted is not None and not uncached
    concerns += _concerns(out, look, stores.config, uncached, unpushed, kept_here, unknown)
    on_remote: bool | None = wanted is not None and bool(remotes) and not unpushed
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


def _keep(item: Content, stores: Stores, own: dict[str, Own]) -> None:
    path = item.path or stores.cache.find(item.md5)
    if path is not None:
        size = item.size if item.size is not None else Path(path).stat().st_size
        own[item.md5] = Own(path, item.md5, size)


def _record(out: Out, look: Look) -> str | None:
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
        oids = {oid for oid, _ in wanted}
        missing = Place(str(remote.folder)).missing_names(oids) | (oids - kept)
        unpushed &= missing
        if not missing:
            complete = remote
    return complete, unpushed, [remote for remote in remotes if remote.folder is None]


def _concerns(
    out: Out,
    look: Look,
    config: Config,
    uncached: set[str],
    unpushed: set[str],
    kept_here: set[str],
    unknown: list[Remote],
) -> Iterable[tuple[Concern, str]]:
    path = out.path
    yield from ((Concern.ODD, odd) for odd in look.odd)
    if look.changed:
        yield Concern.CHANGED, path
    elif kept_here and look.present:
        yield (Concern.IMPORTED if out.imported else Concern.OWN), path
    if out.executable:
        yield Concern.EXECUTABLE, path
    if not look.present:
        if look.contents is None or uncached & unpushed:
            elsewhere = unknown or out.imported
            yield (Concern.ELSEWHERE if elsewhere else Concern.NOWHERE), path
            return
        yield Concern.ABSENT, path
        if kept_here:
            yield Concern.IMPORTED, path
    if not unpushed - kept_here:
        return
    if out.remote and config.remote(out.remote) is None:
        yield Concern.UNKNOWN_REMOTE, path
    elif not out.pushed:
        yield Concern.NEVER_PUSHED, path
    elif any(not remote.versioned for remote in unknown):
        yield Concern.NOT_ASKED, path
    elif unknown:
        yield Concern.VERSIONED, path
    elif config.remotes:
        yield Concern.NOT_PUSHED, path
    else:
        yield Concern.NO_REMOTE, path
