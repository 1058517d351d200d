"""What came along with a run in a bundle, beyond what its manifest names: data, packages, an image.

    .repro/carried/<run id>      {"schema": "repro/carried/v1", "contents": [descriptors], "image": …}

The content lies among the blobs. Each run has its own list, so that what one bundle brought can never
stand in for a part of another run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro import canonical
from repro.bundles import layout
from repro.bundles.layout import EnvironmentImage
from repro.bundles.refusing import refused
from repro.bundles.tar_writing import END, header, padding
from repro.engines.base import CarriedImage
from repro.manifest import Descriptor, from_document, parse, to_document
from repro.store import Store

SCHEMA = "repro/carried/v1"
FOLDER = "carried"


@dataclass(frozen=True)
class Carried:
    """Descriptors by role (``data/files/MD5``, ``packages/NAME``), and the image's OCI manifest."""

    contents: tuple[Descriptor, ...] = ()
    image: Descriptor | None = None
    own: bool = False
    """The run was recorded in this store; what is listed was saved here, or came back in a bundle."""
    schema: str = field(default=SCHEMA, metadata={"always": True})

    def content(self, role: str) -> Descriptor | None:
        return next((item for item in self.contents if item.path == role), None)

    def below(self, role: str) -> dict[str, Descriptor]:
        """Those whose role begins so, by the rest of it."""
        return {
            item.path[len(role) :]: item for item in self.contents if item.path.startswith(role)
        }


NOTHING = Carried()


def of(store: Store, run_id: str) -> Carried:
    """What came along with a run. Raises Corrupt where the list of it is damaged."""
    path = _path(store, run_id)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return NOTHING
    return from_document(Carried, parse(content, SCHEMA, str(path)), str(path))


def add(store: Store, run_id: str, more: Carried) -> None:
    """Note what a bundle brought, or what was saved, beside what was there. The blobs are there already.

    A run that the store has without such a note was recorded in it: it stays the store's own.
    """
    is_own = not _path(store, run_id).exists() and run_id in store.run_ids()
    known = of(store, run_id)
    contents = {item.path: item for item in (*known.contents, *more.contents)}
    merged = replace(
        more,
        contents=tuple(contents[path] for path in sorted(contents)),
        image=more.image or known.image,
        own=known.own or is_own,
    )
    canonical.write_bytes(_path(store, run_id), canonical.dumps(to_document(merged)))


def is_foreign(store: Store, run_id: str) -> bool:
    """Whether the run came from elsewhere: what it says is then somebody else's word. Raises Corrupt."""
    return _path(store, run_id).exists() and not of(store, run_id).own


def _path(store: Store, run_id: str) -> Path:
    return store.root / FOLDER / run_id


_ROLE = re.compile(r"data/files/(?P<md5>[0-9a-f]{32})(\.dir)?|packages/[\w.+!-]{1,200}", re.ASCII)


def is_role(path: str) -> bool:
    """Whether a bundle may bring this beside what the run's manifest names."""
    return _ROLE.fullmatch(path) is not None


# --- the image ------------------------------------------------------------------------------


def image_of(store: Store, run_id: str) -> CarriedImage | None:
    """The environment's image that came with a run, ready to be loaded into an engine."""
    found = of(store, run_id).image
    if found is None:
        return None
    image = layout.load_image(store.read(found))
    config = store.read(Descriptor("image/config", image.config.digest, image.config.size))
    facts = canonical.loads(config)
    return CarriedImage(
        image.config.digest,
        str(facts.get("architecture", "")),
        tuple(layer.content_digest for layer in image.layers),
        lambda: archive(store, image, config),
    )


def archive(store: Store, image: EnvironmentImage, config: bytes) -> Iterator[bytes]:
    """A stream in the form of `docker save`, every layer verified on the way. Raises Corrupt, NotFound."""
    from repro.bundles import coding  # zstd, which only this needs here

    name = f"{image.config.digest.removeprefix('sha256:')}.json"
    yield from _file(name, config)
    names: list[str] = []
    for number, layer in enumerate(image.layers):
        names.append(f"{number}/layer.tar")
        blob = store.verified(Descriptor(layer.path, layer.blob.digest, layer.blob.size))
        yield header(names[-1], layer.content_size)
        chunks = _chunks(blob)
        if layer.is_compressed:
            chunks = coding.decoded(chunks, layer.path, layer.content_size)
        yield from chunks
        yield padding(layer.content_size)
    tag = CarriedImage.name_of(image.config.digest)
    yield from _file(
        "manifest.json", canonical.dumps([{"Config": name, "RepoTags": [tag], "Layers": names}])
    )
    yield END


def _file(name: str, content: bytes) -> Iterator[bytes]:
    yield header(name, len(content)) + content + padding(len(content))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(canonical.CHUNK):
            yield chunk


def check_config(content: bytes, image: EnvironmentImage) -> None:
    """Raises Refused unless it is the configuration of exactly these layers, for Linux."""
    try:
        document = canonical.loads(content)
    except (ValueError, RecursionError):
        document = None
    facts = document if isinstance(document, dict) else {}
    roots = facts.get("rootfs")
    layers = roots.get("diff_ids") if isinstance(roots, dict) else None
    if layers != [layer.content_digest for layer in image.layers]:
        raise refused("the image's configuration does not name the layers that it comes with")
    if facts.get("os") != "linux" or not re.fullmatch(
        r"[a-z0-9_]{1,20}", str(facts.get("architecture"))
    ):
        raise refused("the image is not one of Linux, or does not say for which architecture it is")
