"""The project's `.repro/`: its runs, their names, their blobs and their replays.

    .repro/
      format                     "1"
      blobs/sha256/<hex>         content, under its digest, as in an OCI image layout
      runs/<run id>              manifests; the name of the file is the digest of its bytes
      names/<name>               a run id
      replays/<run id>/<id>      replay records, named by their digest as well
      signatures/<run id>/<id>   signed statements about a run, likewise
      gate                       a lock, see sessions.py
      cache/                     may be deleted at any time
      tmp/                       sessions, see sessions.py

Everything is written beside and renamed, and is verified against its digest when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from repro import canonical, manifest
from repro.errors import Corrupt, NewerSchema, NotFound, ReproError, UsageError
from repro.manifest import Descriptor, Manifest

FOLDER = ".repro"
FORMAT = "1"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Run:
    """A stored run: its id (64 hex digits) and its manifest."""

    id: str
    manifest: Manifest

    @property
    def short(self) -> str:
        return self.id[:12]


class Store:
    """One project's store. Cheap to open; nothing is kept in memory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, project: Path) -> Store:
        """The store of a project, made when it is not there yet."""
        store = cls(project / FOLDER)
        marker = store.root / "format"
        try:
            found = marker.read_text("ascii").strip()
        except FileNotFoundError:
            for folder in ("blobs/sha256", "runs", "names", "replays", "cache", "tmp"):
                (store.root / folder).mkdir(parents=True, exist_ok=True)
            # git must not see the store even where the project's exclude file cannot be written
            canonical.write_bytes(store.root / ".gitignore", b"*\n")
            (store.root / "gate").touch()
            canonical.write_bytes(marker, f"{FORMAT}\n".encode())
            return store
        except (OSError, ValueError) as error:
            raise ReproError(f"cannot read {marker}: {error}") from error
        if found != FORMAT:
            raise NewerSchema(
                f"{store.root} has store format {found!r}, this repro reads {FORMAT!r}",
                "update repro: pip install -U repro-engine",
            )
        return store

    @property
    def project(self) -> Path:
        return self.root.parent

    # --- blobs ---

    def blob_path(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        if algorithm != "sha256" or not re.fullmatch(r"[0-9a-f]{64}", value):
            raise Corrupt(f"{digest!r} is not a digest")
        return self.root / "blobs" / "sha256" / value

    def has(self, digest: str) -> bool:
        return self.blob_path(digest).exists()

    def put_bytes(
        self, content: bytes, role: str, media_type: str = "application/octet-stream"
    ) -> Descriptor:
        """Store content; the descriptor's path is its role."""
        digest = canonical.digest_bytes(content)
        path = self.blob_path(digest)
        if not _holds(path, content):
            canonical.write_bytes(path, content)
        return Descriptor(role, digest, len(content), media_type)

    def put_file(
        self, source: Path, role: str, media_type: str = "application/octet-stream"
    ) -> Descriptor:
        """Store a file's content, hashed while it is copied, in constant memory."""
        with source.open("rb") as stream:
            return self.put_stream(stream, role, media_type)

    def put_stream(
        self, stream: IO[bytes], role: str, media_type: str = "application/octet-stream"
    ) -> Descriptor:
        """Store what a stream yields until its end."""
        state, size = hashlib.sha256(), 0
        pending = self.root / "blobs" / f".pending-{canonical.PROCESS}-{os.urandom(6).hex()}"
        try:
            with canonical.writing(pending) as target:
                while chunk := stream.read(canonical.CHUNK):
                    state.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
            digest = "sha256:" + state.hexdigest()
            pending.replace(self.blob_path(digest))
        finally:
            pending.unlink(missing_ok=True)
        return Descriptor(role, digest, size, media_type)

    def remember(self, key: str, descriptor: Descriptor) -> None:
        """Note that what ``key`` describes is in the store, so that it need not be stored again."""
        note = canonical.dumps({"digest": descriptor.digest, "size": descriptor.size})
        canonical.write_bytes(self._note(key), note)

    def recall(self, key: str, role: str, media_type: str) -> Descriptor | None:
        """What was remembered under that key, as long as its blob is there."""
        try:
            note = canonical.loads(self._note(key).read_bytes())
            if self.blob_path(str(note["digest"])).stat().st_size == note["size"]:
                return Descriptor(role, note["digest"], note["size"], media_type)
        except (OSError, ValueError, KeyError, TypeError, Corrupt):
            pass
        return None

    def _note(self, key: str) -> Path:
        return (
            self.cache
            / "known"
            / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        )

    def verified(self, descriptor: Descriptor) -> Path:
        """The blob's path, once its size and digest are what the descriptor says.

        Raises NotFound where it is not there, Corrupt where it is not what it should be.
        """
        path = self.blob_path(descriptor.digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise NotFound(
                f"{descriptor.path}: its blob {descriptor.digest} is not in {self.root}"
            ) from None
        if size != descriptor.size or canonical.digest_file(path) != descriptor.digest:
            raise Corrupt(
                f"{descriptor.path}: the blob {path} has {size} bytes that are not those of "
                f"{descriptor.digest} ({descriptor.size} bytes)",
                "the file was damaged after it was stored; take it from a copy of the store",
            )
        return path

    def read(self, descriptor: Descriptor) -> bytes:
        """The blob's bytes, verified."""
        return self.verified(descriptor).read_bytes()

    # --- runs ---

    def add(self, run: Manifest) -> Run:
        """Store a manifest: the last thing that recording does, and what makes the run exist."""
        run = replace(run, definition_id=manifest.definition_id(run.definition))
        content = manifest.dumps(run)
        identity = manifest.run_id(content)
        canonical.write_bytes(self.root / "runs" / identity, content)
        return Run(identity, run)

    def run_ids(self) -> frozenset[str]:
        return frozenset(_entries(self.root / "runs"))

    def run(self, identity: str) -> Run:
        """The run with this full id, verified."""
        path = self.root / "runs" / identity
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no run {identity[:12]} in {self.root}") from None
        if manifest.run_id(content) != identity:
            raise Corrupt(
                f"the manifest of run {identity[:12]} is not what was recorded: {path} has another digest",
                "the file was changed or damaged; take it from a copy of the store",
            )
        return Run(identity, manifest.loads(content, f"the manifest of run {identity[:12]}"))

    # --- names ---

    def set_name(self, name: str, identity: str) -> None:
        """Give a run a name; a name that stands for another run moves to this one."""
        check_name(name)
        canonical.write_bytes(self.root / "names" / name, f"{identity}\n".encode())

    def names(self) -> dict[str, str]:
        """Run id by name."""
        found = {}
        for name in _entries(self.root / "names"):
            with contextlib.suppress(OSError, ValueError):
                found[name] = (self.root / "names" / name).read_text("ascii").strip()
        return found

    # --- replays ---

    def add_replay(self, run_id: str, record: bytes) -> str:
        """Store a replay record beside its run; returns the replay's id."""
        identity = manifest.run_id(record)
        canonical.write_bytes(self.root / "replays" / run_id / identity, record)
        return identity

    def replay(self, run_id: str, identity: str) -> bytes:
        """One replay record, verified."""
        path = self.root / "replays" / run_id / identity
        content = path.read_bytes()
        if manifest.run_id(content) != identity:
            raise Corrupt(f"the replay record {path} has another digest than its name")
        return content

    def replay_ids_of(self, run_id: str) -> Iterable[str]:
        """The ids of a run's replays, in no order."""
        return _entries(self.root / "replays" / run_id)

    def replay_ids(self) -> Iterator[tuple[str, str]]:
        """(run id, replay id) of all replays."""
        for run_id in _entries(self.root / "replays"):
            for identity in _entries(self.root / "replays" / run_id):
                yield run_id, identity

    # --- signatures ---

    def add_signature(self, run_id: str, envelope: bytes) -> str:
        """Store a signed statement beside its run; returns the id of the two. Nothing is verified."""
        identity = manifest.run_id(envelope)
        path = self.root / "signatures" / run_id / identity
        if not _holds(path, envelope):
            canonical.write_bytes(path, envelope)
        return identity

    def signatures(self, run_id: str) -> dict[str, bytes]:
        """A run's signed statements by their ids, in the order of these. What is damaged is among them:
        whoever looks at a signature finds that out, and nobody believes one before."""
        folder = self.root / "signatures" / run_id
        return {name: (folder / name).read_bytes() for name in sorted(_entries(folder))}

    @property
    def cache(self) -> Path:
        return self.root / "cache"


def check_name(name: str) -> None:
    """Raises UsageError where a run cannot be called that."""
    if not NAME_PATTERN.fullmatch(name) or name == "latest":
        raise UsageError(
            f"{name!r} cannot be the name of a run",
            "a name is up to 100 letters, digits, dots, dashes and underscores, and not 'latest'",
        )


def _holds(path: Path, content: bytes) -> bool:
    """Whether the file is there and whole: one that was damaged is written again."""
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _entries(folder: Path) -> Iterable[str]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield entry.name


def remove_tree(path: Path) -> None:
    """Remove a folder of repro's own, read-only parts included."""

    def force(function: object, name: str, error: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)  # noqa: PTH101, PTH120
            os.chmod(name, 0o700)  # noqa: PTH101
            function(name)  # type: ignore[operator]

    shutil.rmtree(path, onerror=force)
