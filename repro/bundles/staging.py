"""A bundle on its way to a place that keeps blobs by their digests: what it has is not sent again.

A blob's digest is known once it is written, so each lies in a scratch folder of this machine first.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from repro import canonical
from repro.bundles import layout
from repro.bundles.layout import Blob, Index
from repro.bundles.tar_writing import Sink
from repro.errors import ReproError


class Place(Protocol):
    """Keeps blobs, and names what was pushed. What fails is a ReproError or an OSError."""

    where: str
    """For messages."""

    def has(self, digest: str, size: int) -> bool:
        """Whether the blob is there, as large as it should be."""

    def send(self, digest: str, size: int, source: Path) -> None:
        """Put a blob there, whole or not at all."""

    def publish(self, index: Index, documents: Mapping[str, bytes]) -> None:
        """Name what was pushed: all but these manifests, given by digest, is there."""


class Staging:
    """A Target. ``sent`` and ``there`` are the sizes of the blobs that were, or needed not be, sent."""

    def __init__(self, place: Place, scratch: Path) -> None:
        self._place, self._scratch = place, scratch
        self._documents: dict[str, bytes] = {}
        self._index: Index | None = None
        self.sent: dict[str, int] = {}
        self.there: dict[str, int] = {}

    def file(self, name: str, content: bytes) -> None:
        """The place has documents of its own; the index says which manifests it is to name."""
        if name == "index.json":
            self._index = layout.load_index(content)

    @contextlib.contextmanager
    def blob(self) -> Iterator[Sink]:
        """Sent when the block ends well."""
        path = self._scratch / "blob"
        with path.open("wb") as stream:
            sink = Sink(stream)
            yield sink
        self._send(sink.digest, sink.size, path)
        path.unlink()

    def has(self, blob: Blob) -> bool:
        """Whether the place has a blob that was not written yet: then it need not be."""
        if blob.digest in self.sent or blob.digest in self.there:
            return True
        with self._failing():
            if self._place.has(blob.digest, blob.size):
                self.there[blob.digest] = blob.size
                return True
        return False

    def put(self, content: bytes) -> str:
        """Kept until the end: a manifest comes after what it names."""
        digest = canonical.digest_bytes(content)
        self._documents[digest] = content
        return digest

    def finish(self) -> None:
        """Send the documents; name them at last."""
        assert self._index, "a bundle has an index"
        named = [self._index.bundle, *([self._index.image] if self._index.image else [])]
        named += self._index.signatures.values()
        manifests = {blob.digest: self._documents.pop(blob.digest) for blob in named}
        for content in self._documents.values():
            with self.blob() as sink:
                sink.write(content)
        with self._failing():
            self._place.publish(self._index, manifests)

    def _send(self, digest: str, size: int, path: Path) -> None:
        if digest in self.sent or digest in self.there:
            return
        with self._failing():
            if self._place.has(digest, size):
                self.there[digest] = size
                return
            self._place.send(digest, size, path)
            self.sent[digest] = size

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise ReproError(
                f"cannot push to {self._place.where}: {reason}",
                f"{_remedy(error)}push again: what has arrived is not sent twice",
            ) from error


def _remedy(error: OSError) -> str:
    return "free some space there, then " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
