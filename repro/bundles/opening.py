"""Reads the documents of a bundle, and sees that they fit together: before any of its layers is read.

Where the blobs come from is a Source: a tar here; a registry can be another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Protocol

from repro import canonical
from repro.bundles import attachments, carried, coding, groups, layout, screening, tar_reading
from repro.bundles.attachments import Attachment
from repro.bundles.documents import Blobs, check_size, read
from repro.bundles.groups import Group
from repro.bundles.layout import Blob, Bundle, EnvironmentImage, Layer
from repro.bundles.refusing import refused
from repro.bundles.tar_writing import blob_name
from repro.manifest import Manifest
from repro.strict_json import shown

SMALL_DOCUMENT = 1 << 20
LARGE_DOCUMENT = 1 << 28
"""Bytes that a document of a bundle may have: it is read into memory."""


class Source(Blobs, Protocol):
    """Where a bundle's blobs are."""

    def file(self, name: str, most: int) -> bytes:
        """``oci-layout`` or ``index.json``. Raises Refused where it has more than ``most`` bytes."""

    def digests(self) -> Collection[str]:
        """Of all blobs that there are; empty where that cannot be told."""

    def notes(self) -> Collection[str]:
        """Lines on what was passed over: a shared place may hold what somebody else left there."""


class TarSource:
    """A tar. Raises Refused, at once, where its headers are not those of a bundle."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._members = tar_reading.members(stream)

    def file(self, name: str, most: int) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise refused(f"it has no {name}: it is no bundle")
        if member.size > most:
            raise refused(f"its {name} is too large ({member.size} bytes)")
        self._stream.seek(member.offset)
        return self._stream.read(member.size)

    def size(self, digest: str) -> int | None:
        member = self._members.get(blob_name(digest))
        return member.size if member else None

    def chunks(self, digest: str) -> Iterator[bytes]:
        member = self._members[blob_name(digest)]
        offset, left = member.offset, member.size
        while left:
            self._stream.seek(offset)
            chunk = self._stream.read(min(left, canonical.CHUNK))
            if not chunk:
                return
            offset, left = offset + len(chunk), left - len(chunk)
            yield chunk

    def digests(self) -> Collection[str]:
        start = "blobs/sha256/"
        return [
            f"sha256:{name.removeprefix(start)}" for name in self._members if name.startswith(start)
        ]

    def notes(self) -> Collection[str]:
        return ()


@dataclass(frozen=True)
class Opened:
    """A bundle whose documents fit together; its layers were not looked at yet."""

    source: Source
    bundle: Bundle
    content: bytes
    """The run's manifest."""
    manifest: Manifest
    image: EnvironmentImage | None
    image_blob: Blob | None
    alone: tuple[Layer, ...]
    """Layers that are one piece of content each."""
    groups: tuple[Group, ...] = ()
    signatures: Mapping[Blob, tuple[Attachment, bytes]] = field(default_factory=dict)
    """Signed statements about the run, none of them verified, by what attaches them."""

    @property
    def contents(self) -> Iterator[Layer]:
        """Every piece of content, in a layer of its own or in one with others."""
        yield from self.alone
        for group in self.groups:
            yield from group.members


def open_bundle(source: Source) -> Opened:
    """Read the documents of a bundle. Raises Refused, and NewerSchema."""
    layout.load_layout(source.file("oci-layout", SMALL_DOCUMENT))
    index = layout.load_index(source.file("index.json", SMALL_DOCUMENT))
    bundle = layout.load_bundle(read(source, index.bundle, LARGE_DOCUMENT))
    content = read(source, bundle.run, screening.LARGEST)
    manifest = screening.read(content)
    if bundle.image != (index.image.digest if index.image else None):
        raise refused("the image in its index is not the one that its manifest names")
    image = None
    if index.image:
        image = layout.load_image(read(source, index.image, SMALL_DOCUMENT))
        carried.check_config(read(source, image.config, SMALL_DOCUMENT), image)
    run_id = bundle.run.digest.removeprefix("sha256:")
    signatures = {
        blob: attachments.envelope(source, blob, run_id) for blob in index.signatures.values()
    }
    alone = tuple(layer for layer in bundle.layers if layer.role != groups.ROLE)
    together = _groups(source, bundle)
    opened = Opened(
        source, bundle, content, manifest, image, index.image, alone, together, signatures
    )
    layout.once((item.path for item in opened.contents), "path")
    _check_named(opened, index)
    _check_roles(opened)
    return opened


def _groups(source: Source, bundle: Bundle) -> tuple[Group, ...]:
    """The groups of a bundle, their listings verified; their tars were not looked at."""
    pairs = groups.pairs(bundle.layers)
    if sum(listing.content_size for _, listing in pairs) > LARGE_DOCUMENT:
        raise refused("the listings of its groups are too large")
    found = []
    for archive, listing in pairs:
        members = groups.load_listing(_listing(source, listing), listing.path)
        found.append(groups.joined(archive, listing, members))
    return tuple(found)


def _listing(source: Source, layer: Layer) -> bytes:
    if layer.content_size > groups.LARGEST_LISTING:
        raise refused(f"{layer.path} is too large ({layer.content_size} bytes)")
    content = read(source, layer.blob, groups.LARGEST_LISTING)
    if layer.is_compressed:
        content = b"".join(coding.decoded(iter([content]), layer.path, layer.content_size))
    if canonical.digest_bytes(content) != layer.content_digest:
        raise refused(f"{layer.path} unpacks to another content than it states")
    return content


def _check_named(opened: Opened, index: layout.Index) -> None:
    """Every blob that is named is there in its size, and every blob that is there is named."""
    blobs = [index.bundle, opened.bundle.run, *(layer.blob for layer in opened.bundle.layers)]
    if index.image and opened.image:
        blobs += [index.image, opened.image.config, *(item.blob for item in opened.image.layers)]
    for blob, (attachment, _) in opened.signatures.items():
        blobs += [blob, attachment.envelope, attachments.EMPTY_BLOB]
    for blob in blobs:
        check_size(opened.source, blob)
    named = {blob.digest for blob in blobs}
    if others := sorted(digest for digest in opened.source.digests() if digest not in named):
        raise refused(f"it holds a blob that nothing names: {others[0]}")


def _check_roles(opened: Opened) -> None:
    """What the manifest needs is there as it says; what else is there is of a known kind."""
    manifest = opened.manifest
    layers = {layer.path: layer for layer in opened.contents}
    wanted = {item.path: item for item in (*manifest.contents, *manifest.result.logs)}
    for path, item in wanted.items():
        layer = layers.get(path)
        if layer is None:
            raise refused(f"it lacks {shown(path)}, which its manifest names")
        if (layer.content_digest, layer.content_size) != (item.digest, item.size):
            raise refused(f"its {shown(path)} is not the one that its manifest names")
    outputs = {item.digest: item.size for item in manifest.result.outputs}
    for path, layer in layers.items():
        if path in wanted:
            continue
        if layer.role == "outputs" and outputs.get(layer.content_digest) == layer.content_size:
            continue
        if not carried.is_role(path):
            raise refused(f"it holds {shown(path)}, which its manifest does not know")
