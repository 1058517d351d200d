"""The source's packs in the store: what is known by its key is neither packed nor written again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from repro import canonical
from repro.capturing import source
from repro.capturing.source import Snapshot
from repro.manifest import Descriptor, Finding, Source
from repro.store import Store

MEDIA_TYPE = "application/x-git-packed-objects"


def store_packs(
    snapshot: Snapshot, workspace: Path, scratch: Path, store: Store
) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    """Put what a restore of the snapshot needs into the store."""
    descriptors: list[Descriptor] = []
    findings: list[Finding] = []
    for pack in source.pack(
        snapshot, workspace, scratch, lambda key: _known(store, key) is not None
    ):
        findings += pack.findings
        if pack.path is None:
            descriptor = _known(store, pack.key)
            assert descriptor is not None
        else:
            descriptor = store.put_file(pack.path, pack.role, MEDIA_TYPE)
            canonical.write_bytes(
                _note(store, pack.key),
                canonical.dumps({"digest": descriptor.digest, "size": descriptor.size}),
            )
        descriptors.append(Descriptor(pack.role, descriptor.digest, descriptor.size, MEDIA_TYPE))
    return tuple(descriptors), tuple(findings)


def restore(
    wanted: Source,
    contents: tuple[Descriptor, ...],
    store: Store,
    target: Path,
    *,
    branch: str | None,
    remotes: dict[str, str],
) -> None:
    """Make ``target`` the work tree that was recorded, from the store's packs, each verified."""
    packs = {item.path: store.verified(item) for item in contents if item.media_type == MEDIA_TYPE}
    source.restore(wanted, packs, target, branch=branch, remotes=remotes)


def _note(store: Store, key: str) -> Path:
    return store.cache / "packs" / hashlib.sha256(key.encode()).hexdigest()


def _known(store: Store, key: str) -> Descriptor | None:
    try:
        note = msgspec.json.decode(_note(store, key).read_bytes())
        path = store.blob_path(note["digest"])
        if path.stat().st_size != note["size"]:
            return None
        return Descriptor("", note["digest"], note["size"], MEDIA_TYPE)
    except (OSError, ValueError, KeyError, TypeError):
        return None
