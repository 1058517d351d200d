"""Source and data of a run in the store: a pack that is known by its key is neither made nor written again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repro.capturing import source
from repro.capturing.ingredients import Ingredients
from repro.capturing.source import Snapshot
from repro.manifest import Descriptor, Finding, Source
from repro.project import Project
from repro.sessions import Session
from repro.store import Store

MEDIA_TYPE = "application/x-git-packed-objects"


def store_ingredients(
    parts: Ingredients, project: Project, session: Session
) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    """Put the source's packs and the listings of folders of data into the store, beside what of the data
    is there already."""
    packs, findings = store_packs(
        parts.source, project.workspace, session.path / "source", project.store
    )
    listings = [
        project.store.put_bytes(listing, f"data/listings/{path}", "application/json")
        for path, listing in parts.data.listings.items()
    ]
    return (*packs, *listings, *parts.kept), findings


def store_packs(
    snapshot: Snapshot, workspace: Path, scratch: Path, store: Store
) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    """Put what a restore of the snapshot needs into the store."""
    descriptors: list[Descriptor] = []
    findings: list[Finding] = []
    for pack in source.pack(
        snapshot, workspace, scratch, lambda key: known(store, key) is not None
    ):
        findings += pack.findings
        if pack.path is None:
            descriptor = store.recall(pack.key, pack.role, MEDIA_TYPE)
            assert descriptor is not None
        else:
            descriptor = store.put_file(pack.path, pack.role, MEDIA_TYPE)
            store.remember(pack.key, descriptor)
        descriptors.append(descriptor)
    return tuple(descriptors), tuple(findings)


def known(store: Store, key: str) -> Descriptor | None:
    """The pack with this key, where the store has it."""
    return store.recall(key, "", MEDIA_TYPE)


def restore(
    wanted: Source,
    contents: tuple[Descriptor, ...],
    store: Store,
    target: Path,
    *,
    branch: str | None = None,
    remotes: Mapping[str, str] | None = None,
    tags: tuple[str, ...] = (),
) -> None:
    """Make ``target`` the work tree that was recorded, from the store's packs, each verified."""
    packs = {item.path: store.verified(item) for item in contents if item.media_type == MEDIA_TYPE}
    source.restore(wanted, packs, target, branch=branch, remotes=remotes or {}, tags=tags)
