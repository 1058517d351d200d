"""Takes a run out of a bundle into a store: everything is checked first, nothing is executed.

The file is read twice: its headers, which say what it holds and how much, and then each blob once, as a
stream. What is checked lies in a session of the store until all of it is right; the manifest comes last.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from repro import canonical, sessions
from repro.bundles import carried, coding, gitpack, groups
from repro.bundles.carried import Carried
from repro.bundles.groups import Group
from repro.bundles.layout import Layer
from repro.bundles.metering import Meter, size
from repro.bundles.opening import SMALL_DOCUMENT, Opened, TarSource, open_bundle, read
from repro.bundles.refusing import Refused, refused
from repro.errors import Corrupt, NotFound, ReproError
from repro.manifest import Descriptor, Manifest
from repro.packing import MEDIA_TYPE as PACK
from repro.progress import SILENT, Progress
from repro.sessions import Session
from repro.store import Run, Store
from repro.strict_json import shown

ONE_BY_ONE = 64


@dataclass(frozen=True)
class Imported:
    """A run that is in the store now. ``notes`` are lines on what a replay of it should be told."""

    run: Run
    new: bool
    """False: the store had it already; parts that it lacked were added."""
    data: int
    """Files of data that came along."""
    packages: int
    image: bool
    signatures: int = 0
    """Signed statements that came along, good or bad."""
    notes: tuple[str, ...] = ()


def import_bundle(store: Store, path: Path, progress: Progress = SILENT) -> Imported:
    """Verify a bundle and take it into the store. Raises Refused, a Corrupt, where anything of it is not
    as it should be; the store is as before then."""
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}") from error
    except OSError as error:
        raise ReproError(f"cannot read {path}: {error.strerror}") from error
    with stream, sessions.session(store) as session:
        progress.step("looking at what the bundle holds")
        return taken(store, open_bundle(TarSource(stream)), session, progress)


def taken(
    store: Store,
    opened: Opened,
    session: Session,
    progress: Progress = SILENT,
    *,
    far: bool = False,
) -> Imported:
    """Verify the layers of an opened bundle and take its run into the store, wherever it comes from.

    ``far``: its blobs are fetched; what the store has as it should be stands in for them.
    """
    return _Import(store, opened, session, progress, far).taken()


def signatures_in(path: Path) -> tuple[str, dict[str, bytes]]:
    """The id of the run in a bundle, and its signed statements by their ids. The bundle's documents are
    verified, its layers are not read. Raises Refused, ReproError."""
    try:
        with path.open("rb") as stream:
            opened = open_bundle(TarSource(stream))
    except OSError as error:
        raise ReproError(f"cannot read {path}: {error.strerror}") from error
    contents = sorted(content for _, content in opened.signatures.values())
    run_id = opened.bundle.run.digest.removeprefix("sha256:")
    return run_id, {canonical.digest_bytes(item).removeprefix("sha256:"): item for item in contents}


def is_bundle(path: Path) -> bool:
    """Whether a file begins as a bundle does, sound or not: for telling it from other things a person
    may name."""
    try:
        with path.open("rb") as stream:
            block = stream.read(512)
    except (OSError, ValueError):
        return False
    name = block[:100].rstrip(b"\0").removeprefix(b"./").rstrip(b"/")
    known = (b"", b".", b"oci-layout", b"index.json", b"blobs", b"blobs/sha256")
    is_known = name in known or name.startswith(b"blobs/sha256/")
    return block[257:262] == b"ustar" and is_known


# --- taking ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Import:
    """One import at work."""

    store: Store
    opened: Opened
    session: Session
    progress: Progress
    far: bool

    def taken(self) -> Imported:
        self._room()
        files = self._verified()
        self._check_source(files)
        carried_now = self._carried()
        new = self.opened.bundle.run.digest.removeprefix("sha256:") not in self.store.run_ids()
        run = self._kept(files, carried_now)
        return Imported(
            run,
            new,
            data=sum(item.path.startswith("data/") for item in carried_now.contents),
            packages=sum(item.path.startswith("packages/") for item in carried_now.contents),
            image=carried_now.image is not None,
            signatures=len(self.opened.signatures),
            notes=(*_notes(self.opened.manifest), *self.opened.source.notes()),
        )

    @property
    def _layers(self) -> tuple[Layer, ...]:
        return self.opened.bundle.layers

    @property
    def _image_layers(self) -> tuple[Layer, ...]:
        return self.opened.image.layers if self.opened.image else ()

    def _room(self) -> None:
        """What it says it unpacks to has to fit on the disk, before a byte is written."""
        needed = sum(layer.content_size for layer in (*self._layers, *self._image_layers))
        free = shutil.disk_usage(self.store.root).free
        if needed > free:
            raise Refused(
                f"the bundle is refused: it unpacks to {size(needed)}, and {size(free)} of the disk are free",
                "free some space; or ask who made it, if it should not be that large",
            )

    def _verified(self) -> dict[str, Path]:
        """Every blob in a file of the session, by the digest that the store will know it by."""
        folder = self.session.folder("blobs")
        both = (*self._layers, *self._image_layers)
        meter = Meter(self.progress, "verifying", sum(layer.blob.size for layer in both))
        count = sum(1 for _ in self.opened.contents) + len(self._image_layers)
        self.progress.step(f"verifying {count} pieces")
        files: dict[str, Path] = {}
        sizes: dict[str, int] = {}
        for layer in self.opened.contents:
            if sizes.setdefault(layer.content_digest, layer.content_size) != layer.content_size:
                raise refused(f"{shown(layer.path)} has another size in another place")
        for layer in self.opened.alone:
            if layer.content_digest in files or self._at_hand((layer,), files):
                continue
            target = folder / layer.content_digest.removeprefix("sha256:")
            self._unpacked(layer, target, meter)
            files[layer.content_digest] = target
        for group in self.opened.groups:
            if not self._at_hand(group.members, files):
                self._unpacked_group(group, folder, files, meter)
        for layer in self._image_layers:
            target = folder / layer.blob.digest.removeprefix("sha256:")
            if layer.blob.digest not in files:
                self._copied(layer, target, meter)
                files[layer.blob.digest] = target
        return files

    def _at_hand(self, layers: tuple[Layer, ...], files: dict[str, Path]) -> bool:
        """Whether the store has all of it, verified, so that it need not be fetched."""
        if not self.far:
            return False
        found: dict[str, Path] = {}
        for item in layers:
            wanted = Descriptor(item.path, item.content_digest, item.content_size)
            try:
                found[item.content_digest] = self.store.verified(wanted)
            except (NotFound, Corrupt, OSError):
                return False
        for digest, path in found.items():
            files.setdefault(digest, path)
        return True

    def _blob(self, layer: Layer, meter: Meter) -> Iterator[bytes]:
        """The blob's bytes; behind the last one its digest is known to be right."""
        state, left = hashlib.sha256(), layer.blob.size
        for chunk in self.opened.source.chunks(layer.blob.digest):
            left -= len(chunk)
            if left < 0:
                raise refused(f"the blob of {shown(layer.path)} is larger than it states")
            state.update(chunk)
            meter.add(len(chunk))
            yield chunk
        if "sha256:" + state.hexdigest() != layer.blob.digest:
            raise refused(f"the blob of {shown(layer.path)} has another digest than its name")

    def _content(self, layer: Layer, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """What the blob unpacks to, verified likewise."""
        if not layer.is_compressed:
            yield from chunks
            return
        state = hashlib.sha256()
        for chunk in coding.decoded(chunks, layer.path, layer.content_size):
            state.update(chunk)
            yield chunk
        if "sha256:" + state.hexdigest() != layer.content_digest:
            raise refused(f"{shown(layer.path)} unpacks to another content than it states")

    def _unpacked(self, layer: Layer, target: Path, meter: Meter) -> None:
        with target.open("xb") as out:
            for chunk in self._content(layer, self._blob(layer, meter)):
                out.write(chunk)

    def _unpacked_group(
        self, group: Group, folder: Path, files: dict[str, Path], meter: Meter
    ) -> None:
        def place(digest: str) -> IO[bytes]:
            if digest in files:
                return Path(os.devnull).open("wb")  # from elsewhere already; verified all the same
            files[digest] = folder / digest.removeprefix("sha256:")
            return files[digest].open("xb")

        layer = group.archive
        groups.unpack(self._content(layer, self._blob(layer, meter)), group, place)

    def _copied(self, layer: Layer, target: Path, meter: Meter) -> None:
        """A layer of the image stays packed; what it unpacks to is looked at all the same."""
        with target.open("xb") as out:

            def kept() -> Iterator[bytes]:
                for chunk in self._blob(layer, meter):
                    out.write(chunk)
                    yield chunk

            for _ in self._content(layer, kept()):
                pass

    def _check_source(self, files: dict[str, Path]) -> None:
        self.progress.step("checking the source")
        packs = {
            item.path: files[item.digest]
            for item in self.opened.manifest.contents
            if item.media_type == PACK or item.path.startswith("source/")
        }
        room = shutil.disk_usage(self.store.root).free
        wanted = self.opened.manifest.definition.source
        gitpack.check(wanted, packs, self.session.folder("source"), room)
        for item in self.opened.manifest.contents:
            if item.path.startswith("environment/"):
                _check_text(item, files[item.digest])

    def _carried(self) -> Carried:
        named = {item.path for item in self.opened.manifest.contents}
        contents = tuple(
            Descriptor(layer.path, layer.content_digest, layer.content_size, layer.media_type)
            for layer in self.opened.contents
            if carried.is_role(layer.path) and layer.path not in named
        )
        blob = self.opened.image_blob
        image = Descriptor("image", blob.digest, blob.size, blob.media_type) if blob else None
        return Carried(contents, image)

    def _kept(self, files: dict[str, Path], more: Carried) -> Run:
        """Blobs, then what names them: a run that is listed is whole, also after a power cut."""
        self.progress.step("taking it into the store")
        stored = self.store.root / "blobs" / "sha256"
        new = {digest: path for digest, path in files.items() if path.parent != stored}
        _settle(new.values())
        for digest, path in new.items():
            os.replace(path, f"{stored}/{digest.removeprefix('sha256:')}")  # noqa: PTH105
        if self.opened.image and self.opened.image_blob:
            for blob in (self.opened.image.config, self.opened.image_blob):
                content = read(self.opened.source, blob, SMALL_DOCUMENT)
                self.store.put_bytes(content, "image")
        identity = self.opened.bundle.run.digest.removeprefix("sha256:")
        carried.add(self.store, identity, more)
        for _, content in self.opened.signatures.values():
            self.store.add_signature(identity, content)
        canonical.write_bytes(self.store.root / "runs" / identity, self.opened.content)
        return self.store.run(identity)


def _settle(files: Collection[Path]) -> None:
    """Have the disk hold them. One by one takes a millisecond each: many are settled in one go."""
    for path in files:
        os.chmod(path, 0o644)  # noqa: PTH101  20,000 of them
    if len(files) > ONE_BY_ONE and hasattr(os, "sync"):
        os.sync()
        return
    for path in files:
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())


def _check_text(item: Descriptor, path: Path) -> None:
    try:
        if item.size > SMALL_DOCUMENT * 64:
            raise refused(f"its {shown(item.path)} is too large")
        path.read_text("utf-8")
    except UnicodeDecodeError:
        raise refused(f"its {shown(item.path)} is no text") from None


def _notes(manifest: Manifest) -> tuple[str, ...]:
    """What a person should know before replaying what somebody else recorded."""
    notes = []
    if manifest.policy.network:
        notes.append(
            "it was recorded with the network; a replay of a run from elsewhere gives it only with --network"
        )
    if manifest.policy.log_patterns:
        notes.append("its policy has regular expressions, which are applied to the log")
    return tuple(notes)
