"""Writes a run into one file: an OCI image layout in a tar, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import canonical, preparing, restoring, sessions
from repro.bundles import attachments, carried, images, layout, pieces
from repro.bundles.layout import Blob, Bundle, EnvironmentImage, Index, Layer
from repro.bundles.metering import Meter
from repro.bundles.pieces import Damaged, Piece, Target
from repro.bundles.tar_writing import Archive
from repro.capturing import data
from repro.errors import Corrupt, ReproError, Unreplayable, UsageError
from repro.manifest import Descriptor
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.sessions import Session
from repro.signing import reading
from repro.store import Run, Store

PARTS = ("data", "packages", "image", "outputs")


@dataclass(frozen=True)
class Options:
    """What goes in beside what is always inside."""

    data: bool = False
    packages: bool = False
    image: bool = False
    outputs: bool = False

    @classmethod
    def of(cls, words: str, complete: bool) -> Options:
        """From a list with commas. Raises UsageError."""
        named = {word.strip() for word in words.split(",") if word.strip()}
        if unknown := sorted(named - set(PARTS)):
            raise UsageError(
                f"{unknown[0]!r} is no part of a bundle", f"the parts are {', '.join(PARTS)}"
            )
        if complete:
            named |= {"data", "image"}
        return cls(**dict.fromkeys(named, True))


@dataclass(frozen=True)
class Exported:
    """The file that was written; ``left_out`` says, in lines, what is not in it and could be."""

    path: Path
    size: int
    digest: str
    """Of the bundle's manifest, by which a registry would know it."""
    layers: tuple[Layer, ...]
    left_out: tuple[str, ...] = ()


def export(
    project: Project,
    run: Run,
    target: Path,
    options: Options,
    environ: Mapping[str, str],
    progress: Progress = SILENT,
) -> Exported:
    """Write the bundle, beside its place first. Raises ReproError where a part of it cannot be had."""
    with sessions.session(project.store) as session:
        parts = collect(project, run, options, environ, session, progress)
        try:
            with canonical.writing(target.absolute()) as stream:
                digest, layers = write(Archive(stream), parts, progress)
        except IsADirectoryError as error:
            raise UsageError(f"{target} is a folder", "name a file") from error
    return Exported(target, target.stat().st_size, digest, layers, parts.left_out)


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


def collect(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    session: Session,
    progress: Progress = SILENT,
) -> Parts:
    """What belongs to a run's bundle. Raises ReproError where a part of it cannot be had."""
    job = _Export(project, run, options, environ, session, progress)
    progress.step("collecting what belongs to the run")
    manifest = (project.store.root / "runs" / run.id).read_bytes()
    found, left_out = job.pieces()
    signatures, unsound = _signatures(project.store, run.id)
    image = job.image() if options.image else None
    return Parts(manifest, found, image, (*left_out, *unsound), signatures)


def _signatures(store: Store, run_id: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """What was signed about a run, good or bad, as far as a bundle may hold it; lines on the rest."""
    found, lines = [], []
    for identity, content in store.signatures(run_id).items():
        try:
            reading.read(content, run_id)
        except Corrupt as error:
            lines.append(f"the signature {identity[:12]}: {error}")
            continue
        found.append(content)
    if more := found[layout.MOST_SIGNATURES :]:
        lines.append(f"{len(more)} signatures: a bundle has at most {layout.MOST_SIGNATURES}")
    return tuple(found[: layout.MOST_SIGNATURES]), tuple(lines)


# --- what belongs to it ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Export:
    """One export at work."""

    project: Project
    run: Run
    options: Options
    environ: Mapping[str, str]
    session: Session
    progress: Progress

    def pieces(self) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
        """Every piece, by role, and lines on what is left out."""
        found = {piece.path: piece for piece in self._always()}
        left_out: list[str] = []
        if self.options.data:
            found |= {piece.path: piece for piece in self._data() if piece.path not in found}
        elif self.run.manifest.definition.data:
            left_out.append("the data: a replay takes it from DVC's cache or remote (--with data)")
        outputs, lines = self._outputs()
        found |= {piece.path: piece for piece in outputs}
        left_out += lines
        if self.options.packages:
            from repro import exporting_packages

            wheels, lines = exporting_packages.collect(
                self.project, self.run, self.environ, self.session, self.progress
            )
            found |= {piece.path: piece for piece in wheels}
            left_out += lines
        if not self.options.image:
            left_out.append("the image: a replay pulls the base and installs (--with image)")
        return tuple(found[path] for path in sorted(found)), tuple(left_out)

    def _always(self) -> Iterator[Piece]:
        manifest = self.run.manifest
        for item in (*manifest.contents, *manifest.result.logs):
            yield self._stored(item)

    def _stored(self, item: Descriptor) -> Piece:
        path = self.project.store.verified(item)
        return Piece(item.path, item.size, (path,), item.media_type, item.digest)

    def _data(self) -> Iterator[Piece]:
        manifest = self.run.manifest
        came_along = carried.of(self.project.store, self.run.id)
        sources = restoring.data_sources(self.project, manifest, came_along)
        for item in data.locate(manifest.definition.data, sources):
            paths = tuple(map(Path, item.paths))
            yield Piece(
                f"data/files/{item.md5}", paths[0].stat().st_size, paths,
                md5=item.md5, algorithm=item.algorithm,
            )  # fmt: skip

    def _outputs(self) -> tuple[list[Piece], list[str]]:
        """The outputs that the store keeps; on request also those that still lie in the workspace."""
        found, gone, large = [], [], 0
        for item in self.run.manifest.result.outputs:
            if item.link is not None:
                continue
            place = self.project.workspace / item.path
            if self.project.store.has(item.digest):
                place = self.project.store.blob_path(item.digest)
            elif not self.options.outputs:
                large += 1
                continue
            elif not place.is_file() or canonical.digest_file(place) != item.digest:
                gone.append(item.path)
                continue
            role = (
                f"outputs/root{item.path}"
                if item.path[0] == "/"
                else f"outputs/workspace/{item.path}"
            )
            found.append(Piece(role, item.size, (place,), item.media_type, item.digest))
        lines = [f"the output {path}: what the run wrote is no longer there" for path in gone]
        if large:
            lines.append(f"{large} outputs, which are known by their digests (--with outputs)")
        return found, lines

    def image(self) -> images.Unpacked:
        """The environment's image: the engine's own, built now where it has none."""
        from repro.engines.docker import DockerEngine

        engine = DockerEngine(self.environ)
        workspace = self.session.path / "workspace"
        self.progress.step("restoring the source, for the environment's sake")
        restoring.restore_source(self.project, self.run.manifest, workspace)
        recorded = self.run.manifest.provenance.workspace or "/repro/workspace"
        ready = preparing.prepare(
            self.project, self.run, workspace, engine.place(workspace, recorded), engine,
            self.session, self.environ, self.progress,
        )  # fmt: skip
        broken = [item for item in ready.findings if item.severity.value != "note"]
        if broken:
            raise Unreplayable(
                f"the image would not be the recorded environment: {broken[0].message}",
                broken[0].remedy,
            )
        self.progress.step("taking the image out of the engine")
        return images.unpack(engine.save(ready), self.session.folder("image"))


# --- writing --------------------------------------------------------------------------------


def write(
    archive: Target, parts: Parts, progress: Progress = SILENT
) -> tuple[str, tuple[Layer, ...]]:
    """Write all of it: layers, then the documents that name them. The bundle's digest, and its layers.

    Raises Corrupt where a piece is not what was recorded.
    """
    found, image, manifest = parts.pieces, parts.image, parts.manifest
    total = sum(piece.size for piece in found)
    total += sum(path.stat().st_size for path in image.layers) if image else 0
    meter = Meter(progress, "writing", total)
    progress.step(f"writing {len(found)} pieces")
    archive.file("oci-layout", layout.LAYOUT)
    layers = tuple(_write(archive, piece, meter) for piece in found)
    stated = _write_image(archive, image, meter) if image else None
    config = Blob(archive.put(manifest), len(manifest), layout.RUN_TYPE)
    bundle = layout.dump_bundle(Bundle(config, layers, stated.digest if stated else None))
    named = Blob(archive.put(bundle), len(bundle), layout.MANIFEST_TYPE)
    run_id = config.digest.removeprefix("sha256:")
    attached = _attached(archive, parts.signatures, named, run_id)
    archive.file("index.json", layout.dump_index(Index(named, stated, attached)))
    archive.finish()
    return named.digest, layers


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


def _write(archive: Target, piece: Piece, meter: Meter) -> Layer:
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


def _write_image(archive: Target, image: images.Unpacked, meter: Meter) -> Blob:
    layers = []
    for number, path in enumerate(image.layers):
        piece = Piece(f"image/{number}", path.stat().st_size, (path,), layout.IMAGE_LAYER_TYPE)
        layers.append(_write(archive, piece, meter))
    config = Blob(archive.put(image.config), len(image.config), layout.IMAGE_CONFIG_TYPE)
    manifest = layout.dump_image(EnvironmentImage(config, tuple(layers)))
    return Blob(archive.put(manifest), len(manifest), layout.MANIFEST_TYPE)
