"""The documents of a bundle: OCI's index, a manifest for the run, one for its environment's image.

Pure. What is read here comes from anybody: every field is checked before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from repro import canonical, strict_json
from repro.bundles.refusing import refused
from repro.strict_json import shown

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
BUNDLE_TYPE = "application/vnd.repro.bundle.v1"
SIGNATURE_TYPE = "application/vnd.repro.signature.v1"
RUN_TYPE = "application/vnd.repro.manifest.v1+json"
IMAGE_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
IMAGE_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
ZSTD = "+zstd"
"""Behind a media type: the blob is one zstd frame of it."""

NAME = "org.opencontainers.image.ref.name"
TITLE = "org.opencontainers.image.title"
ROLE = "org.repro.role"
RUN = "org.repro.run"
IMAGE = "org.repro.image"
CONTENT_DIGEST = "org.repro.content.digest"
CONTENT_SIZE = "org.repro.content.size"
SIGNATURE = "signature-"
"""In front of the digest of the envelope: how an index calls what holds it."""
MOST_SIGNATURES = 256

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,150}", re.ASCII)
LARGEST = 1 << 50
"""Bytes: a size beyond it is no size."""
MOST_LAYERS = 2_000_000


@dataclass(frozen=True)
class Blob:
    """Bytes by their digest, as they lie in the bundle."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True)
class Layer:
    """A piece of content: its path is the role that the run's manifest, or the specification, gives it."""

    path: str
    blob: Blob
    content_digest: str
    """Of the content itself; the blob's own where that is not compressed."""
    content_size: int

    @property
    def is_compressed(self) -> bool:
        return self.blob.media_type.endswith(ZSTD)

    @property
    def media_type(self) -> str:
        """Of the content itself."""
        return self.blob.media_type.removesuffix(ZSTD)

    @property
    def role(self) -> str:
        """The first part of the path: ``source``, ``data``, ``environment``, ``log``, …"""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class Bundle:
    """The manifest of a run's bundle."""

    run: Blob
    """The run's manifest, its exact bytes: the run id is its digest."""
    layers: tuple[Layer, ...]
    image: str | None = None
    """Digest of the manifest of the environment's image, where that is inside."""


@dataclass(frozen=True)
class EnvironmentImage:
    """The manifest of an ordinary OCI image."""

    config: Blob
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Index:
    bundle: Blob
    image: Blob | None = None
    signatures: Mapping[str, Blob] = field(default_factory=dict)
    """Manifests that attach a signed statement, each by the hex digits of the envelope's digest."""


# --- writing --------------------------------------------------------------------------------


def dump_bundle(bundle: Bundle) -> bytes:
    """The canonical JSON of the run's OCI manifest."""
    annotations = {RUN: bundle.run.digest.removeprefix("sha256:")}
    if bundle.image:
        annotations[IMAGE] = bundle.image
    return canonical.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": BUNDLE_TYPE,
            "config": describe(bundle.run),
            "layers": [describe_layer(item) for item in bundle.layers],
            "annotations": annotations,
        }
    )


def dump_image(image: EnvironmentImage) -> bytes:
    """The canonical JSON of the image's OCI manifest."""
    return canonical.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": describe(image.config),
            "layers": [describe_layer(item, title=False) for item in image.layers],
        }
    )


def dump_index(index: Index) -> bytes:
    """The canonical JSON of ``index.json``: the run, then its image."""
    entries = [
        {**describe(index.bundle), "artifactType": BUNDLE_TYPE, "annotations": {NAME: "run"}}
    ]
    if index.image:
        entries.append({**describe(index.image), "annotations": {NAME: "image"}})
    entries += signature_entries(index)
    return canonical.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})


def signature_entries(index: Index, start: str = "") -> list[dict[str, Any]]:
    """Of an index; ``start`` stands in front of their names."""
    return [
        {
            **describe(index.signatures[digest]),
            "artifactType": SIGNATURE_TYPE,
            "annotations": {NAME: f"{start}{SIGNATURE}{digest}"},
        }
        for digest in sorted(index.signatures)
    ]


def describe(blob: Blob) -> dict[str, Any]:
    """OCI's descriptor of a blob."""
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


def describe_layer(layer: Layer, *, title: bool = True) -> dict[str, Any]:
    """OCI's descriptor of a layer, with what we say of it."""
    notes: dict[str, str] = {}
    if title:
        suffix = ".zst" if layer.is_compressed else ""
        notes = {TITLE: layer.path + suffix, ROLE: layer.role}
    if layer.is_compressed:
        notes[CONTENT_DIGEST] = layer.content_digest
        notes[CONTENT_SIZE] = str(layer.content_size)
    document = describe(layer.blob)
    return {**document, "annotations": notes} if notes else document


# --- reading --------------------------------------------------------------------------------


def load_layout(content: bytes) -> None:
    """Raises Refused unless it is that of an OCI image layout of version 1."""
    document = read_object(content, "oci-layout")
    version = document.get("imageLayoutVersion")
    if not isinstance(version, str) or not re.fullmatch(r"1(\.\d+){2}", version):
        raise refused(f"its oci-layout has the version {shown(version)}")


def load_index(content: bytes) -> Index:
    """The one run of the index, its image where there is one, and its signatures. Raises Refused."""
    document = read_object(content, "index.json")
    entries = read_list(document.get("manifests"), "index.json")
    found: dict[str, Blob] = {}
    signatures: dict[str, Blob] = {}
    for entry in entries:
        blob = read_blob(entry, "index.json")
        if blob.media_type != MANIFEST_TYPE:
            raise refused(f"index.json names something of the type {shown(blob.media_type)}")
        # tools that copy a layout drop the artifactType, and some the name
        name, is_run = read_notes(entry).get(NAME, ""), len(entries) == 1
        if not is_run and (
            entry.get("artifactType") == SIGNATURE_TYPE or name.startswith(SIGNATURE)
        ):
            label = name.removeprefix(SIGNATURE) or blob.digest
            if label in signatures or len(signatures) == MOST_SIGNATURES:
                raise refused("index.json names a signature twice, or too many of them")
            signatures[label] = blob
            continue
        is_run = is_run or entry.get("artifactType") == BUNDLE_TYPE or name == "run"
        kind = "run" if is_run else "image"
        if kind in found:
            raise refused(f"index.json names more than one {kind}")
        found[kind] = blob
    if "run" not in found:
        raise refused("index.json names no run: it is an OCI layout of something else")
    return Index(found["run"], found.get("image"), signatures)


def load_bundle(content: bytes) -> Bundle:
    """The inverse of ``dump_bundle``. Raises Refused."""
    document = read_object(content, "its manifest")
    if document.get("artifactType") != BUNDLE_TYPE:
        kind = document.get("artifactType")
        raise refused(f"it is no run but something of the type {shown(kind)}")
    run = read_blob(document.get("config"), "the config")
    if run.media_type != RUN_TYPE:
        raise refused(f"its config is of the type {shown(run.media_type)}")
    notes = read_notes(document)
    image = notes.get(IMAGE)
    if image is not None and not _DIGEST.fullmatch(image):
        raise refused(f"{IMAGE} is no digest: {shown(image)}")
    layers = tuple(read_layer(item) for item in read_list(document.get("layers"), "its manifest"))
    once((item.path for item in layers), "path")
    return Bundle(run, layers, image)


def load_image(content: bytes) -> EnvironmentImage:
    """The inverse of ``dump_image``. Raises Refused."""
    document = read_object(content, "the image's manifest")
    config = read_blob(document.get("config"), "the image's config")
    if config.media_type != IMAGE_CONFIG_TYPE:
        raise refused(f"the image's config is of the type {shown(config.media_type)}")
    layers = []
    for number, item in enumerate(read_list(document.get("layers"), "the image's manifest")):
        blob = read_blob(item, "a layer of the image")
        if blob.media_type.removesuffix(ZSTD) != IMAGE_LAYER_TYPE:
            raise refused(f"a layer of the image is of the type {shown(blob.media_type)}")
        layers.append(_with_content(f"image/{number}", blob, read_notes(item)))
    return EnvironmentImage(config, tuple(layers))


def read_layer(document: Any) -> Layer:
    """The inverse of ``describe_layer``. Raises Refused."""
    blob, notes = read_blob(document, "a layer"), read_notes(document)
    path = notes.get(TITLE, "")
    if blob.media_type.endswith(ZSTD):
        path = path.removesuffix(".zst")
    check_path(path)
    return _with_content(path, blob, notes)


def _with_content(path: str, blob: Blob, notes: Mapping[str, str]) -> Layer:
    if not blob.media_type.endswith(ZSTD):
        return Layer(path, blob, blob.digest, blob.size)
    digest, size = notes.get(CONTENT_DIGEST, ""), notes.get(CONTENT_SIZE, "")
    if not _DIGEST.fullmatch(digest) or not re.fullmatch(r"[0-9]{1,15}", size):
        raise refused(f"{shown(path)} is compressed, and does not say what it unpacks to")
    return Layer(path, blob, digest, int(size))


def check_path(path: str) -> None:
    """Raises Refused unless the path is relative and every part of it names something."""
    parts = path.split("/")
    if (
        not 0 < len(path) <= 4096
        or "\0" in path
        or any(part in ("", ".", "..") or len(part) > 1024 for part in parts)
        or len(parts) > 256
    ):
        raise refused(f"it names a path that is not allowed: {shown(path)}")


def read_object(content: bytes, name: str) -> dict[str, Any]:
    """A JSON object. Raises Refused, as those that follow do."""
    try:
        return strict_json.table(content)
    except ValueError as error:
        raise refused(f"{name} is {error}") from None


def read_list(value: Any, where: str) -> list[Any]:
    """A list of bounded length."""
    if not isinstance(value, list) or len(value) > MOST_LAYERS:
        raise refused(f"{where} has no list of what it names")
    return value


def read_blob(document: Any, where: str) -> Blob:
    """A descriptor."""
    entry = document if isinstance(document, dict) else {}
    digest, size, kind = entry.get("digest"), entry.get("size"), entry.get("mediaType")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise refused(f"{where} names something without a sha256 digest: {shown(digest)}")
    if type(size) is not int or not 0 <= size <= LARGEST:
        raise refused(f"{where} names something of the size {shown(size)}")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise refused(f"{where} names something of the type {shown(kind)}")
    if entry.get("urls"):
        raise refused(f"{where} names something that is to be had elsewhere (urls)")
    return Blob(digest, size, kind)


def read_notes(document: Any) -> dict[str, str]:
    """Its annotations; empty where there are none."""
    found = document.get("annotations") if isinstance(document, dict) else None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
        raise refused("its annotations are no texts by name")
    return found


def once(names: Iterable[str], what: str) -> None:
    """Raises Refused where one of the names stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise refused(f"the {what} {shown(name)} stands twice")
        seen.add(name)
