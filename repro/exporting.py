"""Writes a run into one file: an OCI image layout in a tar, the same bytes each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro import canonical, preparing, restoring, sessions
from repro.bundles import (
    carried,
    images,
    layout,
)
from repro.bundles.layout import Layer
from repro.bundles.pieces import Piece
from repro.bundles.tar_writing import Archive
from repro.capturing import data
from repro.errors import Corrupt, Unreplayable, UsageError
from repro.exporting_writing import Parts, write
from repro.manifest import Data, Descriptor, run_id
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.sessions import Session
from repro.signing import reading
from repro.store import Run, Store

if TYPE_CHECKING:
    from repro.exporting_redacted import Rewritten

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
    run: str = ""
    """The id of the run inside: another one where something was redacted."""


def export(
    project: Project,
    run: Run,
    target: Path,
    options: Options,
    environ: Mapping[str, str],
    progress: Progress = SILENT,
    *,
    redact: bool = False,
) -> Exported:
    """Write the bundle, beside its place first. Raises ReproError where a part of it cannot be had.

    ``redact``: without what looks like a secret, as a run with an id of its own.
    """
    with sessions.session(project.store) as session:
        found = without_secrets(project, run, environ, session, progress) if redact else None
        parts = collect(project, run, options, environ, session, progress, found)
        try:
            with canonical.writing(target.absolute()) as stream:
                digest, layers = write(Archive(stream), parts, progress)
        except IsADirectoryError as error:
            raise UsageError(f"{target} is a folder", "name a file") from error
    identity = run_id(parts.manifest)
    return Exported(target, target.stat().st_size, digest, layers, parts.left_out, identity)


def without_secrets(
    project: Project, run: Run, environ: Mapping[str, str], session: Session, progress: Progress
) -> Rewritten:
    """What leaves this machine in place of the run. Raises SecretFound where something cannot be taken out."""
    from repro import exporting_redacted

    progress.step("taking out what looks like a secret")
    return exporting_redacted.rewritten(project, run, environ, session)


def collect(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    session: Session,
    progress: Progress = SILENT,
    instead: Rewritten | None = None,
) -> Parts:
    """What belongs to a run's bundle; ``instead``: to that of what stands in its place. Raises ReproError where
    a part of it cannot be had."""
    job = _Export(project, instead.run if instead else run, options, environ, session, progress)
    progress.step("collecting what belongs to the run")
    manifest = (project.store.root / "runs" / run.id).read_bytes()
    found, left_out = job.pieces()
    signatures, unsound = _signatures(project.store, run.id)
    image = job.image() if options.image else None
    parts = Parts(manifest, found, image, (*left_out, *unsound), signatures)
    return _rewritten(project, parts, instead) if instead else parts


def _rewritten(project: Project, parts: Parts, found: Rewritten) -> Parts:
    from repro import exporting_redacted

    pieces, lines = exporting_redacted.sifted(project, found, parts.pieces)
    signatures = parts.signatures
    if signatures and found.id != found.run.id:
        signatures = ()
        lines += ("its signatures: they vouch for the run with its secrets, which has another id",)
    left_out = (*parts.left_out, *lines)
    return replace(
        parts, manifest=found.content, pieces=pieces, signatures=signatures, left_out=left_out
    )


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
            for piece in self._data():
                known = found.get(piece.path)
                found[piece.path] = replace(known, place=piece.place) if known else piece
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
        yield from data_pieces(manifest.definition.data, sources)

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
            what = (
                "1 output, which is known by its digest"
                if large == 1
                else (f"{large} outputs, which are known by their digests")
            )
            lines.append(f"{what} (--with outputs)")
        return found, lines

    def image(self) -> images.Unpacked:
        _, image = environment_image(
            self.project, self.run, self.environ, self.session, self.progress
        )
        assert image is not None
        return image


def data_pieces(items: Iterable[Data], sources: data.Sources) -> Iterator[Piece]:
    """The files of some data. Raises Unreplayable where one is nowhere."""
    for item in data.locate(items, sources):
        paths = tuple(map(Path, item.paths))
        yield Piece(
            f"data/files/{item.md5}", paths[0].stat().st_size, paths,
            md5=item.md5, algorithm=item.algorithm, place=item.place,
        )  # fmt: skip


def environment_image(
    project: Project,
    run: Run,
    environ: Mapping[str, str],
    session: Session,
    progress: Progress,
    known: Collection[str] = (),
) -> tuple[str, images.Unpacked | None]:
    """The environment's image: the engine's own, built now where it has none. What the engine calls it, and
    None for it where that is ``known``."""
    from repro.engines.docker import DockerEngine

    engine = DockerEngine(environ)
    workspace = session.path / "workspace"
    progress.step("restoring the source, for the environment's sake")
    restoring.restore_source(project, run.manifest, workspace)
    recorded = run.manifest.provenance.workspace or "/repro/workspace"
    place = engine.place(workspace, recorded)
    ready = preparing.prepare(project, run, workspace, place, engine, session, environ, progress)
    broken = [item for item in ready.findings if item.severity.value != "note"]
    if broken:
        raise Unreplayable(
            f"the image would not be the recorded environment: {broken[0].message}",
            broken[0].remedy,
        )
    if ready.handle in known:
        return ready.handle, None
    progress.step("taking the image out of the engine")
    return ready.handle, images.unpack(engine.save(ready), session.folder("image"))


# --- writing --------------------------------------------------------------------------------
