"""`push` and `pull`: a run to and from a folder that a team shares, whatever keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro import exporting, importing, sessions
from repro.bundles import references, remembering
from repro.bundles.folder import Files, FolderPlace, FolderSource, LocalFiles
from repro.bundles.keeping import KeptSource
from repro.bundles.opening import Source, open_bundle
from repro.bundles.references import Folder, Reference, Registry, Url
from repro.bundles.registry import RegistryPlace, RegistrySource, demand_fits
from repro.bundles.remembering import Memory
from repro.bundles.remote_files import RemoteFiles
from repro.bundles.staging import Place, Staging
from repro.errors import UsageError
from repro.exporting import Options
from repro.importing import Imported
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.store import Run, Store


@dataclass(frozen=True)
class Pushed:
    """What a push did. Bytes and numbers of blobs count each blob once."""

    reference: str
    """What `repro pull` takes."""
    digest: str
    """Of the bundle's manifest."""
    sent: int
    sent_bytes: int
    there: int
    there_bytes: int
    left_out: tuple[str, ...] = ()
    signatures: int = 0
    """Signed statements that are there now, of those that this store has."""
    run: str = ""
    """The id of the run that is there: another one where something was redacted."""


def push(
    project: Project,
    run: Run,
    target: str,
    options: Options,
    environ: Mapping[str, str],
    progress: Progress = SILENT,
    *,
    redact: bool = False,
) -> Pushed:
    """Bring a run to a folder, a URL or a registry; blobs that are there are not sent again.

    ``redact``: without what looks like a secret, as a run with an id of its own, by which it is pulled.
    Raises ReproError; what has arrived by then stays, and no name leads to a half of it. What cannot be
    redacted is known before anything is sent.
    """
    reference = references.parse(target, _is_folder, with_run=False)
    names = [name for name, known in project.store.names().items() if known == run.id]
    with sessions.session(project.store) as session:
        instead = (
            exporting.without_secrets(project, run, environ, session, progress) if redact else None
        )
        identity = instead.id if instead else run.id
        place, pulled = _place(reference, identity, names)
        parts = exporting.collect(project, run, options, environ, session, progress, instead)
        if isinstance(reference, Registry):
            demand_fits(parts.pieces)
        staging = Staging(place, session.folder("staging"))
        memory = Memory(project.store.cache / remembering.FOLDER, staging.has)
        digest, _ = exporting.write(staging, parts, progress, memory)
    return Pushed(
        pulled,
        digest,
        len(staging.sent),
        sum(staging.sent.values()),
        len(staging.there),
        sum(staging.there.values()),
        parts.left_out,
        len(parts.signatures),
        identity,
    )


def pull(store: Store, text: str, progress: Progress = SILENT) -> Imported:
    """Take a run into the store, verified as an import is. Raises Refused, NotFound, ReproError."""
    reference = references.parse(text, _is_folder, with_run=True)
    with sessions.session(store) as session:
        progress.step("looking at what is there")
        source = _source(reference)
        if isinstance(reference, Folder):
            return importing.taken(store, open_bundle(source), session, progress)
        kept = KeptSource(source, store)
        done = importing.taken(store, open_bundle(kept), session, progress, far=True)
        kept.forget()
        return done


def is_reference(text: str) -> bool:
    """Whether the words name a run in another place, as ``pull`` takes it, and nothing of this project: a
    registry's name needs its tag, a folder has to be one that runs were pushed to."""
    try:
        reference = references.parse(text, _is_folder, with_run=True)
    except UsageError:
        return False
    if isinstance(reference, Folder):
        return (Path(reference.path).expanduser() / "oci-layout").is_file()
    return isinstance(reference, Url) or bool(reference.tag or reference.digest)


def _is_folder(text: str) -> bool:
    return Path(text).is_dir()


def _place(reference: Reference, identity: str, names: list[str]) -> tuple[Place, str]:
    """Where it goes, and how it is had from there."""
    if isinstance(reference, Registry):
        if reference.digest:
            raise UsageError(
                f"{reference.shown} names what is there already",
                "push to a tag: HOST/REPOSITORY:TAG",
            )
        tagged = replace(reference, tag=reference.tag or identity[:12])
        return RegistryPlace(tagged), tagged.shown
    files = _files(reference)
    shown = reference.path if isinstance(reference, Folder) else reference.shown
    return FolderPlace(files, identity, names), f"{shown}:{identity[:12]}"


def _source(reference: Reference) -> Source:
    if isinstance(reference, Registry):
        if not (reference.tag or reference.digest):
            raise UsageError(f"{reference.shown} names no run", "add its tag: HOST/REPOSITORY:TAG")
        return RegistrySource(reference)
    return FolderSource(_files(reference), reference.run)


def _files(reference: Folder | Url) -> Files:
    if isinstance(reference, Url):
        return RemoteFiles(reference)
    return LocalFiles(Path(reference.path).expanduser())
