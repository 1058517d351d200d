"""Runs in a folder that is an OCI image layout: one entry of its index for each, blobs shared by all.

Where the folder is, a Files knows: on this machine here; remote_files.py has the others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from repro import canonical, locks
from repro.bundles import attachments, folder_index, layout
from repro.bundles.layout import Index
from repro.bundles.refusing import refused
from repro.bundles.tar_writing import blob_name
from repro.errors import Busy, NotFound, ReproError, UsageError

LARGEST_INDEX = 1 << 26
"""Bytes of an index.json that is read: some 100000 runs."""
PATIENCE = 60.0
"""Seconds that a push waits for others that write the index."""
ABANDONED = 86400.0
"""Seconds after which a half-written blob is nobody's."""


class Files(Protocol):
    """The files of a folder, by their names in it. What fails is a ReproError or an OSError."""

    where: str

    def names(self) -> Collection[str]:
        """Of what lies directly inside; empty where there is no such folder."""

    def size(self, name: str) -> int | None:
        """Bytes; None where there is no such file."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """Its content."""

    def put(self, name: str, source: Path) -> None:
        """Copy a file there."""

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace a small file by what ``change`` makes of it, alone with it as far as that can be had."""


class LocalFiles:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, root: Path) -> None:
        self._root, self.where = root, str(root)

    def names(self) -> Collection[str]:
        with contextlib.suppress(FileNotFoundError):
            return [path.name for path in self._root.iterdir()]
        return []

    def size(self, name: str) -> int | None:
        path = self._root / name
        return path.stat().st_size if path.is_file() else None

    def chunks(self, name: str) -> Iterator[bytes]:
        with (self._root / name).open("rb") as stream:
            while chunk := stream.read(canonical.CHUNK):
                yield chunk

    def put(self, name: str, source: Path) -> None:
        with source.open("rb") as stream, canonical.writing(self._root / name) as out:
            while chunk := stream.read(canonical.CHUNK):
                out.write(chunk)

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("a+b") as lock:
            if not locks.wait(lock, PATIENCE):
                raise Busy(f"another push holds {self.where}", "push again when it has ended")
            before = read(self, name, LARGEST_INDEX)
            after = change(before)
            if after != before:
                canonical.write_bytes(self._root / name, after)
            self._tidy()

    def _tidy(self) -> None:
        """Remove what pushes that were killed left half-written; one that is at work does not take a day
        for a blob."""
        for path in (self._root / "blobs" / "sha256").glob(".writing-*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()


def read(files: Files, name: str, most: int) -> bytes | None:
    """A small file; None where it is not there. Raises Refused for one beyond ``most`` bytes."""
    if files.size(name) is None:
        return None
    content = bytearray()
    for chunk in files.chunks(name):
        content += chunk
        if len(content) > most:
            raise refused(f"its {name} is too large (more than {most} bytes)")
    return bytes(content)


# --- writing --------------------------------------------------------------------------------


class FolderPlace:
    """Takes the blobs of one run. Raises UsageError for a folder that is something else."""

    def __init__(self, files: Files, run_id: str, names: Collection[str] = ()) -> None:
        self._files, self._run, self._names = files, run_id, names
        self.where = files.where
        # another push may be making the folder just now
        mine = ("oci-layout", ".writing-", ".lock", "blobs")
        others = [name for name in files.names() if not name.startswith(mine)]
        if others and files.size("oci-layout") is None:
            raise UsageError(
                f"{self.where} is a folder with something else in it",
                "name an empty or a new folder, or one that runs were pushed to",
            )
        files.update("oci-layout", lambda found: layout.LAYOUT if found is None else found)

    def has(self, digest: str, size: int) -> bool:
        return self._files.size(blob_name(digest)) == size

    def send(self, digest: str, size: int, source: Path) -> None:
        self._files.put(blob_name(digest), source)

    def publish(self, index: Index, documents: Mapping[str, bytes]) -> None:
        for digest, content in documents.items():
            if not self.has(digest, len(content)):
                self._files.update(blob_name(digest), lambda found, content=content: content)  # type: ignore[misc]
        self._files.update(
            "index.json",
            lambda found: folder_index.with_run(found, self._run, index, self._names),
        )


# --- reading --------------------------------------------------------------------------------


class FolderSource:
    """One run of a folder, as if it were alone there. ``wanted``: its id, the beginning of it or its name;
    empty for the newest. Raises NotFound, UsageError and Refused."""

    def __init__(self, files: Files, wanted: str = "") -> None:
        self._files = files
        content = read(files, "index.json", LARGEST_INDEX)
        if content is None:
            raise NotFound(f"there are no runs in {files.where}: it has no index.json")
        entry = folder_index.chosen(folder_index.load(content), wanted, files.where)
        self.run = entry.run
        found = folder_index.alone(entry, self)
        signatures, self._notes = attachments.sound(self, found.signatures, entry.run)
        self._index = replace(found, signatures=signatures)

    def file(self, name: str, most: int) -> bytes:
        if name == "index.json":
            return layout.dump_index(self._index)
        content = read(self._files, name, most)
        if content is None:
            raise refused(f"it has no {name}: it is no OCI image layout")
        return content

    def size(self, digest: str) -> int | None:
        return self._files.size(blob_name(digest))

    def chunks(self, digest: str) -> Iterator[bytes]:
        try:
            yield from self._files.chunks(blob_name(digest))
        except OSError as error:
            raise ReproError(
                f"cannot read {blob_name(digest)} in {self._files.where}: {error.strerror or error}"
            ) from error

    def digests(self) -> Collection[str]:
        return ()  # those of other runs lie there as well

    def notes(self) -> Collection[str]:
        return self._notes
