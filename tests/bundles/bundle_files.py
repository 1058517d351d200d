"""Real bundles, taken apart and put together again with something wrong in them."""

from __future__ import annotations

import copy
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro import canonical
from repro.bundles.tar_writing import END, header, padding

Document = dict[str, Any]


@dataclass
class Parts:
    """A bundle in memory. ``seal`` puts the digests of changed documents into those that name them."""

    blobs: dict[str, bytes]
    """By digest."""
    index: Document
    bundle: Document
    run: Document
    layout: bytes = b'{"imageLayoutVersion":"1.0.0"}'
    extra: dict[str, bytes] = field(default_factory=dict)
    """Further blobs, by the digest that they claim."""

    def layer(self, title: str) -> Document:
        (found,) = [
            item
            for item in self.bundle["layers"]
            if item["annotations"]["org.opencontainers.image.title"].removesuffix(".zst") == title
        ]
        return found

    def replace(self, title: str, content: bytes, *, in_run: bool = True) -> None:
        """Other content for a layer, with honest digests all the way up."""
        layer = self.layer(title)
        digest = canonical.digest_bytes(content)
        self.blobs[digest] = content
        layer |= {"digest": digest, "size": len(content)}
        layer["mediaType"] = layer["mediaType"].removesuffix("+zstd")
        layer["annotations"] = {"org.opencontainers.image.title": title}
        if in_run:
            for item in (*self.run["contents"], *self.run["result"].get("logs", ())):
                if item["path"] == title:
                    item |= {"digest": digest, "size": len(content)}

    def files(self) -> dict[str, bytes]:
        """Every member of the tar, with documents that fit together."""
        definition = canonical.dumps(self.run["definition"])
        self.run["definition_id"] = canonical.digest_bytes(definition)
        run = canonical.dumps(self.run)
        self.bundle["config"] |= {"digest": canonical.digest_bytes(run), "size": len(run)}
        bundle = canonical.dumps(self.bundle)
        for entry in self.index["manifests"][:1]:
            entry |= {"digest": canonical.digest_bytes(bundle), "size": len(bundle)}
        named = {item["digest"] for item in self.bundle["layers"]}
        blobs = {digest: self.blobs[digest] for digest in named if digest in self.blobs}
        blobs |= {canonical.digest_bytes(run): run, canonical.digest_bytes(bundle): bundle}
        blobs |= self.extra
        found = {"oci-layout": self.layout}
        found |= {f"blobs/sha256/{digest[7:]}": content for digest, content in blobs.items()}
        return found | {"index.json": canonical.dumps(self.index)}


def read(path: Path) -> Parts:
    """A bundle as `repro export` wrote it, without an image."""
    with tarfile.open(path) as archive:
        files = {item.name: archive.extractfile(item).read() for item in archive}  # type: ignore[union-attr]
    index = json.loads(files["index.json"])
    blobs = {f"sha256:{name[13:]}": content for name, content in files.items() if "/" in name}
    bundle = json.loads(blobs[index["manifests"][0]["digest"]])
    run = json.loads(blobs[bundle["config"]["digest"]])
    return Parts(blobs, index, bundle, run)


def changed(parts: Parts, change: Callable[[Parts], object]) -> Parts:
    """A copy with the change made."""
    made = copy.deepcopy(parts)
    change(made)
    return made


def packed(files: Mapping[str, bytes], *more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar of these files, then of entries that no bundle has."""
    out = b"".join(
        header(name, len(content)) + content + padding(len(content))
        for name, content in files.items()
    )
    for info, content in more:
        single = io.BytesIO()
        with tarfile.open(fileobj=single, mode="w", format=tarfile.GNU_FORMAT) as archive:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        end = -(-len(content) // 512) * 512
        value = single.getvalue()
        # up to where tarfile begins to fill the record
        used = len(value.rstrip(b"\0")) if content else 512
        out += value[: max(512, -(-used // 512) * 512, end)]
    return out + END


def entry(name: str, kind: bytes = tarfile.REGTYPE, **facts: Any) -> tarfile.TarInfo:
    """An entry of a tar."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in facts.items():
        setattr(info, key, value)
    return info
