"""Bundles that were made to do harm: each is refused in one clear line, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle_files import Parts, changed, entry, packed

from repro import canonical, importing
from repro.bundles.coding import zstd
from repro.bundles.opening import TarSource, open_bundle
from repro.bundles.refusing import Refused
from repro.errors import NewerSchema
from repro.store import Store

Change = Callable[[Parts], object]


def refuses(store: Store, content: bytes, part: str) -> None:
    """Refused, in one line that says so, and the folder is as it was."""
    (store.root / "locks").mkdir(exist_ok=True)
    before = everything(store.project.parent)
    file = store.project.parent / "hostile.tar"
    file.write_bytes(content)
    with pytest.raises(Refused) as caught:
        importing.import_bundle(store, file)
    file.unlink()
    said = str(caught.value)
    assert said.startswith("the bundle is refused: ") and part in said, said
    assert len(said) < 700 and said.isprintable()
    assert everything(store.project.parent) == before


def everything(folder: Path) -> set[str]:
    return {os.path.relpath(path, folder) for path in folder.rglob("*")}


def test_the_honest_bundle_is_taken(store: Store, honest: Parts, exported: Path) -> None:
    done = importing.import_bundle(store, exported)
    assert done.new and done.data and not done.image
    assert store.run(done.run.id).manifest.definition.command.argv == ("python", "train.py")
    again = changed(honest, lambda parts: None)
    file = store.project / "again.tar"
    file.write_bytes(packed(again.files()))
    second = importing.import_bundle(store, file)
    assert second.run.id == done.run.id and not second.new


# --- the tar --------------------------------------------------------------------------------


ENTRIES = {
    "a path out of it": (entry("../../evil", size=4), b"evil", "leads out"),
    "a path out of it, later": (entry("blobs/sha256/../../../evil"), b"evil", "leads out"),
    "an absolute path": (entry("/etc/cron.d/evil"), b"evil", "absolute path"),
    "another file": (entry("blobs/evil"), b"evil", "no part of a bundle"),
    "a git hook": (entry(".git/hooks/post-checkout"), b"#!/bin/sh", "no part of a bundle"),
    "a symbolic link": (entry("blobs", tarfile.SYMTYPE, linkname="/etc"), b"", "a symbolic link"),
    "a link out": (entry("index", tarfile.SYMTYPE, linkname="../../x"), b"", "a symbolic link"),
    "a hard link": (entry("x", tarfile.LNKTYPE, linkname="/etc/shadow"), b"", "a hard link"),
    "a device": (entry("blobs/sda", tarfile.BLKTYPE, devmajor=8), b"", "a device"),
    "a terminal": (entry("blobs/tty", tarfile.CHRTYPE, devmajor=5), b"", "a device"),
    "a pipe": (entry("blobs/pipe", tarfile.FIFOTYPE), b"", "a pipe"),
    "a setuid bit": (entry("blobs/sha256/" + "a" * 64, mode=0o4755), b"x", "setuid"),
    "a setgid bit": (entry("blobs/sha256/" + "a" * 64, mode=0o2755), b"x", "setuid"),
    "a long name": (entry("blobs/" + "long/" * 60), b"x", "a long name"),
    "the index again": (entry("index.json"), b"{}", "twice"),
    "the index again, otherwise": (entry("./index.json"), b"{}", "twice"),
    "a folder": (entry("etc", tarfile.DIRTYPE), b"", "no part of a bundle"),
    "a blob of nobody": (entry("blobs/sha256/" + "a" * 64), b"x", "nothing names"),
    "a sparse file": (entry("x", tarfile.GNUTYPE_SPARSE), b"", "a sparse file"),
    "a name for a terminal": (entry("\x1b[2Jevil"), b"x", "no part of a bundle"),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_no_such_entry(store: Store, honest: Parts, what: str) -> None:
    info, content, part = ENTRIES[what]
    files = changed(honest, lambda parts: None).files()
    refuses(store, packed(files, (info, content)), part)


def tampered(content: bytes, offset: int, new: bytes) -> bytes:
    """The tar with other bytes in its first header, its checksum right again."""
    block = bytearray(content[:512])
    block[offset : offset + len(new)] = new
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content[512:]


@pytest.mark.parametrize(
    ("offset", "new", "part"),
    [
        (124, b"77777777777\0", "ends in the middle"),
        (124, b"\x80" + b"\x7f" * 11, "ends in the middle"),
        (124, b"\xff" * 12, "where a number should be"),
        (124, b"-0000000001\0", "where a number should be"),
        (124, b"99999999999\0", "where a number should be"),
        (100, b"zzzzzzz\0", "where a number should be"),
        (156, b"Z", "an entry of the kind"),
        (156, b"\xff", "an entry of the kind"),
        (0, b"\xff\xfe\0", "no part of a bundle"),
        (0, b"\0", "no part of a bundle"),
    ],
)
def test_no_such_header(store: Store, honest: Parts, offset: int, new: bytes, part: str) -> None:
    files = changed(honest, lambda parts: None).files()
    refuses(store, tampered(packed(files), offset, new), part)


@pytest.mark.parametrize(
    ("records", "part"),
    [
        (b"30 path=../../../../etc/evil\n\n", "changes what a file is"),
        (b"19 linkpath=/etc/x\n", "changes what a file is"),
        (b"22 GNU.sparse.major=1\n", "changes what a file is"),
        (b"99999 size=1\n", "damaged"),
        (b"0 size=1\n", "damaged"),
        (b"12 size=-100\n", "damaged"),
        (b"13 size=-100\n", "states the size"),
        (b"21 size=99999999999\n" + b"", "damaged"),
        (b"20 size=99999999999\n", "ends in the middle"),
        (b"x" * 70000, "too large"),
    ],
)
def test_no_such_extended_header(store: Store, honest: Parts, records: bytes, part: str) -> None:
    files = changed(honest, lambda parts: None).files()
    plain = packed(files)
    head = bytearray(packed({"pax": records}))[: -2 * 512]
    block = tampered(bytes(head), 156, b"x")
    refuses(store, block + plain, part)


def test_times_in_extended_headers_do_no_harm(store: Store, exported: Path) -> None:
    """As GNU tar and Python write them, when a person packs the folder again."""
    with tarfile.open(exported) as archive:
        archive.extractall(store.project / "unpacked", filter="data")
    file = store.project / "again.tar"
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(store.project / "unpacked", ".")
    assert b"mtime=" in file.read_bytes()
    importing.import_bundle(store, file)


@pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b\x08" + b"x" * 600, b"PK\3\4" * 200])
def test_other_files_are_no_bundles(store: Store, content: bytes) -> None:
    refuses(store, content, "not a tar archive")


def test_a_tar_of_something_else_is_no_bundle(store: Store) -> None:
    refuses(store, bytes(1024), "no oci-layout")


def test_nothing_hides_behind_the_end(store: Store, honest: Parts) -> None:
    files = changed(honest, lambda parts: None).files()
    refuses(store, packed(files) + packed({"index.json": b"{}"}), "behind its end")


def test_a_cut_bundle_is_refused_wherever_it_is_cut(store: Store, exported: Path) -> None:
    content = exported.read_bytes()
    ends = [511, 512, 513, 600, 1024, len(content) // 2, len(content) - 1400, len(content) - 1024]
    for end in ends:
        refuses(store, content[:end], "")


# --- the documents --------------------------------------------------------------------------


def bundle(**new: Any) -> Change:
    return lambda parts: parts.bundle.update(new)


def first_layer(**new: Any) -> Change:
    return lambda parts: parts.bundle["layers"][0].update(new)


def title(text: str) -> Change:
    key = "org.opencontainers.image.title"
    return lambda parts: parts.bundle["layers"][0]["annotations"].update({key: text})


def index(**new: Any) -> Change:
    return lambda parts: parts.index["manifests"][0].update(new)


DOCUMENTS: dict[str, tuple[Change, str]] = {
    "a version of the layout": (
        lambda parts: setattr(parts, "layout", b'{"imageLayoutVersion":"2.0.0"}'), "version"),
    "a layout of nothing": (lambda parts: setattr(parts, "layout", b"[]"), "no JSON object"),
    "no runs": (lambda parts: parts.index.update(manifests=[]), "names no run"),
    "two runs": (lambda parts: parts.index["manifests"].append(parts.index["manifests"][0]),
                 "more than one run"),
    "another kind": (bundle(artifactType="application/x"), "no run but something"),
    "no list": (bundle(layers={}), "no list"),
    "another config": (lambda parts: parts.bundle["config"].update(mediaType="a/b"), "its config"),
    "an image that is not there": (
        bundle(annotations={"org.repro.image": "sha256:" + "0" * 64}), "the image in its index"),
    "an image without a digest": (bundle(annotations={"org.repro.image": "../x"}), "no digest"),
    "a digest of another kind": (first_layer(digest="md5:" + "0" * 32), "without a sha256"),
    "a digest that is a path": (first_layer(digest="sha256:../../../../etc/passwd"),
                                "without a sha256"),
    "a digest of upper case": (first_layer(digest="sha256:" + "A" * 64), "without a sha256"),
    "a blob that is not there": (first_layer(digest="sha256:" + "0" * 64), "lacks the blob"),
    "a wrong size": (first_layer(size=1), "are stated"),
    "a negative size": (first_layer(size=-1), "of the size"),
    "a huge size": (first_layer(size=1 << 60), "of the size"),
    "a size in words": (first_layer(size="12"), "of the size"),
    "a size that is true": (first_layer(size=True), "of the size"),
    "a place elsewhere": (first_layer(urls=["http://example.org"]), "to be had elsewhere"),
    "a type that is none": (first_layer(mediaType="x\n"), "of the type"),
    "a path out": (title("data/../../../etc/passwd"), "not allowed"),
    "an absolute path": (title("/etc/passwd"), "not allowed"),
    "no path": (title(""), "not allowed"),
    "a path twice": (title("log/stdout"), "stands twice"),
    "a role of nobody": (title("hooks/post-checkout"), "manifest"),
    "notes that are none": (first_layer(annotations=[]), "no texts by name"),
    "notes that are numbers": (first_layer(annotations={"a": 1}), "no texts by name"),
    "a wrong size of a document": (index(size=3), "are stated"),
}  # fmt: skip


@pytest.mark.parametrize("what", DOCUMENTS)
def test_no_such_document(store: Store, honest: Parts, what: str) -> None:
    change, part = DOCUMENTS[what]
    parts = changed(honest, change)
    files = parts.files()
    if what.startswith("a wrong size of"):
        parts.index["manifests"][0]["size"] += 1
        files["index.json"] = canonical.dumps(parts.index)
    refuses(store, packed(files), part)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"manifests":' + b"[" * 100_000, "nested too deeply"),
        (b'{"manifests":[],"manifests":[]}', "stands twice"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
        (b"null", "no JSON object"),
        (b'{"manifests":[' + b"9" * 6000 + b"]}", "not JSON"),
        (b" " * (1 << 20) + b"{}", "too large"),
    ],
)
def test_no_such_index(store: Store, honest: Parts, content: bytes, part: str) -> None:
    files = changed(honest, lambda parts: None).files()
    refuses(store, packed({**files, "index.json": content}), part)


def test_a_blob_has_the_digest_in_its_name(store: Store, honest: Parts) -> None:
    for name in honest.files():
        if name.startswith("blobs/"):
            files = changed(honest, lambda parts: None).files()
            files[name] = bytes([files[name][0] ^ 1]) + files[name][1:]
            refuses(store, packed(files), "")


def test_a_blob_that_is_missing_is_missed(store: Store, honest: Parts) -> None:
    for name in honest.files():
        files = changed(honest, lambda parts: None).files()
        del files[name]
        refuses(store, packed(files), "")


# --- compression ----------------------------------------------------------------------------


def compressed(content: bytes, stated: int, claimed: bytes | None = None) -> Change:
    """The log as a zstd frame that says of itself that it is so long."""

    def change(parts: Parts) -> None:
        plain = content if claimed is None else claimed
        parts.replace("log/stdout", plain)
        for item in parts.run["result"]["logs"]:
            item["size"] = stated
        frame = zstd.compress(content) if not content.startswith(b"\x28\xb5") else content
        digest = canonical.digest_bytes(frame)
        parts.blobs[digest] = frame
        parts.layer("log/stdout").update(
            digest=digest,
            size=len(frame),
            mediaType="text/plain+zstd",
            annotations={
                "org.opencontainers.image.title": "log/stdout.zst",
                "org.repro.content.digest": canonical.digest_bytes(plain),
                "org.repro.content.size": str(stated),
            },
        )

    return change


def test_a_compressed_log_is_taken(store: Store, honest: Parts) -> None:
    file = store.project / "x.tar"
    file.write_bytes(packed(changed(honest, compressed(b"a" * 9000, 9000)).files()))
    run = importing.import_bundle(store, file).run
    (log,) = [item for item in run.manifest.result.logs if item.path == "log/stdout"]
    assert store.read(log) == b"a" * 9000


FRAMES: dict[str, tuple[Change, str]] = {
    "a bomb": (compressed(bytes(300_000_000), 1000), "more than the 1000 bytes"),
    "one byte more": (compressed(bytes(1001), 1000), "more than the 1000 bytes"),
    "one byte less": (compressed(bytes(999), 1000), "does not unpack to the 1000"),
    "more than any disk has": (compressed(b"x", 10**14), "of the disk are free"),
    "another content": (compressed(b"b" * 9, 9, b"a" * 9), "another content"),
    "no frame": (compressed(b"\x28\xb5\x2f\xfdnonsense", 9), "cannot be unpacked"),
    "half a frame": (compressed(zstd.compress(bytes(range(256)) * 40)[:60], 10240), "unpack"),
    "two frames": (compressed(zstd.compress(b"a" * 50) * 2, 50), "does not unpack"),
    "a frame and more": (compressed(zstd.compress(b"a" * 50) + b"x" * 3_000_000, 50), "behind its end"),
    "a frame that wants memory": (
        compressed(
            zstd.ZstdCompressor(options={
                zstd.CompressionParameter.window_log: 30,
                zstd.CompressionParameter.compression_level: 1,
            }).compress(bytes(100), zstd.ZstdCompressor.FLUSH_BLOCK), 100),
        "cannot be unpacked",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FRAMES)
def test_no_such_frame(store: Store, honest: Parts, what: str) -> None:
    change, part = FRAMES[what]
    refuses(store, packed(changed(honest, change).files()), part)


@pytest.mark.parametrize("size", ["-1", "", "1e9", "٣", " 9", "9" * 16])
def test_a_frame_states_its_size(store: Store, honest: Parts, size: str) -> None:
    def change(parts: Parts) -> None:
        compressed(b"a" * 9000, 9000)(parts)
        parts.layer("log/stdout")["annotations"]["org.repro.content.size"] = size

    refuses(store, packed(changed(honest, change).files()), "does not say what it unpacks to")


# --- the run's manifest ---------------------------------------------------------------------


def run(*keys: str | int, value: Any) -> Change:
    """The manifest with another value at these keys."""

    def change(parts: Parts) -> None:
        place: Any = parts.run
        for key in keys[:-1]:
            place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
        place[keys[-1]] = value

    return change


INPUT = {"digest": "sha256:" + "0" * 64, "size": 3}
OUT = "../../../home/user/.bashrc"
RUNS: dict[str, tuple[Change, str]] = {
    "a command with mounts": (run("definition", "command", "mounts", value=["/:/host"]), "mounts"),
    "a command with privileges": (run("definition", "command", "privileged", value=True),
                                  "privileged"),
    "an environment with devices": (run("definition", "environment", "devices", value=["/dev/mem"]),
                                    "devices"),
    "a policy with capabilities": (run("policy", "cap_add", value=["ALL"]), "cap_add"),
    "a definition with the host's network": (run("definition", "network_mode", value="host"),
                                             "network_mode"),
    "an image with volumes": (run("definition", "environment", "image", "volumes", value={"/": {}}),
                              "volumes"),
    "an input out of the workspace": (run("definition", "inputs", value=[{**INPUT, "path": OUT}]),
                                      "an input"),
    "an input out of the home": (run("definition", "inputs", value=[{**INPUT, "path": f"~/{OUT}"}]),
                                 "an input"),
    "an input out of the root": (run("definition", "inputs", value=[{**INPUT, "path": f"/{OUT}"}]),
                                 "an input"),
    "a link in the root": (run("definition", "inputs", value=[{**INPUT, "path": "/mine", "link": "/etc"}]),
                           "an input that is a link"),
    "a link in the home": (run("definition", "inputs", value=[{**INPUT, "path": "~/mine", "link": "/etc"}]),
                           "an input that is a link"),
    "a link out of the workspace": (run("definition", "inputs",
                                        value=[{**INPUT, "path": "mine", "link": "../../etc"}]), "a link"),
    "a link to nothing": (run("definition", "inputs", value=[{**INPUT, "path": "mine", "link": ""}]), "a link"),
    "an output out of the root": (run("result", "outputs", value=[{**INPUT, "path": f"/{OUT}"}]),
                                  "an output"),
    "data out of the workspace": (run("definition", "data", 0, "path", value=OUT), "data"),
    "data at an absolute path": (run("definition", "data", 0, "path", value="/etc/x"), "data"),
    "a submodule outside": (run("definition", "source", "submodules",
                                value=[{"path": "../x", "commit": None, "tree": "0" * 40}]),
                            "a submodule"),
    "a folder outside": (run("definition", "working_directory", value=".."), "a working directory"),
    "a project outside": (run("provenance", "project", value="a/../../b"), "the project's folder"),
    "a stage that clears the home": (
        run("definition", "command", "stages",
            value=[{"name": "x", "commands": ["true"], "outputs": ["../../../home"]}]),
        "a stage's file"),
    "metrics outside": (run("policy", "metrics", value=["../../*.json"]), "a pattern"),
    "outputs outside": (run("policy", "outputs", value=["/etc/*"]), "a pattern"),
    "a Dockerfile outside": (
        run("definition", "environment", "image",
            value={"reference": "x", "dockerfile": "../Dockerfile"}), "a Dockerfile"),
    "a workspace that is the root": (run("provenance", "workspace", value="/"), "workspace"),
    "a workspace of the kernel": (run("provenance", "workspace", value="/proc/self"), "workspace"),
    "a workspace that is relative": (run("provenance", "workspace", value="x"), "workspace"),
    "a workspace that leads out": (run("provenance", "workspace", value="/a/../.."), "workspace"),
    "a prefix that leads out": (run("provenance", "prefix", value="/a/../../b"), "prefix"),
    "a role out of the store": (run("contents", 0, "path", value="../../x"), "the role"),
    "a role of nobody": (run("contents", 0, "path", value="hooks/pre-commit"), "the role"),
    "a role of an environment": (run("contents", 0, "path", value="environment/evil.sh"),
                                 "the role"),
    "a log outside": (run("result", "logs", 0, "path", value="../x"), "the role"),
    "a digest that is a path": (run("contents", 0, "digest", value="sha256:../../x"), "no digest"),
    "a negative size": (run("contents", 0, "size", value=-5), "no digest and size"),
    "a variable with a NUL": (run("definition", "env", value={"A": "b\0c"}), "a variable"),
    "a variable that is two": (run("definition", "env", value={"A=B": "c"}), "a variable"),
    "a variable without a name": (run("definition", "env", value={"": "c"}), "a variable"),
    "a command with a NUL": (run("definition", "command", "argv", value=["a\0b"]), "a NUL"),
    "no command": (run("definition", "command", "argv", value=[]), "no command"),
    "a branch that is an option": (run("provenance", "branch", value="--upload-pack=x"), "a name"),
    "a tag that is an option": (run("provenance", "tags", value=["-d"]), "a name"),
    "a remote that is an option": (run("provenance", "remotes", value={"o": "--exec=x"}), "a name"),
    "a remote with two lines": (run("provenance", "remotes", value={"o": "x\n[core]\n"}), "a name"),
    "an image that is an option": (run("definition", "environment", "image", "reference",
                                       value="--privileged x"), "an image"),
    "a tree that is an option": (run("definition", "source", "tree", value="--output=/etc/x"),
                                 "no git object"),
    "a commit that is a path": (run("definition", "source", "commit", value="../HEAD"),
                                "no git object"),
    "an unknown object format": (run("definition", "source", "object_format", value="md5"),
                                 "object format"),
    "a tree of nobody": (run("definition", "source", "tree", value="1" * 40), "in none of the packs"),
    "a server of another kind": (run("definition", "services", value=[
        {"name": "x", "url": "http://127.0.0.1:1"}]), "a server"),
    "a server with a strange address": (run("definition", "services", value=[
        {"name": "mlflow", "url": "http://[x"}]), "a server"),
    "a server by a strange variable": (run("definition", "services", value=[
        {"name": "mlflow", "url": "http://127.0.0.1:1", "variable": "LD_PRELOAD"}]), "a server"),
    "a program that is shell text": (run("definition", "environment", "tools",
                                         value=["make; touch /x"]), "a program"),
    "a package of conda with two lines": (run("definition", "environment", "conda", value=[
        {"name": "a", "version": "1\nhttps://x.example/b-1-0.conda"}]), "a package of conda"),
    "a package of conda at a file of this machine": (run("definition", "environment", "conda", value=[
        {"name": "a", "version": "1", "url": "file:///etc/a-1-0.conda"}]), "a package of conda"),
    "a package of conda with a hash of its own": (run("definition", "environment", "conda", value=[
        {"name": "a", "version": "1", "url": "https://x.example/a-1-0.conda#" + "0" * 32}]),
        "a package of conda"),
    "a package of conda with an option": (run("definition", "environment", "conda", value=[
        {"name": "a", "version": "1", "url": "https://x.example/a --file=/etc/b.conda"}]),
        "a package of conda"),
    "a package of conda with an odd digest": (run("definition", "environment", "conda", value=[
        {"name": "a", "version": "1", "md5": "sha256:x"}]), "a package of conda"),
    "a package of conda without a name": (run("definition", "environment", "conda", value=[
        {"name": "", "version": "1"}]), "a package of conda"),
    "a tolerance of a long pattern": (
        run("policy", "tolerances", value=[{"pattern": "*a" * 2049}]), "too long"),
    "a long pattern that ignores": (run("policy", "log_ignored", value=["*a" * 2049]), "too long"),
    "a pattern that leads out": (run("policy", "ignored_outputs", value=["/a/../../b"]), "a pattern"),
    "a wrong type": (run("definition", "command", value=5), "not valid"),
    "another schema": (run("schema", value="repro/other/v1"), "schema"),
}  # fmt: skip


@pytest.mark.parametrize("what", RUNS)
def test_no_such_manifest(store: Store, honest: Parts, what: str) -> None:
    change, part = RUNS[what]
    refuses(store, packed(changed(honest, change).files()), part)


def test_a_later_version_is_told_apart(store: Store, honest: Parts, tmp_path: Path) -> None:
    file = tmp_path / "later.tar"
    later = changed(honest, run("schema", value="repro/manifest/v2"))
    file.write_bytes(packed(later.files()))
    with pytest.raises(NewerSchema):
        importing.import_bundle(store, file)


def test_a_manifest_has_its_canonical_form(store: Store, honest: Parts) -> None:
    """Two readers must not see two different things in the same bytes."""
    files = changed(honest, lambda parts: None)
    plain = files.files()
    content = json.dumps(files.run, indent=1).encode()
    (old,) = [name for name in plain if plain[name] == canonical.dumps(files.run)]
    del plain[old]
    files.bundle["config"] |= {"digest": canonical.digest_bytes(content), "size": len(content)}
    document = canonical.dumps(files.bundle)
    (former,) = [name for name in plain if b"artifactType" in plain[name] and "blobs" in name]
    del plain[former]
    files.index["manifests"][0] |= {
        "digest": canonical.digest_bytes(document), "size": len(document),
    }  # fmt: skip
    plain |= {
        f"blobs/sha256/{canonical.digest_bytes(item)[7:]}": item for item in (content, document)
    }
    plain["index.json"] = canonical.dumps(files.index)
    refuses(store, packed(plain), "canonical form")


def test_a_deep_manifest_is_refused(store: Store, honest: Parts) -> None:
    deep: Any = []
    for _ in range(800):
        deep = [deep]
    file = io.BytesIO(packed(changed(honest, run("provenance", "x", value=deep)).files()))
    open_bundle(TarSource(file))  # what is not known is passed over, as deep as a reader can go


@pytest.mark.parametrize("role", ["environment/Dockerfile", "environment/requirements.lock"])
def test_a_recipe_is_text(store: Store, honest: Parts, role: str) -> None:
    if role not in {item["path"] for item in honest.run["contents"]}:
        pytest.skip("the run has none")
    change = changed(honest, lambda parts: parts.replace(role, b"\xff\xfe\0"))
    refuses(store, packed(change.files()), "no text")
