"""Small blobs, read whole and verified, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from repro import canonical
from repro.bundles.layout import Blob
from repro.bundles.refusing import refused


class Blobs(Protocol):
    """What there is by its digests. Nothing that it says is believed."""

    def size(self, digest: str) -> int | None:
        """Bytes of a blob; None where it is not there."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """A blob's bytes, not verified."""


def read(source: Blobs, blob: Blob, most: int) -> bytes:
    """A small blob, verified. Raises Refused."""
    check_size(source, blob)
    if blob.size > most:
        raise refused(f"the blob {blob.digest} is too large for a document ({blob.size} bytes)")
    content = b"".join(source.chunks(blob.digest))
    if canonical.digest_bytes(content) != blob.digest:
        raise refused(f"the blob {blob.digest} has another digest than its name")
    return content


def check_size(source: Blobs, blob: Blob) -> None:
    """Raises Refused where it is not there in its size."""
    size = source.size(blob.digest)
    if size is None:
        raise refused(f"it lacks the blob {blob.digest}, which it names")
    if size != blob.size:
        raise refused(f"the blob {blob.digest} has {size} bytes, and {blob.size} are stated")
