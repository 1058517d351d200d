"""Copies into the store what a run still needs from elsewhere, so that it outlives DVC's cache and remotes,
the index and the images of the engine.

What is saved lies in the store as if a bundle had brought it (bundles/carried.py): replays, checks and
exports take it from there. Each blob is put in its place whole, and named when it is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from repro import canonical, exporting, exporting_writing, restoring, sessions
from repro.bundles import carried, pieces
from repro.bundles.carried import Carried
from repro.bundles.pieces import Damaged, Piece
from repro.bundles.tar_writing import Sink
from repro.capturing.requirements import parse
from repro.errors import ReproError
from repro.manifest import Descriptor, EnvironmentKind
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.sessions import Session
from repro.store import Run, Store


@dataclass(frozen=True)
class Saved:
    """What was copied into the store for one run."""

    run: str
    counts: dict[str, int] = field(default_factory=dict)
    """Pieces by part, of those that the store did not have: files of data, files of packages, an image."""
    size: int = 0
    """Bytes of what was copied, as it lies in the store."""
    failed: tuple[str, ...] = ()
    """Lines on what could not be saved, and why."""


def savable(project: Project, run: Run) -> tuple[str, ...]:
    """The parts of a run that the store does not hold whole. Raises Corrupt. Nobody is asked."""
    manifest, store = run.manifest, project.store
    came_along = carried.of(store, run.id)
    roles = {
        item.path for item in (*manifest.contents, *came_along.contents) if store.has(item.digest)
    }
    lacking = []
    if any(
        f"data/files/{item.hash.partition(':')[2]}" not in roles
        for item in manifest.definition.data
    ):
        lacking.append("data")
    if not has_packages(project, run, came_along):
        lacking.append("packages")
    image = came_along.image
    if manifest.definition.environment.image and not (image and store.has(image.digest)):
        lacking.append("image")
    return tuple(lacking)


def has_packages(project: Project, run: Run, came_along: Carried) -> bool:
    """Whether the store has a file of every package that the run's lock has a hash of."""
    lock = run.manifest.content("environment/requirements.lock")
    if run.manifest.definition.environment.kind is not EnvironmentKind.PACKAGES or not lock:
        return True
    files = came_along.below("packages/").values()
    digests = {item.digest for item in files if project.store.has(item.digest)}
    try:
        text = project.store.read(lock).decode("utf-8", "replace")
    except ReproError:
        return False  # what is wrong with it is said where it is needed
    return all(digests & set(entry.hashes) for entry in parse(text) if entry.name)


def save(
    project: Project, runs: list[Run], environ: Mapping[str, str], progress: Progress = SILENT
) -> tuple[Saved, ...]:
    """Copy what these runs lack into the store, run by run. What cannot be had is said, and stops nothing."""
    images: dict[str, Descriptor] = {}
    found = []
    for run in runs:
        progress.step(f"saving what run {run.short} needs")
        found.append(_Saving(project, run, environ, progress, images).saved())
    return tuple(found)


@dataclass
class _Saving:
    """One run at work."""

    project: Project
    run: Run
    environ: Mapping[str, str]
    progress: Progress
    images: dict[str, Descriptor]
    """Images that were saved for other runs, by what the engine calls them."""
    counts: dict[str, int] = field(default_factory=dict)
    size: int = 0
    failed: list[str] = field(default_factory=list)

    def saved(self) -> Saved:
        wanted = savable(self.project, self.run)
        for part, save in (
            ("data", self._data),
            ("packages", self._packages),
            ("image", self._image),
        ):
            if part not in wanted:
                continue
            try:
                with sessions.session(self.project.store) as session:
                    save(session)
            except ReproError as error:
                self.failed.append(f"the {part}: {error}")
        return Saved(self.run.id, self.counts, self.size, tuple(self.failed))

    def _note(self, more: Carried, part: str, count: int) -> None:
        carried.add(self.project.store, self.run.id, more)
        self.counts[part] = self.counts.get(part, 0) + count

    def _data(self, session: Session) -> None:
        """Item by item: one that is gone keeps no other from being saved."""
        came_along = carried.of(self.project.store, self.run.id)
        known = {item.path for item in (*self.run.manifest.contents, *came_along.contents)}
        sources = restoring.data_sources(self.project, self.run.manifest, came_along)
        self.progress.step("saving its data")
        for item in self.run.manifest.definition.data:
            try:
                found = [
                    self._stored(piece, session)
                    for piece in exporting.data_pieces((item,), sources)
                    if piece.path not in known
                ]
            except ReproError as error:
                self.failed.append(f"the data {item.path}: {error}")
                continue
            known |= {one.path for one in found}
            if found:
                self._note(Carried(tuple(found)), "data", len(found))

    def _packages(self, session: Session) -> None:
        from repro import exporting_packages

        found, lines = exporting_packages.collect(
            self.project, self.run, self.environ, session, self.progress
        )
        self.failed += lines
        known = {item.path for item in carried.of(self.project.store, self.run.id).contents}
        kept = tuple(self._stored(piece, session) for piece in found if piece.path not in known)
        if kept:
            self._note(Carried(kept), "packages", len(kept))

    def _image(self, session: Session) -> None:
        handle, image = exporting.environment_image(
            self.project, self.run, self.environ, session, self.progress, self.images
        )
        if image is not None:
            self.progress.step("copying the image into the store")
            target = StoreTarget(self.project.store, session)
            blob = exporting_writing.write_image(target, image)
            self.images[handle] = Descriptor("image", blob.digest, blob.size, blob.media_type)
            self.size += target.size
        self._note(Carried(image=self.images[handle]), "image", 1)

    def _stored(self, piece: Piece, session: Session) -> Descriptor:
        """The piece in the store, verified while it is copied. Raises Corrupt where no source has it."""
        for source in piece.sources:
            try:
                with _placed(self.project.store, session) as sink:
                    pieces.copied(piece, source, sink.write)
            except (Damaged, FileNotFoundError):
                continue
            except OSError as error:
                raise ReproError(f"cannot copy {source}: {error.strerror}") from error
            self.size += sink.size
            return Descriptor(piece.path, sink.digest, sink.size, piece.media_type)
        raise pieces.damaged(piece)


@contextlib.contextmanager
def _placed(store: Store, session: Session) -> Iterator[Sink]:
    """Takes one blob; it is in the store when the block ended well, and nothing of it is before."""
    path = session.path / "blob"
    with canonical.writing(path) as stream:
        sink = Sink(stream)
        yield sink
    path.replace(store.blob_path(sink.digest))


class StoreTarget:
    """Where the blobs of an image go: a store."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store, self._session = store, session
        self.size = 0
        """Bytes that were written."""

    @contextlib.contextmanager
    def blob(self) -> Iterator[Sink]:
        """In the store when the block ended well."""
        with _placed(self._store, self._session) as sink:
            yield sink
        self.size += sink.size

    def put(self, content: bytes) -> str:
        """A small blob; returns its digest."""
        self.size += len(content)
        return self._store.put_bytes(content, "image").digest
