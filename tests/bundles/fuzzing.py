"""Bundles that chance made hostile. As a script: python tests/bundles/fuzzing.py FILE [COUNT]

A bundle is taken apart, something in it is changed, and it is opened. Whatever comes out, it is the
documents of a bundle, all of its layers verified, or one error of repro's own: never another exception.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bundle_files
import test_images_in_bundles as images
from bundle_files import Parts
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from repro import canonical
from repro.bundles import coding, groups
from repro.bundles.opening import TarSource, open_bundle
from repro.bundles.refusing import refused
from repro.bundles.tar_writing import END, blob_name, header, padding
from repro.errors import ReproError

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just("x" * 5000),
    st.sampled_from(
        ["", ".", "..", "/", "../../etc/passwd", "/etc/passwd", "a/../../b", "~/../x", "-x", "a\0b",
         "sha256:" + "0" * 64, "sha256:../../x", "md5:" + "0" * 32, "\udc80", "\u202egit", ".git/hooks",
         "source/commit.pack", "application/vnd.repro.bundle.v1", -1, 0, 1 << 63, 1 << 70, 1e308]
    ),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["mounts", "privileged", "urls", "digest", "size", "mediaType", "annotations", "path", "layers",
     "org.repro.content.size", "org.repro.image", "artifactType", "submodules", "settings", "inputs"]
) | st.text(max_size=10)  # fmt: skip


def nodes(document: Any) -> list[tuple[Any, Any]]:
    """Every place of a document, as container and key."""
    found = []
    pending = [document]
    while pending:
        node = pending.pop()
        pairs = list(node.items() if isinstance(node, dict) else enumerate(node))
        found += [(node, key) for key, _ in pairs]
        pending += [value for _, value in pairs if isinstance(value, dict | list) and value]
    return found


@st.composite
def documents(draw: st.DrawFn, honest: Parts) -> bytes:
    """One of the documents with other values in it, honest digests around it."""
    parts = copy.deepcopy(honest)
    image = image_of(parts)
    known = {"index": parts.index, "bundle": parts.bundle, "run": parts.run, "image": image}
    which = draw(st.sampled_from(["index", "bundle", "run", *["image"] * bool(image)]))
    for _ in range(draw(st.integers(1, 3))):
        places = nodes(known[which])
        if not places:
            break
        node, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["replace", "remove", "add", "copy"])):
            case "replace":
                node[key] = draw(VALUES)
            case "remove":
                del node[key]
            case "add" if isinstance(node, dict):
                node[draw(NAMES)] = draw(VALUES)
            case _:
                other, where = places[draw(st.integers(0, len(places) - 1))]
                if (
                    isinstance(other, dict) == isinstance(where, str) and where in range(len(other))
                    if isinstance(other, list)
                    else where in other
                ):
                    node[key] = copy.deepcopy(other[where])
    if which == "image":
        with_image(parts, image)
    return sealed(parts)


def image_of(parts: Parts) -> Any:
    """The image's manifest, where there is one."""
    entries = parts.index["manifests"][1:]
    return json.loads(parts.extra[entries[0]["digest"]]) if entries else None


def with_image(parts: Parts, image: Any) -> None:
    """Another manifest for the image, with honest digests around it."""
    content = canonical.dumps(image)
    digest = canonical.digest_bytes(content)
    del parts.extra[parts.index["manifests"][1]["digest"]]
    parts.extra[digest] = content
    parts.index["manifests"][1] |= {"digest": digest, "size": len(content)}
    parts.bundle["annotations"]["org.repro.image"] = digest


def sealed(parts: Parts) -> bytes:
    """The tar, as far as what is left of the documents can be put together."""
    try:
        return bundle_files.packed(parts.files())
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return broken(parts)


def broken(parts: Parts) -> bytes:
    """The same where the documents no longer have what names the next one."""
    files = {"oci-layout": parts.layout}
    for document in (parts.run, parts.bundle):
        content = json.dumps(document).encode()
        files[blob_name(canonical.digest_bytes(content))] = content
    files["index.json"] = json.dumps(parts.index).encode()
    return bundle_files.packed(files)


@st.composite
def archives(draw: st.DrawFn, content: bytes) -> bytes:
    """The tar with other bytes in it, most of them in its headers; now and then sums are made right."""
    made = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        block = draw(st.integers(0, len(made) // 512 - 1)) * 512
        if draw(st.booleans()):
            heads = [at for at in range(0, len(made), 512) if made[at + 257 : at + 262] == b"ustar"]
            block = heads[draw(st.integers(0, len(heads) - 1))] if heads else block
        field, width = draw(
            st.sampled_from(
                [(0, 100), (100, 8), (124, 12), (148, 8), (156, 1), (157, 100), (345, 155)]
            )
        )
        new = draw(st.binary(max_size=width) | st.sampled_from(
            [b"../../x\0", b"/etc/x\0", b"1", b"2", b"5", b"x", b"g", b"L", b"S", b"77777777777\0",
             b"\x80" + b"\0" * 3 + b"\x7f" * 8, b"0004755\0", b"./index.json\0", b"blobs/\0"]
        ))[:width]  # fmt: skip
        made[block + field : block + field + len(new)] = new
        if draw(st.booleans()):
            made[block + 148 : block + 156] = b" " * 8
            made[block + 148 : block + 156] = b"%06o\0 " % sum(made[block : block + 512])
    cut = draw(st.integers(0, 8 * len(made)))
    return bytes(made[:cut] if cut < len(made) else made)


@st.composite
def frames(draw: st.DrawFn, honest: Parts) -> bytes:
    """A log in a zstd frame that chance made, with sizes and digests that may be lies."""
    content = draw(st.binary(max_size=200) | st.integers(0, 1 << 22).map(bytes))
    frame = bytearray(coding.zstd.compress(content))
    for _ in range(draw(st.integers(0, 3))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    frame += draw(st.binary(max_size=5) | st.just(bytes(frame)))
    stated = draw(st.sampled_from([len(content), len(content) + 1, max(0, len(content) - 1), 0]))
    parts = copy.deepcopy(honest)
    layer = parts.layer("log/stdout")
    digest = canonical.digest_bytes(bytes(frame))
    parts.blobs[digest] = bytes(frame)
    layer |= {"digest": digest, "size": len(frame), "mediaType": "text/plain+zstd"}
    layer["annotations"] |= {
        "org.repro.content.digest": canonical.digest_bytes(content),
        "org.repro.content.size": str(stated),
        "org.opencontainers.image.title": "log/stdout.zst",
    }
    for item in parts.run["result"]["logs"]:
        if item["path"] == "log/stdout":
            item |= {"digest": canonical.digest_bytes(content), "size": stated}
    return bundle_files.packed(parts.files())


def grouped(honest: Parts) -> bool:
    return any("groups/" in str(item.get("annotations")) for item in honest.bundle["layers"])


def unpacked(honest: Parts, title: str) -> bytes:
    """The content of a layer."""
    layer = honest.layer(title)
    blob = honest.blobs[layer["digest"]]
    return coding.zstd.decompress(blob) if layer["mediaType"].endswith("+zstd") else blob


@st.composite
def group_files(draw: st.DrawFn, honest: Parts) -> bytes:
    """A bundle whose group has another listing, or other bytes in its tar, with honest digests around."""
    parts = copy.deepcopy(honest)
    document = json.loads(unpacked(honest, "groups/00001.json"))
    made = bytearray(unpacked(honest, "groups/00001.tar"))
    for _ in range(draw(st.integers(0, 2))):
        places = nodes(document)
        node, key = places[draw(st.integers(0, len(places) - 1))]
        node[key] = draw(VALUES)
        if not isinstance(document, dict):
            break
    for _ in range(draw(st.integers(0, 2))):
        new = draw(st.binary(min_size=1, max_size=40))
        at = draw(st.integers(0, len(made) - len(new)))
        made[at : at + len(new)] = new
    with contextlib.suppress(ValueError):
        parts.replace("groups/00001.json", json.dumps(document).encode(), in_run=False)
        parts.replace("groups/00001.tar", bytes(made), in_run=False)
    return sealed(parts)


def bundles(honest: Parts) -> st.SearchStrategy[bytes]:
    content = bundle_files.packed(copy.deepcopy(honest).files())
    plain = st.binary(max_size=2000).map(lambda item: item + bytes(-len(item) % 512) + END)
    single = st.tuples(st.text("abc./", min_size=1, max_size=20), st.binary(max_size=50)).map(
        lambda item: header(item[0], len(item[1])) + item[1] + padding(len(item[1])) + END
    )
    strategies = [documents(honest), documents(honest), archives(content), frames(honest)]
    if grouped(honest):
        strategies += [group_files(honest)] * 3
    return st.one_of(*strategies, plain, single)


def outcome(content: bytes) -> str:
    """``taken``, or the error's kind. Whatever else is raised is a bug."""
    stream = io.BytesIO(content)
    try:
        source = TarSource(stream)
        opened = open_bundle(source)
        for layer in opened.bundle.layers:
            chunks = source.chunks(layer.blob.digest)
            if layer.is_compressed:
                chunks = coding.decoded(chunks, layer.path, layer.content_size)
            if coding.digest(chunks) != layer.content_digest:
                raise refused("a digest")
        for group in opened.groups:
            layer = group.archive
            chunks = source.chunks(layer.blob.digest)
            if layer.is_compressed:
                chunks = coding.decoded(chunks, layer.path, layer.content_size)
            groups.unpack(chunks, group, lambda digest: io.BytesIO())
    except ReproError as error:
        said = str(error)
        assert said.isprintable() and len(said) < 1000, said
        return type(error).__name__
    return "taken"


def main(file: Path, count: int) -> None:
    honest = bundle_files.read(file)
    images.sealed(honest, images.with_image(honest))
    seen: Counter[str] = Counter()
    began = time.monotonic()

    @seed(int(time.time()))
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(bundles(honest))
    def go(content: bytes) -> None:
        try:
            seen[outcome(content)] += 1
        except Exception as error:
            # kept for a closer look; hypothesis would print all of it
            file.with_name(f"fuzzed-{len(seen)}.tar").write_bytes(content)
            seen[f"BUG: {type(error).__name__}: {error}"[:200]] += 1

    go()
    seconds = time.monotonic() - began
    sys.stdout.write(f"{sum(seen.values())} inputs in {seconds:.0f} s: {dict(seen)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
