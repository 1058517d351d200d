"""Runs in an OCI registry: blobs that it has are not sent again, manifests come last.

The environment's image is an ordinary image there, under the run's tag with ``-image`` behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from repro import canonical
from repro.bundles import attachments, coding, gathering, groups, layout
from repro.bundles.attachments import Attachment
from repro.bundles.layout import Blob, Bundle, Index, Layer
from repro.bundles.pieces import Piece
from repro.bundles.references import Registry
from repro.bundles.referrers import Referrers
from repro.bundles.refusing import refused
from repro.bundles.registry_session import Session
from repro.errors import Corrupt, NotFound, ReproError
from repro.strict_json import shown

LARGEST_MANIFEST = 4 << 20
"""Bytes that registries take of a manifest."""
MOST_LISTED = 2 * layout.MOST_SIGNATURES
"""Attachments that are looked at, good or bad."""
_ACCEPTED = {"Accept": layout.MANIFEST_TYPE}


# --- writing --------------------------------------------------------------------------------


class RegistryPlace:
    """Takes the blobs of one run, and names it by a tag."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._session = registry, Session(registry)
        self.where = registry.shown

    def has(self, digest: str, size: int) -> bool:
        answer = self._session.request("HEAD", f"blobs/{digest}", (200, 404))
        answer.close()
        return answer.status_code == 200 and answer.headers.get("Content-Length") in (
            None,
            str(size),
        )

    def send(self, digest: str, size: int, source: Path) -> None:
        opened = self._session.request("POST", "blobs/uploads/", (202,))
        opened.close()
        place = opened.headers.get("Location", "")
        if not place:
            raise ReproError(f"{self.where}: the registry does not say where to upload to")
        parts = urlsplit(place)
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", digest)])
        self._session.request(
            "PUT",
            parts._replace(query=query).geturl(),
            (201,),
            headers={"Content-Type": "application/octet-stream"},
            body=source if size else b"",
        ).close()

    def publish(self, index: Index, documents: Mapping[str, bytes]) -> None:
        attached = [attachments.load(documents[blob.digest]) for blob in index.signatures.values()]
        attached += self._attached_before(index, documents)
        if index.image:
            name = f"{self._registry.tag}-image"
            self._name(name, index.image.digest, documents[index.image.digest])
        self._name(self._registry.tag, index.bundle.digest, documents[index.bundle.digest])
        referrers = Referrers(self._registry, self._session)
        for attachment in attached:
            referrers.attach(attachment)

    def _attached_before(self, index: Index, documents: Mapping[str, bytes]) -> list[Attachment]:
        """What others signed about this run, where the tag names it with other parts until now: attached to
        the new manifest as well, they stay with the run."""
        answer = self._session.request(
            "HEAD", f"manifests/{self._registry.tag}", (200, 404), headers=_ACCEPTED
        )
        answer.close()
        same = answer.headers.get("Docker-Content-Digest") == index.bundle.digest
        if answer.status_code == 404 or same:
            return []
        run = layout.load_bundle(documents[index.bundle.digest]).run.digest
        try:
            before = RegistrySource(self._registry)
        except (Corrupt, NotFound):
            return []  # something else had the tag
        if f"sha256:{before.run}" != run:
            return []
        return [
            replace(item, subject=index.bundle)
            for item in before.attachments()
            if item.envelope.digest.removeprefix("sha256:") not in index.signatures
        ]

    def _name(self, tag: str, digest: str, content: bytes) -> None:
        if len(content) > LARGEST_MANIFEST:
            raise too_large(len(content))
        headers = {"Content-Type": layout.MANIFEST_TYPE}
        answer = self._session.request(
            "PUT", f"manifests/{tag}", (201,), headers=headers, body=content
        )
        answer.close()
        if answer.headers.get("Docker-Content-Digest", digest) != digest:
            raise ReproError(f"{self.where}: the registry keeps the manifest under another digest")


def demand_fits(pieces: Collection[Piece]) -> None:
    """Raises ReproError, before anything is sent, for a run whose manifest no registry would take."""
    if manifest_size(pieces, lambda piece: True) > LARGEST_MANIFEST:
        found = manifest_size(pieces, _is_compressed)
        if found > LARGEST_MANIFEST:
            raise too_large(found)


def manifest_size(pieces: Collection[Piece], is_compressed: Callable[[Piece], bool]) -> int:
    """Bytes that the manifest of these pieces will have, within a few."""
    digest = "sha256:" + "0" * 64
    layers = []
    split = gathering.gathered(pieces)
    for piece in split.alone:
        suffix = layout.ZSTD if is_compressed(piece) else ""
        blob = Blob(digest, piece.size, piece.media_type + suffix)
        layers.append(Layer(piece.path, blob, digest, piece.size))
    for number, _ in enumerate(split.groups, 1):
        both = (groups.TAR_TYPE, groups.LISTING_TYPE)
        for path, kind in zip(groups.paths(number), both, strict=True):
            blob = Blob(digest, gathering.MOST, kind + layout.ZSTD)
            layers.append(Layer(path, blob, digest, gathering.MOST))
    run = Blob(digest, layout.LARGEST, layout.RUN_TYPE)
    return len(layout.dump_bundle(Bundle(run, tuple(layers), digest)))


def _is_compressed(piece: Piece) -> bool:
    for path in piece.sources:
        try:
            with path.open("rb") as stream:
                return coding.is_worth(stream, piece.size)
        except OSError:
            continue
    return False


def too_large(count: int) -> ReproError:
    return ReproError(
        f"the run has too many files for a registry: its manifest would have {count} bytes, and"
        f" registries take {LARGEST_MANIFEST}",
        "push it to a folder or a bucket, or leave the data out; only files of up to 1 MiB share layers",
    )


# --- reading --------------------------------------------------------------------------------


class RegistrySource:
    """One run of a registry, as if it lay in a layout of its own. Raises NotFound, Refused, ReproError.

    A blob's size is what the manifests state; whoever reads it has to see that it is true.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry, self._session = registry, Session(registry)
        self._documents: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        bundle = self._manifest(registry.digest or registry.tag, registry.digest)
        found = layout.load_bundle(self._documents[bundle.digest])
        self._state((found.run, *(layer.blob for layer in found.layers)))
        image = self._manifest(found.image, found.image) if found.image else None
        if image:
            stated = layout.load_image(self._documents[image.digest])
            self._state((stated.config, *(layer.blob for layer in stated.layers)))
        self.run = found.run.digest.removeprefix("sha256:")
        self._notes: tuple[str, ...] = ()
        attached = self._attached(bundle.digest)
        signatures, lines = attachments.sound(self, attached, self.run)
        self._notes += lines
        self.index = Index(bundle, image, signatures)

    def file(self, name: str, most: int) -> bytes:
        return layout.dump_index(self.index) if name == "index.json" else layout.LAYOUT

    def size(self, digest: str) -> int | None:
        return self._sizes.get(digest)

    def chunks(self, digest: str) -> Iterator[bytes]:
        if digest in self._documents:
            yield self._documents[digest]
            return
        try:
            answer = self._session.request("GET", f"blobs/{digest}", (200,))
        except NotFound:
            raise refused(f"it lacks the blob {digest}, which it names") from None
        yield from self._content(answer)

    def digests(self) -> Collection[str]:
        return ()  # those of other runs are there as well

    def notes(self) -> Collection[str]:
        return self._notes

    def attachments(self) -> list[Attachment]:
        """The signed statements, by their digests."""
        blobs = self.index.signatures
        return [attachments.load(self._documents[blobs[name].digest]) for name in sorted(blobs)]

    def _attached(self, subject: str) -> dict[str, Blob]:
        """The manifests of what is attached, kept. Anybody may have left it there, and without it the run
        is still the run: whatever goes wrong is a note."""
        referrers = Referrers(self._registry, self._session)
        found: dict[str, Blob] = {}
        try:
            listed = referrers.of(subject)
            if len(listed) > MOST_LISTED:
                more = len(listed) - MOST_LISTED
                self._notes += (f"{more} of {len(listed)} signatures that are attached were left",)
            for blob in listed[:MOST_LISTED]:
                try:
                    self._manifest(blob.digest, blob.digest)
                    attachment = attachments.load(self._documents[blob.digest])
                except (Corrupt, NotFound) as error:
                    self._notes += (f"a signature that is attached was not taken: {error}",)
                    continue
                self._state((attachment.envelope, attachments.EMPTY_BLOB))
                found[blob.digest] = blob
        except ReproError as error:
            self._notes += (f"what is attached to the run cannot be told: {error}",)
        self._notes += referrers.notes
        return found

    def _state(self, blobs: Iterable[Blob]) -> None:
        for blob in blobs:
            self._sizes.setdefault(blob.digest, blob.size)

    def _manifest(self, reference: str, digest: str) -> Blob:
        """A manifest, kept; by its digest verified, by a tag believed to be what is meant."""
        answer = self._session.request("GET", f"manifests/{reference}", (200,), headers=_ACCEPTED)
        content = bytearray()
        for chunk in self._content(answer):
            content += chunk
            if len(content) > 2 * LARGEST_MANIFEST:
                answer.close()
                raise refused(f"the manifest {shown(reference)} is too large")
        found = canonical.digest_bytes(bytes(content))
        stated = answer.headers.get("Docker-Content-Digest") or found
        if found != (digest or found) or found != stated:
            raise refused(f"the manifest {shown(reference)} has another digest than it should")
        self._documents[found] = bytes(content)
        self._sizes[found] = len(content)
        return Blob(found, len(content), layout.MANIFEST_TYPE)

    def _content(self, answer: object) -> Iterator[bytes]:
        try:
            yield from answer.iter_content(canonical.CHUNK)  # type: ignore[attr-defined]
        except OSError as error:
            raise ReproError(
                f"{self._registry.shown}: the registry broke off in the middle of an answer",
                "pull again: what has arrived is not fetched twice",
            ) from error
        finally:
            answer.close()  # type: ignore[attr-defined]
