"""Small files in one layer: written, read, and refused where anything is not as the listing says."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import bundle_files
import pytest
import workbench
from bundle_files import Document, Parts, changed, packed
from test_hostile_bundles import refuses
from workbench import SCRIPTS, Project, Repro

from repro import canonical, importing, pushing
from repro.bundles import carried, coding, groups, keeping
from repro.bundles.coding import zstd
from repro.bundles.tar_writing import END, blob_name, header, padding
from repro.store import Store

COUNT = 90


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory, empty_venv: Path) -> Project:
    """A run that read a folder of small files and wrote as many, exported to ../run.tar."""
    folder = tmp_path_factory.mktemp("grouped")
    path = os.pathsep.join([str(empty_venv / "bin"), os.environ["PATH"], str(SCRIPTS)])
    tool = Repro(folder / "project", path, folder / "scratch", {os.getpid()})
    tool.folder.mkdir()
    project = workbench.with_dvc(workbench.plain_training(Project(tool.folder, tool)))
    for number in range(COUNT):
        project.write(f"data/set/{number % 7}/{number}.txt", f"{number}\n" * (number % 50))
    project.write("data/set/large.bin", bytes(range(256)) * 5000)
    project.dvc("add", "data/set")
    more = "for n in range(80): Path(f'models/{n}.bin').write_bytes(bytes([n % 40] * 5))\n"
    project.write("train.py", workbench.TRAIN + more)
    project.commit("A folder of small files")
    project.record("python", "train.py")
    tool("export", "latest", "../run.tar", "--with", "data,outputs").expect(0)
    return project


@pytest.fixture(scope="module")
def bundle(grouped: Project) -> Path:
    return grouped.path.parent / "run.tar"


@pytest.fixture(scope="module")
def parts(bundle: Path) -> Parts:
    """Taken apart; not to be changed."""
    return bundle_files.read(bundle)


def content(parts: Parts, title: str) -> bytes:
    layer = parts.layer(title)
    blob = parts.blobs[layer["digest"]]
    return zstd.decompress(blob) if layer["mediaType"].endswith("+zstd") else blob


def listing(parts: Parts, number: int = 1) -> list[Document]:
    return list(json.loads(content(parts, f"groups/{number:05}.json"))["layers"])


# --- written and read -----------------------------------------------------------------------


def test_small_files_share_layers(parts: Parts) -> None:
    titles = [
        item["annotations"]["org.opencontainers.image.title"] for item in parts.bundle["layers"]
    ]
    plain = [title.removesuffix(".zst") for title in titles]
    assert plain == sorted(plain)
    assert [title for title in plain if title.startswith("groups/")] == [
        "groups/00001.json", "groups/00001.tar", "groups/00002.json", "groups/00002.tar",
    ]  # fmt: skip
    alone = [title for title in plain if title.startswith(("data/files/", "outputs/"))]
    assert len(alone) == 1  # the large file
    assert len(titles) < 15
    paths = [item["annotations"]["org.opencontainers.image.title"] for item in listing(parts)]
    assert all(path.startswith("data/files/") for path in paths)
    assert len(listing(parts, 2)) >= 80


def test_the_tar_is_one_that_tar_reads(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "group.tar").write_bytes(content(parts, "groups/00001.tar"))
    subprocess.run(["tar", "-x", "-f", "group.tar"], cwd=tmp_path, check=True)
    for item in listing(parts):
        file = tmp_path / blob_name(item["digest"])
        assert canonical.digest_file(file) == item["digest"]
        assert file.stat().st_size == item["size"]


def test_a_content_that_two_paths_have_is_inside_once(parts: Parts) -> None:
    stated = listing(parts, 2)
    with tarfile.open(fileobj=io.BytesIO(content(parts, "groups/00002.tar"))) as archive:
        names = archive.getnames()
    assert len(names) == len(set(names)) == len({item["digest"] for item in stated}) < len(stated)


def test_what_was_grouped_is_imported_and_exported_the_same(
    grouped: Project, bundle: Path, tmp_path: Path
) -> None:
    grouped.repro("import", str(bundle), cwd=tmp_path).expect(0)
    store = Store.open(tmp_path)
    (identity,) = store.run_ids()
    found = carried.of(store, identity).below("data/files/")
    assert len(found) >= COUNT - 7  # some of them are the same
    for item in found.values():
        store.verified(item)
    grouped.repro("export", "latest", "again.tar", "--with", "data,outputs", cwd=tmp_path).expect(0)
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


@pytest.mark.docker
def test_a_grouped_bundle_is_replayed(grouped: Project, bundle: Path, tmp_path: Path) -> None:
    remote = grouped.path.with_name(f"{grouped.path.name}-remote")
    for path in (grouped.path, remote):
        shutil.move(path, tmp_path / f"away-{path.name}")
    here = tmp_path / "here"
    here.mkdir()
    try:
        done = grouped.repro("replay", str(bundle), "--json", cwd=here)
    finally:
        for path in (grouped.path, remote):
            shutil.move(tmp_path / f"away-{path.name}", path)
    assert done.expect(0).verdict == "identical"


def test_a_second_push_sends_one_group(grouped: Project, tmp_path: Path) -> None:
    push = ("push", "latest", str(tmp_path / "runs"), "--with", "data,outputs")
    grouped.repro(*push, cwd=grouped.path).expect(0)
    before = set((tmp_path / "runs/blobs/sha256").iterdir())
    grouped.repro(*push, cwd=grouped.path).expect(0)
    assert set((tmp_path / "runs/blobs/sha256").iterdir()) == before
    here = tmp_path / "here"
    here.mkdir()
    grouped.repro("pull", str(tmp_path / "runs"), cwd=here).expect(0)


def test_a_pull_fetches_nothing_that_the_store_has(
    grouped: Project, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a URL, where fetching costs; also what was compressed on the way, or shared a layer."""
    fetched: list[str] = []
    plain = keeping.KeptSource._fetched

    def noted(self: keeping.KeptSource, digest: str) -> Path:
        fetched.append(digest)
        return plain(self, digest)

    where = f"file://{tmp_path}/runs"
    words = ("--with", "data,outputs")
    grouped.repro("push", "latest", where, *words, cwd=grouped.path).expect(0)
    monkeypatch.setattr(keeping.KeptSource, "_fetched", noted)
    (tmp_path / "here").mkdir()
    store = Store.open(tmp_path / "here")
    first = pushing.pull(store, where)
    before = everything(store)
    assert len(fetched) > 8
    fetched.clear()
    assert not pushing.pull(store, where).new
    documents = 2 + 2  # the manifest, the run's, and the listings of two groups
    assert len(fetched) == documents and everything(store) == before
    # what was damaged meanwhile is fetched, with its group, and mended
    small = carried.of(store, first.run.id).below("data/files/")
    item = next(one for one in small.values() if one.size == 9)
    store.blob_path(item.digest).write_bytes(b"otherwise")
    fetched.clear()
    pushing.pull(store, where)
    assert len(fetched) == documents + 1 and everything(store) == before
    store.verified(item)


@pytest.mark.registry
def test_a_grouped_run_through_a_registry(grouped: Project, tmp_path: Path) -> None:
    host = os.environ.get("REPRO_TEST_REGISTRY", "")
    name = f"{host}/repro-test-groups/x{os.urandom(6).hex()}:v1"
    push = ("push", "latest", name, "--with", "data,outputs")
    grouped.repro(*push, cwd=grouped.path).expect(0)
    assert "0 blobs sent" in grouped.repro(*push, cwd=grouped.path).expect(0).err
    grouped.repro("pull", name, cwd=tmp_path).expect(0)
    store = Store.open(tmp_path)
    (identity,) = store.run_ids()
    for item in carried.of(store, identity).contents:
        store.verified(item)


def everything(store: Store) -> dict[str, int]:
    files = (path for path in store.root.rglob("*") if path.is_file())
    return {str(path): path.stat().st_size for path in files}


def test_data_that_was_damaged_is_named(grouped: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project", grouped.repro)
    shutil.copytree(grouped.path, copy.path, symlinks=True)
    damaged = next(
        path for path in (copy.path / ".dvc/cache/files").rglob("*")
        if path.is_file() and path.stat().st_size == 9
    )  # fmt: skip
    damaged.chmod(0o644)
    damaged.write_text("something")
    done = copy.repro("export", "latest", "../x.tar", "--with", "data", cwd=copy.path)
    done.complains(2, "not what was recorded")
    assert not (tmp_path / "x.tar").exists()


# --- hostile --------------------------------------------------------------------------------


def with_group(parts: Parts, tar: bytes, members: object = None, *, stated: int = -1) -> Parts:
    """Another tar for the first group, and another listing, with honest digests all the way up."""

    def change(made: Parts) -> None:
        made.replace("groups/00001.tar", tar, in_run=False)
        if stated >= 0:
            frame = zstd.compress(tar)
            made.replace("groups/00001.tar", frame, in_run=False)
            made.layer("groups/00001.tar")["mediaType"] += "+zstd"
            made.layer("groups/00001.tar")["annotations"] |= {
                "org.opencontainers.image.title": "groups/00001.tar.zst",
                "org.repro.content.digest": canonical.digest_bytes(tar),
                "org.repro.content.size": str(stated),
            }
        if members is not None:
            document = members if isinstance(members, dict) else {
                "schema": groups.SCHEMA, "layers": members,
            }  # fmt: skip
            made.replace("groups/00001.json", canonical.dumps(document), in_run=False)

    return changed(parts, change)


def blobs(parts: Parts) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content(parts, "groups/00001.tar"))) as archive:
        return {item.name: archive.extractfile(item).read() for item in archive}  # type: ignore[union-attr]


def tar(files: dict[str, bytes]) -> bytes:
    return b"".join(
        header(name, len(item)) + item + padding(len(item)) for name, item in files.items()
    )


def test_the_honest_group_is_taken(store: Store, parts: Parts) -> None:
    made = with_group(parts, tar(blobs(parts)) + END, listing(parts))
    file = store.project / "again.tar"
    file.write_bytes(packed(made.files()))
    assert importing.import_bundle(store, file).new


def entries(kind: bytes, name: bytes, link: bytes = b"") -> Callable[[bytes], bytes]:
    """The first header with another kind and name, its checksum right."""

    def change(whole: bytes) -> bytes:
        block = bytearray(whole[:512])
        if name:
            block[:100] = name.ljust(100, b"\0")
        block[156:157] = kind
        block[157 : 157 + len(link)] = link
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block) + whole[512:]

    return change


def mode(whole: bytes) -> bytes:
    block = bytearray(whole[:512])
    block[100:107] = b"0004755"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + whole[512:]


TARS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a symbolic link": (entries(b"2", b"", b"/etc/passwd"), "does not hold"),
    "a hard link": (entries(b"1", b"", b"/etc/shadow"), "does not hold"),
    "a device": (entries(b"3", b""), "does not hold"),
    "a pipe": (entries(b"6", b""), "does not hold"),
    "a folder": (entries(b"5", b""), "does not hold"),
    "an extended header": (entries(b"x", b""), "does not hold"),
    "a long name": (entries(b"L", b"././@LongLink"), "does not hold"),
    "a path out of it": (entries(b"0", b"../../evil"), "does not hold"),
    "an absolute path": (entries(b"0", b"/etc/cron.d/evil"), "does not hold"),
    "another blob": (entries(b"0", b"blobs/sha256/" + b"a" * 64), "does not hold"),
    "a setuid bit": (mode, "does not hold"),
    "other content": (lambda whole: whole[:512] + b"X" + whole[513:], "another digest"),
    "no tar": (lambda whole: b"x" * len(whole), "does not hold"),
    "zeros": (lambda whole: bytes(len(whole)), "does not hold"),
    "something behind its end": (lambda whole: whole[:-1] + b"x", "behind its last member"),
}


@pytest.mark.parametrize("what", TARS)
def test_no_such_tar(store: Store, parts: Parts, what: str) -> None:
    change, part = TARS[what]
    first = listing(parts)
    # the first member is one that has content
    full = [item for item in first if item["size"]]
    order = full + [item for item in first if not item["size"]]
    files = blobs(parts)
    whole = tar({blob_name(item["digest"]): files[blob_name(item["digest"])] for item in order})
    refuses(store, packed(with_group(parts, change(whole + END), order).files()), part)


def test_no_tar_that_is_longer_or_shorter(store: Store, parts: Parts) -> None:
    whole = tar(blobs(parts)) + END
    for made in (whole + bytes(512), whole[:-512], whole[:512], b""):
        refuses(store, packed(with_group(parts, made).files()), "its members make it")
    extra = tar({blob_name("sha256:" + "0" * 64): b"evil"})
    refuses(store, packed(with_group(parts, extra + whole).files()), "its members make it")


def test_no_padding_that_hides_something(store: Store, parts: Parts) -> None:
    full = [item for item in listing(parts) if item["size"]]
    files = blobs(parts)
    whole = bytearray(tar({blob_name(i["digest"]): files[blob_name(i["digest"])] for i in full}))
    whole[512 + full[0]["size"]] = 1
    refuses(store, packed(with_group(parts, bytes(whole) + END, full).files()), "hides something")


def test_no_frame_that_unpacks_to_more(store: Store, parts: Parts) -> None:
    whole = tar(blobs(parts)) + END
    bomb = whole + bytes(1 << 24)
    refuses(store, packed(with_group(parts, bomb, stated=len(whole)).files()), "to more than")
    refuses(
        store, packed(with_group(parts, whole[:-512], stated=len(whole)).files()), "does not unpack"
    )


def test_no_group_that_the_disk_cannot_hold(
    store: Store, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    vast = [dict(item, size=1 << 49) for item in listing(parts)[:1]]
    size = groups.tar_size([bundle_layer(item) for item in vast])
    made = with_group(parts, bytes(1024), vast, stated=size)
    refuses(store, packed(made.files()), "of the disk are free")


def bundle_layer(document: Document) -> groups.Layer:
    from repro.bundles import layout

    return layout.read_layer(document)


def retitled(item: Document, title: str, **more: object) -> Document:
    return {**item, **more, "annotations": {"org.opencontainers.image.title": title}}


LISTINGS: dict[str, tuple[Callable[[list[Document]], object], str]] = {
    "none": (lambda first: [], "0 members"),
    "another schema": (lambda first: {"schema": "x", "layers": first}, "the schema"),
    "no list": (lambda first: {"schema": groups.SCHEMA, "layers": 7}, "no list"),
    "too many": (lambda first: first * 2000, "members"),
    "a path twice": (lambda first: [*first, first[0]], "twice"),
    "a path out of it": (lambda f: [retitled(f[0], "../x"), *f[1:]], "not allowed"),
    "an absolute path": (lambda f: [retitled(f[0], "/etc/x"), *f[1:]], "not allowed"),
    "no path": (lambda f: [{**f[0], "annotations": {}}, *f[1:]], "not allowed"),
    "an unknown role": (lambda f: [retitled(f[0], "evil/x"), *f[1:]], "does not know"),
    "a group in a group": (
        lambda f: [retitled(f[0], "groups/00009.tar"), *f[1:]], "does not know"
    ),
    "a path that a layer has": (lambda f: [retitled(f[0], "log/stdout"), *f[1:]], "twice"),
    "an output of nobody": (
        lambda f: [retitled(f[0], "outputs/workspace/evil"), *f[1:]], "does not know"
    ),
    "no digest": (lambda f: [{**f[0], "digest": "md5:x"}, *f[1:]], "without a sha256"),
    "a size below zero": (lambda f: [{**f[0], "size": -1}, *f[1:]], "of the size"),
    "a size that is text": (lambda f: [{**f[0], "size": "1"}, *f[1:]], "of the size"),
    "two sizes of one content": (
        lambda f: [*f, retitled(f[0], "data/files/" + "0" * 32, size=f[0]["size"] + 1)],
        "another size",
    ),
    "a compressed member": (
        lambda f: [{**f[0], "mediaType": "text/plain+zstd"}, *f[1:]], "is compressed"
    ),
    "a member that is elsewhere": (
        lambda f: [{**f[0], "urls": ["https://example.org"]}, *f[1:]], "urls"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LISTINGS)
def test_no_such_listing(store: Store, parts: Parts, what: str) -> None:
    change, part = LISTINGS[what]
    whole = tar(blobs(parts)) + END
    made = with_group(parts, whole, change(listing(parts)))
    refuses(store, packed(made.files()), part)


def test_no_member_that_is_not_announced(store: Store, parts: Parts) -> None:
    made = with_group(parts, tar(blobs(parts)) + END, listing(parts)[1:])
    refuses(store, packed(made.files()), "its members make it")


def test_no_member_that_is_missing(store: Store, parts: Parts) -> None:
    files = blobs(parts)
    files.pop(next(iter(files)))
    made = with_group(parts, tar(files) + END, listing(parts))
    refuses(store, packed(made.files()), "its members make it")


def drop(title: str) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        parts.bundle["layers"].remove(parts.layer(title))

    return change


def rename(title: str, to: str) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        layer = parts.layer(title)
        suffix = ".zst" if layer["mediaType"].endswith("+zstd") else ""
        layer["annotations"]["org.opencontainers.image.title"] = to + suffix

    return change


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (drop("groups/00001.json"), "not whole"),
        (drop("groups/00001.tar"), "not whole"),
        (rename("groups/00001.tar", "groups/00003.tar"), "not whole"),
        (rename("groups/00001.tar", "groups/../x.tar"), "not allowed"),
        (rename("groups/00001.tar", "groups/1.tar"), "no group like"),
        (rename("groups/00001.tar", "groups/00001.zip"), "no group like"),
        (rename("groups/00001.tar", "groups/00001.json"), "twice"),
        (rename("groups/00001.json", "data/files/" + "0" * 32), "not whole"),
    ],
)
def test_no_half_of_a_group(
    store: Store, parts: Parts, change: Callable[[Parts], None], part: str
) -> None:
    refuses(store, packed(changed(parts, change).files()), part)


def test_no_listing_beyond_its_bound(
    store: Store, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "LARGEST_LISTING", 1000)
    refuses(store, packed(parts.files()), "too large")


def test_a_listing_that_lies_about_what_it_unpacks_to(store: Store, parts: Parts) -> None:
    for key, value in (("digest", "sha256:" + "0" * 64), ("size", "17")):
        made = changed(
            parts,
            lambda made, key=key, value=value: made.layer("groups/00001.json")[
                "annotations"
            ].update(  # type: ignore[misc]
                {f"org.repro.content.{key}": value}
            ),
        )
        refuses(store, packed(made.files()), "unpack")


def test_chunks_of_any_length_are_read(parts: Parts) -> None:
    whole = tar(blobs(parts)) + END
    members = groups.load_listing(content(parts, "groups/00001.json"), "x")
    layer = groups.Layer("groups/00001.tar", groups.layout.Blob("", 0, ""), "", len(whole))
    group = groups.joined(layer, layer, members)
    for step in (1, 7, 511, 512, 513, len(whole)):
        found: dict[str, io.BytesIO] = {}

        class Kept(io.BytesIO):
            def close(self) -> None:
                pass

        def place(digest: str) -> io.BytesIO:
            found[digest] = Kept()  # noqa: B023
            return found[digest]  # noqa: B023

        chunks = (whole[start : start + step] for start in range(0, len(whole), step))
        groups.unpack(chunks, group, place)
        assert all(canonical.digest_bytes(out.getvalue()) == name for name, out in found.items())


def test_what_does_not_shrink_is_not_compressed(tmp_path: Path) -> None:
    from repro.bundles import group_writing
    from repro.bundles.pieces import Piece
    from repro.bundles.tar_writing import Sink

    for noise, compressed in ((os.urandom(200_000), False), (b"text" * 50_000, True)):
        (tmp_path / "x").write_bytes(noise)
        piece = Piece(
            "outputs/x", len(noise), (tmp_path / "x",), digest=canonical.digest_bytes(noise)
        )
        out = io.BytesIO()
        layer, members = group_writing.written([piece], "groups/00001.tar", Sink(out))
        assert layer.is_compressed is compressed
        value = out.getvalue()
        chunks = (
            coding.decoded(iter([value]), "x", layer.content_size) if compressed else iter([value])
        )
        assert coding.digest(chunks) == layer.content_digest
        assert layer.content_size == groups.tar_size(members)
