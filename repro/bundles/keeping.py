"""A source that is far away: what was fetched of it is kept until the run is taken, so that a pull which
breaks off goes on where it was. What the store has already is not fetched."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from repro import canonical
from repro.bundles.opening import Source
from repro.bundles.refusing import refused
from repro.store import Store

FOLDER = "pulls"
"""In the store's cache, which may be deleted at any time."""


class KeptSource:
    """A Source that reads each blob of another at most once, also over several attempts."""

    def __init__(self, source: Source, store: Store) -> None:
        self._source, self._store = source, store
        self._folder = store.cache / FOLDER
        self._used: set[Path] = set()
        self.fetched: dict[str, int] = {}
        """Bytes by digest."""

    def file(self, name: str, most: int) -> bytes:
        return self._source.file(name, most)

    def size(self, digest: str) -> int | None:
        return self._source.size(digest)

    def digests(self) -> Collection[str]:
        return self._source.digests()

    def notes(self) -> Collection[str]:
        return self._source.notes()

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Verified, unlike those of other sources. Raises Refused."""
        path = self._at_hand(digest) or self._fetched(digest)
        with path.open("rb") as stream:
            while chunk := stream.read(canonical.CHUNK):
                yield chunk

    def forget(self) -> None:
        """The run is taken: what was kept for it can go."""
        for path in self._used:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _kept(self, digest: str) -> Path:
        path = self._folder / self._store.blob_path(digest).name
        self._used.add(path)
        return path

    def _at_hand(self, digest: str) -> Path | None:
        for path in (self._kept(digest), self._store.blob_path(digest)):
            with contextlib.suppress(OSError):
                right_size = path.stat().st_size == self._source.size(digest)
                if right_size and canonical.digest_file(path) == digest:
                    return path
        return None

    def _fetched(self, digest: str) -> Path:
        path, state, count = self._kept(digest), hashlib.sha256(), 0
        most = self._source.size(digest) or 0
        with canonical.writing(path) as out:
            for chunk in self._source.chunks(digest):
                count += len(chunk)
                if count > most:
                    raise refused(f"the blob {digest} is larger than the {most} bytes it states")
                state.update(chunk)
                out.write(chunk)
            if "sha256:" + state.hexdigest() != digest:
                raise refused(f"the blob {digest} has another digest than its name")
        self.fetched[digest] = count
        return path
