"""Signed statements that go along with a run: each in an OCI manifest of its own, whose subject is the
bundle's. The bundle's own manifest stays as it is, whoever signs it, and whenever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro import canonical
from repro.bundles import layout
from repro.bundles.documents import Blobs, read
from repro.bundles.layout import Blob
from repro.bundles.refusing import refused
from repro.errors import Corrupt
from repro.signing import reading
from repro.signing.envelope import LARGEST, MEDIA_TYPE
from repro.strict_json import shown

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
PREDICATE = "in-toto.io/predicate-type"
EMPTY_BLOB = Blob(canonical.digest_bytes(EMPTY), len(EMPTY), EMPTY_TYPE)
"""The config of a manifest that has none, as OCI writes it."""
LARGEST_MANIFEST = 1 << 16


@dataclass(frozen=True)
class Attachment:
    """The OCI manifest of one signed statement."""

    subject: Blob
    """The manifest of the bundle that it was attached to: one of this run, not always this very one."""
    envelope: Blob
    run: str
    predicate: str
    """Type of what is said."""

    @property
    def notes(self) -> dict[str, str]:
        """Its annotations: they say to a person what it is, and nothing that a reader goes by."""
        return {layout.RUN: self.run, PREDICATE: self.predicate}


def of(content: bytes, bundle: Blob, run_id: str) -> Attachment:
    """That of an envelope. Raises Corrupt for one that is not about this run."""
    _, said = reading.read(content, run_id)
    blob = Blob(canonical.digest_bytes(content), len(content), MEDIA_TYPE)
    return Attachment(bundle, blob, run_id, said.kind)


def dump(attachment: Attachment) -> bytes:
    """Canonical JSON."""
    return canonical.dumps(
        {
            "schemaVersion": 2,
            "mediaType": layout.MANIFEST_TYPE,
            "artifactType": layout.SIGNATURE_TYPE,
            "config": layout.describe(EMPTY_BLOB),
            "layers": [layout.describe(attachment.envelope)],
            "subject": layout.describe(attachment.subject),
            "annotations": attachment.notes,
        }
    )


def load(content: bytes) -> Attachment:
    """The inverse of ``dump``. Raises Refused."""
    name = "the manifest of a signature"
    document = layout.read_object(content, name)
    if document.get("artifactType") != layout.SIGNATURE_TYPE:
        raise refused(f"{name} is of the type {shown(document.get('artifactType'))}")
    config = layout.read_blob(document.get("config"), name)
    if (config.digest, config.size) != (EMPTY_BLOB.digest, EMPTY_BLOB.size):
        raise refused(f"{name} has a config")
    layers = layout.read_list(document.get("layers"), name)
    if len(layers) != 1:
        raise refused(f"{name} has {len(layers)} layers")
    envelope = layout.read_blob(layers[0], name)
    if envelope.media_type != MEDIA_TYPE or envelope.size > LARGEST:
        raise refused(
            f"{name} names something of the type {shown(envelope.media_type)}, or too large"
        )
    subject, notes = layout.read_blob(document.get("subject"), name), layout.read_notes(document)
    return Attachment(subject, envelope, notes.get(layout.RUN, ""), notes.get(PREDICATE, ""))


def envelope(source: Blobs, blob: Blob, run_id: str) -> tuple[Attachment, bytes]:
    """The signed statement that this manifest attaches. Raises Refused where it is none about this run."""
    found = load(read(source, blob, LARGEST_MANIFEST))
    content = read(source, found.envelope, LARGEST)
    try:
        reading.read(content, run_id)
    except Corrupt as error:
        raise refused(str(error)) from None
    return found, content


def sound(
    source: Blobs, blobs: Mapping[str, Blob], run_id: str
) -> tuple[dict[str, Blob], tuple[str, ...]]:
    """Of what anybody could attach in a shared place, that which is as it should be, by the digest of the
    envelope; and a line on each that is not."""
    found: dict[str, Blob] = {}
    lines = []
    for label in sorted(blobs):
        if len(found) == layout.MOST_SIGNATURES:
            lines.append(
                f"more than {layout.MOST_SIGNATURES} signatures are attached: the rest is left"
            )
            break
        try:
            attachment, _ = envelope(source, blobs[label], run_id)
        except Corrupt as error:
            reason = str(error).removeprefix("the bundle is refused: ")
            lines.append(f"a signature that is attached was not taken: {reason}")
            continue
        found.setdefault(attachment.envelope.digest.removeprefix("sha256:"), blobs[label])
    return found, tuple(lines)
