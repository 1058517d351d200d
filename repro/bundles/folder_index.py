"""The index of a folder with several runs: an entry for each, by its id, and one for its image. Pure.

Entries of others are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from repro import canonical
from repro.bundles import layout
from repro.bundles.documents import Blobs, read
from repro.bundles.layout import Blob, Index
from repro.bundles.refusing import refused
from repro.errors import NotFound, UsageError
from repro.strict_json import shown

NAMES = "org.repro.names"
"""Names that the run had where it was pushed, with commas between."""
_ID = re.compile(r"[0-9a-f]{64}")
_SHORT = 12
_MOST_SHOWN = 8
LARGEST = 1 << 28
"""Bytes that the manifest of a bundle may have."""


@dataclass(frozen=True)
class Entry:
    """A run of the folder."""

    run: str
    """Its id. The bundle has to prove it."""
    bundle: Blob
    names: tuple[str, ...] = ()
    signatures: Mapping[str, Blob] = field(default_factory=dict)
    """Manifests that attach a signed statement, by the digests of these."""


def with_run(content: bytes | None, run: str, index: Index, names: Collection[str] = ()) -> bytes:
    """The index with this run as its newest; an earlier push of it is replaced. Signatures that others
    attached to it stay: they are over the run, not over what was pushed with it."""
    document = layout.read_object(content, "index.json") if content is not None else {}
    entries = layout.read_list(document.get("manifests", []), "index.json")
    signatures = layout.signature_entries(index, f"{run}-")
    mine = {run, f"{run}-image", *(_name(item) for item in signatures)}
    entries = [item for item in entries if _name(item) not in mine]
    entries += signatures
    if index.image:
        entries.append(_entry(index.image, f"{run}-image"))
    notes = {NAMES: ",".join(sorted(names))} if names else {}
    entries.append({**_entry(index.bundle, run, notes), "artifactType": layout.BUNDLE_TYPE})
    whole = {"schemaVersion": 2, "mediaType": layout.INDEX_TYPE, **document, "manifests": entries}
    return canonical.dumps(whole)


def _entry(blob: Blob, name: str, notes: dict[str, str] | None = None) -> dict[str, Any]:
    return {**layout.describe(blob), "annotations": {layout.NAME: name, **(notes or {})}}


def _name(entry: Any) -> str:
    return layout.read_notes(entry).get(layout.NAME, "")


def load(content: bytes) -> tuple[Entry, ...]:
    """Every run of the index, in its order: the newest is the last. Raises Refused."""
    found = []
    entries = layout.read_list(
        layout.read_object(content, "index.json").get("manifests"), "index.json"
    )
    signatures = _signatures(entries)
    for item in entries:
        notes = layout.read_notes(item)
        # tools that copy a layout drop the artifactType: the name is what counts
        if not _ID.fullmatch(notes.get(layout.NAME, "")):
            continue
        blob = layout.read_blob(item, "index.json")
        if blob.media_type != layout.MANIFEST_TYPE:
            raise refused(f"index.json names something of the type {shown(blob.media_type)}")
        names = tuple(name for name in notes.get(NAMES, "").split(",") if name)
        run = notes[layout.NAME]
        found.append(Entry(run, blob, names, signatures.get(run, {})))
    return tuple(found)


def _signatures(entries: list[Any]) -> dict[str, dict[str, Blob]]:
    """By run, then by the digest of what was signed."""
    found: dict[str, dict[str, Blob]] = {}
    for item in entries:
        run, _, digest = _name(item).partition(f"-{layout.SIGNATURE}")
        if _ID.fullmatch(run) and _ID.fullmatch(digest):
            found.setdefault(run, {})[digest] = layout.read_blob(item, "index.json")
    return found


def chosen(entries: tuple[Entry, ...], wanted: str, where: str) -> Entry:
    """The one that is meant; the newest where nothing is said. Raises NotFound, UsageError."""
    if not entries:
        raise NotFound(f"there are no runs in {where}")
    if wanted in ("", "latest"):
        return entries[-1]
    named = [item for item in entries if wanted in item.names][-1:]
    found = named or [item for item in entries if item.run.startswith(wanted)]
    if len({item.run for item in found}) > 1:
        raise UsageError(
            f"{shown(wanted)} is the beginning of {len(found)} runs in {where}", _list(found)
        )
    if not found:
        raise NotFound(f"there is no run {shown(wanted)} in {where}", _list(list(entries)))
    return found[-1]


def _list(entries: list[Entry]) -> str:
    texts = [item.run[:_SHORT] for item in entries[-_MOST_SHOWN:]]
    more = f" and {len(entries) - len(texts)} earlier ones" if len(entries) > len(texts) else ""
    return f"there are {', '.join(reversed(texts))}{more}"


def alone(entry: Entry, source: Blobs) -> Index:
    """The index as a bundle of this one run has it. Raises Refused where the run is another than it says,
    or its image is not there."""
    bundle = layout.load_bundle(read(source, entry.bundle, LARGEST))
    if bundle.run.digest != f"sha256:{entry.run}":
        raise refused(f"what index.json calls the run {entry.run[:_SHORT]} is another one")
    if bundle.image is None:
        return Index(entry.bundle, None, entry.signatures)
    size = source.size(bundle.image)
    if size is None:
        raise refused(f"it lacks the blob {bundle.image}, which it names")
    return Index(entry.bundle, Blob(bundle.image, size, layout.MANIFEST_TYPE), entry.signatures)
