"""Writes what belongs to a run into a bundle: a file, a folder, a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.bundles import (
    attachments,
    gathering,
    group_writing,
    groups,
    images,
    layout,
    pieces,
)
from repro.bundles.gathering import Gathered
from repro.bundles.layout import Blob, Bundle, EnvironmentImage, Index, Layer
from repro.bundles.metering import Meter
from repro.bundles.pieces import Blobs, Damaged, Piece, Target
from repro.bundles.remembering import Memory
from repro.errors import ReproError
from repro.progress import SILENT, Progress

PARTS = ("data", "packages", "image", "outputs")


@dataclass(frozen=True)
class Parts:
    """All that a bundle consists of, wherever it goes. Pieces and image lie on this disk, some of them in
    the session that they were collected in."""

    manifest: bytes
    """The run's, its exact bytes: fields that this version does not know are part of them."""
    pieces: tuple[Piece, ...]
    image: images.Unpacked | None = None
    left_out: tuple[str, ...] = ()
    signatures: tuple[bytes, ...] = ()
    """Signed statements about the run, by their digests."""


def write(
    archive: Target, parts: Parts, progress: Progress = SILENT, memory: Memory | None = None
) -> tuple[str, tuple[Layer, ...]]:
    """Write all of it: layers, then the documents that name them. The bundle's digest, and its layers.

    What ``memory`` knows to be there is not written again. Raises Corrupt where a piece is not what was
    recorded.
    """
    found, image, manifest = parts.pieces, parts.image, parts.manifest
    total = sum(piece.size for piece in found)
    total += sum(path.stat().st_size for path in image.layers) if image else 0
    meter = Meter(progress, "writing", total)
    progress.step(f"writing {len(found)} pieces")
    archive.file("oci-layout", layout.LAYOUT)
    split = gathering.gathered(found)
    layers: list[Layer] = []
    for members, paths in _layered(split):
        made = memory.recall(members, paths) if memory else None
        if made is None:
            made = _write_layers(archive, members, paths, meter)
            if memory:
                memory.keep(members, made)
        else:
            meter.add(sum(piece.size for piece in members))
        layers += made
    layers.sort(key=lambda layer: layer.path)
    stated = write_image(archive, image, meter) if image else None
    config = Blob(archive.put(manifest), len(manifest), layout.RUN_TYPE)
    bundle = layout.dump_bundle(Bundle(config, tuple(layers), stated.digest if stated else None))
    named = Blob(archive.put(bundle), len(bundle), layout.MANIFEST_TYPE)
    run_id = config.digest.removeprefix("sha256:")
    attached = _attached(archive, parts.signatures, named, run_id)
    archive.file("index.json", layout.dump_index(Index(named, stated, attached)))
    archive.finish()
    return named.digest, tuple(layers)


def _layered(split: Gathered) -> Iterator[tuple[tuple[Piece, ...], tuple[str, ...]]]:
    """What goes into one layer, or into a group's two, and their paths."""
    for piece in split.alone:
        yield (piece,), (piece.path,)
    for number, members in enumerate(split.groups, 1):
        yield members, groups.paths(number)


def _write_layers(
    archive: Target, members: tuple[Piece, ...], paths: tuple[str, ...], meter: Meter
) -> tuple[Layer, ...]:
    if len(paths) == 1:
        return (_write(archive, members[0], meter),)
    return _write_group(archive, members, paths, meter)


def _attached(
    archive: Target, signatures: tuple[bytes, ...], bundle: Blob, run_id: str
) -> dict[str, Blob]:
    """Each signed statement with the manifest that attaches it, by the statement's digest."""
    found = {}
    for content in signatures:
        manifest = attachments.dump(attachments.of(content, bundle, run_id))
        archive.put(attachments.EMPTY)
        digest = archive.put(content).removeprefix("sha256:")
        found[digest] = Blob(archive.put(manifest), len(manifest), layout.MANIFEST_TYPE)
    return found


def _write(archive: Blobs, piece: Piece, meter: Meter) -> Layer:
    for source in piece.sources:
        try:
            with archive.blob() as sink:
                return pieces.written(piece, source, sink, meter.add)
        except (Damaged, FileNotFoundError):
            continue
        except OSError as error:
            if error.filename:
                raise ReproError(f"cannot read {source}: {error.strerror}") from error
            raise
    raise pieces.damaged(piece)


def _write_group(
    archive: Target, members: tuple[Piece, ...], paths: tuple[str, ...], meter: Meter
) -> tuple[Layer, Layer]:
    """The tar, then its listing."""
    tar, listing = paths
    with archive.blob() as sink:
        layer, stated = group_writing.written(members, tar, sink, meter.add)
    content = groups.dump_listing(stated)
    with archive.blob() as sink:
        return layer, pieces.written_bytes(content, listing, groups.LISTING_TYPE, sink)


def write_image(archive: Blobs, image: images.Unpacked, meter: Meter | None = None) -> Blob:
    """Write the layers of an image and the documents that name them; its manifest."""
    meter = meter or Meter(SILENT, "writing", 0)
    layers = []
    for number, path in enumerate(image.layers):
        piece = Piece(f"image/{number}", path.stat().st_size, (path,), layout.IMAGE_LAYER_TYPE)
        layers.append(_write(archive, piece, meter))
    config = Blob(archive.put(image.config), len(image.config), layout.IMAGE_CONFIG_TYPE)
    manifest = layout.dump_image(EnvironmentImage(config, tuple(layers)))
    return Blob(archive.put(manifest), len(manifest), layout.MANIFEST_TYPE)
