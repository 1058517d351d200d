"""Where are the data's objects: in repro's store, in DVC's cache, on its remotes?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from repro.capturing import dvc_folders, dvc_remote
from repro.capturing.data_restore import Sources
from repro.capturing.dvc_config import Remote
from repro.capturing.dvc_folders import Place
from repro.errors import ReproError
from repro.manifest import Data


@dataclass(frozen=True)
class Needed:
    """The objects of one run: path by md5 hex (``.dir`` appended for a listing)."""

    paths: Mapping[str, str] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    """Folders whose listing is nowhere: what is in them is not known."""


def needed(items: Iterable[Data], sources: Sources) -> Needed:
    """What a replay restores, by the listings that the record keeps."""
    paths: dict[str, str] = {}
    unlisted = []
    for item in items:
        oid = item.hash.partition(":")[2]
        if not oid.endswith(".dir"):
            paths[oid] = item.path
            continue
        listing = sources.listings.get(item.path)
        try:
            if listing is None or dvc_folders.listing_hash(listing) != oid:
                unlisted.append(item.path)
                continue
            inner = dvc_folders.parse_listing(listing, item.path)
        except ReproError:
            unlisted.append(item.path)
            continue
        for relative, md5 in inner.items():
            paths[md5] = f"{item.path}/{relative}"
    return Needed(paths, tuple(unlisted))


def here(oids: Iterable[str], sources: Sources) -> frozenset[str]:
    """Those in repro's store or in a cache of this machine. Their content is not read: a replay does."""
    caches = [Place(str(path)) for path in sources.caches]
    return frozenset(oid for oid in oids if _is_here(oid, sources, caches))


def _is_here(oid: str, sources: Sources, caches: list[Place]) -> bool:
    try:
        if sources.blob(oid) is not None:
            return True
    except ReproError:
        pass  # a damaged blob; a cache may have it
    return any(place.find(oid) for place in caches)


def on_remote(
    remote: Remote, oids: Iterable[str], sources: Sources
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Those that the remote has; and why it could not be asked, if so."""
    if remote.folder is not None:
        if not remote.folder.is_dir():
            return frozenset(), (f"remote {remote.name}: no folder {remote.folder}",)
        place = Place(str(remote.folder))
        return frozenset(oid for oid in oids if place.find(oid)), ()
    found = dvc_remote.holds(remote, oids, sources.dvc)
    return found.fetched, found.reasons
