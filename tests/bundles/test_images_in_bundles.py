"""Images: taken out of what an engine saves, in each of its forms; refused where they are not whole."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_files import Parts, changed, packed
from test_hostile_bundles import refuses

from repro import canonical, importing
from repro.bundles import carried, images, layout
from repro.bundles.coding import zstd
from repro.errors import EngineError, ReproError
from repro.store import Store

LAYERS = [b"first layer " * 900, b"second layer " * 900]


def config(**changes: Any) -> bytes:
    facts = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [canonical.digest_bytes(x) for x in LAYERS]},
        **changes,
    }
    return json.dumps(facts).encode()


# --- from an engine -------------------------------------------------------------------------


def tar(files: dict[str, bytes], links: dict[str, str] | None = None) -> Iterator[bytes]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    content = out.getvalue()
    return (content[at : at + 1000] for at in range(0, len(content), 1000))


def saved(names: list[str], *, config_name: str = "c.json") -> bytes:
    return json.dumps([{"Config": config_name, "RepoTags": None, "Layers": names}]).encode()


def test_the_old_form_is_read(tmp_path: Path) -> None:
    names = ["a/layer.tar", "b/layer.tar"]
    files = {"c.json": config(), **dict(zip(names, LAYERS)), "manifest.json": saved(names)}
    found = images.unpack(tar(files), tmp_path)
    assert found.config == config()
    assert [path.read_bytes() for path in found.layers] == LAYERS


def test_a_layer_twice_is_a_link_in_the_old_form(tmp_path: Path) -> None:
    twice = config(rootfs={"diff_ids": [canonical.digest_bytes(LAYERS[0])] * 2})
    files = {"c.json": twice, "a/layer.tar": LAYERS[0]}
    files["manifest.json"] = saved(["a/layer.tar", "b/layer.tar"])
    found = images.unpack(tar(files, {"b/layer.tar": "../a/layer.tar"}), tmp_path)
    assert [path.read_bytes() for path in found.layers] == [LAYERS[0]] * 2


def test_the_new_form_is_read_with_compressed_layers(tmp_path: Path) -> None:
    packed_layers = [gzip.compress(item) for item in LAYERS]
    names = [f"blobs/sha256/{canonical.digest_bytes(x)[7:]}" for x in packed_layers]
    where = f"blobs/sha256/{canonical.digest_bytes(config())[7:]}"
    files = {**dict(zip(names, packed_layers)), where: config(), "index.json": b"{}"}
    files["manifest.json"] = saved(names, config_name=where)
    found = images.unpack(tar(files), tmp_path)
    assert [path.read_bytes() for path in found.layers] == LAYERS


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"manifest.json": b"{}"},
        {"manifest.json": b"[]"},
        {"manifest.json": saved(["gone"])},
        {"manifest.json": saved(["c.json"]), "c.json": b"not JSON"},
        {"manifest.json": saved(["x", "x"]), "c.json": config(), "x": b"another layer"},
        {"manifest.json": saved(["x"]), "c.json": b"{}", "x": b""},
        {"manifest.json": saved(["x"]), "c.json": config(), "x": b"\x1f\x8bnonsense"},
    ],
)
def test_what_is_not_whole_is_said(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(EngineError):
        images.unpack(tar(files), tmp_path)


def test_a_stream_that_breaks_off_is_said(tmp_path: Path) -> None:
    content = b"".join(tar({"c.json": config(), "x": LAYERS[0]}))
    with pytest.raises(EngineError):
        images.unpack(iter([content[:3000]]), tmp_path)


# --- in a bundle ----------------------------------------------------------------------------


def with_image(parts: Parts, image_config: bytes | None = None) -> dict[str, Any]:
    """Adds an image, one of its layers compressed; its manifest, for changes, is what comes back."""
    image_config = config() if image_config is None else image_config
    frame = zstd.compress(LAYERS[0])
    stored = {canonical.digest_bytes(item): item for item in (image_config, frame, LAYERS[1])}
    parts.extra |= stored
    return {
        "schemaVersion": 2,
        "mediaType": layout.MANIFEST_TYPE,
        "config": {
            "mediaType": layout.IMAGE_CONFIG_TYPE,
            "digest": canonical.digest_bytes(image_config),
            "size": len(image_config),
        },
        "layers": [
            {
                "mediaType": layout.IMAGE_LAYER_TYPE + layout.ZSTD,
                "digest": canonical.digest_bytes(frame),
                "size": len(frame),
                "annotations": {
                    layout.CONTENT_DIGEST: canonical.digest_bytes(LAYERS[0]),
                    layout.CONTENT_SIZE: str(len(LAYERS[0])),
                },
            },
            {
                "mediaType": layout.IMAGE_LAYER_TYPE,
                "digest": canonical.digest_bytes(LAYERS[1]),
                "size": len(LAYERS[1]),
            },
        ],
    }


def sealed(parts: Parts, image: dict[str, Any]) -> bytes:
    content = canonical.dumps(image)
    digest = canonical.digest_bytes(content)
    parts.extra[digest] = content
    parts.index["manifests"].append(
        {"mediaType": layout.MANIFEST_TYPE, "digest": digest, "size": len(content),
         "annotations": {layout.NAME: "image"}}
    )  # fmt: skip
    parts.bundle["annotations"][layout.IMAGE] = digest
    return packed(parts.files())


def test_an_image_is_taken_and_comes_out_as_a_saved_one(
    store: Store, honest: Parts, tmp_path: Path
) -> None:
    parts = changed(honest, lambda parts: None)
    file = tmp_path / "x.tar"
    file.write_bytes(sealed(parts, with_image(parts)))
    done = importing.import_bundle(store, file)
    assert done.image
    found = carried.image_of(store, done.run.id)
    assert found and found.architecture == "amd64" and len(found.layers) == 2
    again = images.unpack(found.archive(), tmp_path)
    assert [path.read_bytes() for path in again.layers] == LAYERS
    assert canonical.digest_bytes(again.config) == found.id
    assert found.name == f"repro-carried:{found.id[7:39]}"


def test_a_layer_that_was_damaged_later_is_not_loaded(
    store: Store, honest: Parts, tmp_path: Path
) -> None:
    parts = changed(honest, lambda parts: None)
    file = tmp_path / "x.tar"
    file.write_bytes(sealed(parts, with_image(parts)))
    run = importing.import_bundle(store, file).run
    store.blob_path(canonical.digest_bytes(LAYERS[1])).write_bytes(b"x" * len(LAYERS[1]))
    found = carried.image_of(store, run.id)
    assert found
    with pytest.raises(ReproError):
        list(found.archive())


def layer(number: int, **new: Any) -> Callable[[dict[str, Any]], object]:
    return lambda image: image["layers"][number].update(new)


IMAGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "layers in another order": (lambda image: image["layers"].reverse(), "does not name the layers"),
    "a layer less": (lambda image: image["layers"].pop(), "does not name the layers"),
    "a foreign layer": (layer(1, mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar"),
                        "of the type"),
    "a layer from elsewhere": (layer(1, urls=["http://example.org"]), "to be had elsewhere"),
    "a layer with gzip": (layer(1, mediaType=layout.IMAGE_LAYER_TYPE + "+gzip"), "of the type"),
    "a compressed layer that says nothing": (layer(0, annotations={}), "does not say"),
    "a layer with a wrong digest": (layer(1, digest="sha256:" + "0" * 64), "does not name"),
    "a layer with a wrong size": (layer(1, size=5), "are stated"),
    "a bomb": (lambda image: image["layers"][0]["annotations"].update(
        {layout.CONTENT_SIZE: "10"}), "more than the 10 bytes"),
    "another config": (lambda image: image["config"].update(mediaType=layout.RUN_TYPE), "config"),
}  # fmt: skip


@pytest.mark.parametrize("what", IMAGES)
def test_no_such_image(store: Store, honest: Parts, what: str) -> None:
    parts = changed(honest, lambda parts: None)
    image = with_image(parts)
    change, part = IMAGES[what]
    change(image)
    refuses(store, sealed(parts, image), part)


@pytest.mark.parametrize(
    "content",
    [
        config(os="windows"), config(architecture="../../x"), config(architecture=None),
        config(rootfs=None), config(rootfs={"diff_ids": []}), b"[]", b"null", b"[" * 5000, b"\xff",
    ],
)  # fmt: skip
def test_no_such_configuration(store: Store, honest: Parts, content: bytes) -> None:
    parts = changed(honest, lambda parts: None)
    refuses(store, sealed(parts, with_image(parts, content)), "image")


def test_an_image_in_the_index_alone_is_refused(store: Store, honest: Parts) -> None:
    parts = changed(honest, lambda parts: None)
    image = with_image(parts)
    sealed(parts, image)
    del parts.bundle["annotations"][layout.IMAGE]
    refuses(store, packed(parts.files()), "the image in its index")
