"""Git packs that were made to do harm: nothing of them reaches a work tree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from bundle_files import Parts, changed, packed
from test_hostile_bundles import refuses

from repro import importing
from repro.bundles import gittrees
from repro.bundles.refusing import Refused
from repro.capturing.git import Git
from repro.store import Store


class Objects:
    """A pack made by hand, of objects that git itself would not write."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[str, bytes]] = {}

    def add(self, kind: str, content: bytes) -> str:
        id = hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
        self.objects[id] = (kind, content)
        return id

    def blob(self, content: bytes = b"x\n") -> str:
        return self.add("blob", content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """Of modes, names and ids, in the order given."""
        return self.add(
            "tree",
            b"".join(
                f"{mode} ".encode() + name + b"\0" + bytes.fromhex(id) for mode, name, id in entries
            ),
        )

    def commit(self, tree: str) -> str:
        who = "A <a@example.org> 1700000000 +0000"
        return self.add("commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n".encode())

    def pack(self) -> bytes:
        kinds = {"commit": 1, "tree": 2, "blob": 3}
        out = b"PACK" + (2).to_bytes(4, "big") + len(self.objects).to_bytes(4, "big")
        for kind, content in self.objects.values():
            size = len(content)
            first = kinds[kind] << 4 | size & 15
            size >>= 4
            head = bytearray()
            while size:
                head.append(first | 128)
                first, size = size & 127, size >> 7
            out += bytes([*head, first]) + zlib.compress(content)
        return out + hashlib.sha1(out).digest()


def source(make: Callable[[Objects], str]) -> Callable[[Parts], None]:
    """A bundle whose source is the tree that this makes."""

    def change(parts: Parts) -> None:
        objects = Objects()
        tree = make(objects)
        commit = objects.commit(tree)
        parts.run["definition"]["source"] |= {"commit": commit, "tree": tree}
        for title in ("source/worktree.pack",):
            parts.bundle["layers"].remove(parts.layer(title))
            parts.run["contents"] = [x for x in parts.run["contents"] if x["path"] != title]
        parts.replace("source/commit.pack", objects.pack())

    return change


def folder(name: bytes) -> Callable[[Objects], str]:
    """A tree with a folder of this name, and a hook in it."""

    def make(objects: Objects) -> str:
        hooks = objects.tree(
            ("100755", b"post-checkout", objects.blob(b"#!/bin/sh\ntouch /evil\n"))
        )
        return objects.tree(("40000", name, objects.tree(("40000", b"hooks", hooks))))

    return make


def modules(text: bytes) -> Callable[[Objects], str]:
    return lambda objects: objects.tree(("100644", b".gitmodules", objects.blob(text)))


def test_an_honest_pack_is_taken(store: Store, honest: Parts, tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    make = source(lambda objects: objects.tree(("100644", b"train.py", objects.blob())))
    file.write_bytes(packed(changed(honest, make).files()))
    assert importing.import_bundle(store, file).new


TREES: dict[str, Callable[[Objects], str]] = {
    "a folder .git with hooks": folder(b".git"),
    "a folder .GIT": folder(b".GIT"),
    "a folder git~1": folder(b"git~1"),
    "a folder .git with a blank": folder(b".git "),
    "a folder .git with what HFS ignores": folder(b".g\xe2\x80\x8cit"),
    "a folder ..": folder(b".."),
    "a folder .": folder(b"."),
    "a name with a slash": folder(b"a/../../b"),
    "no name": folder(b""),
    "a link .gitmodules": lambda objects: objects.tree(
        ("120000", b".gitmodules", objects.blob(b"/etc/passwd"))
    ),
    "a submodule with an option": modules(b'[submodule "x"]\n\tpath = x\n\turl = -u./evil\n'),
    "a submodule with an option for a path": modules(
        b'[submodule "x"]\n\tpath = -x\n\turl = http://example.org\n'
    ),
    "a submodule that climbs": modules(
        b'[submodule "../../hooks"]\n\tpath = x\n\turl = http://example.org\n'
    ),
    "a submodule with a line break": modules(
        b'[submodule "x"]\n\tpath = x\n\turl = "http://example.org/\\nhost=x"\n'
    ),
    "a file twice": lambda objects: objects.tree(
        ("100644", b"a", objects.blob()), ("120000", b"a", objects.blob(b"/etc"))
    ),
    "a tree that is no tree": lambda objects: objects.add("tree", b"nonsense"),
    "a tree of nobody": lambda objects: objects.tree(("40000", b"a", "1" * 40)),
    "a blob of nobody": lambda objects: objects.tree(("100644", b"a", "1" * 40)),
    "a tree that is a blob": lambda objects: objects.tree(("40000", b"a", objects.blob())),
}


@pytest.mark.parametrize("what", TREES)
def test_no_such_tree(store: Store, honest: Parts, what: str) -> None:
    refuses(store, packed(changed(honest, source(TREES[what])).files()), "")
    assert not Path("/evil").exists()


def unfolding(depth: int, width: int) -> Callable[[Objects], str]:
    """Trees that name each other: width ** depth files out of a pack of a few hundred bytes."""

    def make(objects: Objects) -> str:
        id = objects.tree(*(("100644", b"f%02d" % n, objects.blob()) for n in range(width)))
        for _ in range(depth):
            id = objects.tree(*(("40000", b"d%02d" % n, id) for n in range(width)))
        return id

    return make


def test_no_tree_that_unfolds_to_more_than_a_disk(store: Store, honest: Parts) -> None:
    content = packed(changed(honest, source(unfolding(9, 10))).files())
    assert len(content) < 400_000
    refuses(store, content, "unfolds to more files")


def test_no_tree_that_is_nested_too_deeply(store: Store, honest: Parts) -> None:
    refuses(store, packed(changed(honest, source(unfolding(1500, 1))).files()), "")


def test_no_blob_that_unfolds_to_more_than_there_is_room(tmp_path: Path) -> None:
    objects = Objects()
    big = objects.blob(bytes(5_000_000))
    tree = objects.tree(*(("100644", b"f%03d" % n, big) for n in range(100)))
    git = Git(tmp_path, {}).isolated()
    git.run("init", "-q", "--bare")
    (tmp_path / "x.pack").write_bytes(objects.pack())
    git.run("index-pack", "--stdin", stdin=tmp_path / "x.pack")
    assert gittrees.size_of_checkout(git, tree, 1 << 40) == 500_000_000
    with pytest.raises(Refused, match="unfolds"):
        gittrees.size_of_checkout(git, tree, 400_000_000)


@pytest.mark.parametrize("spoil", [0, 8, 20, 100, -30, -1])
def test_no_damaged_pack(store: Store, honest: Parts, spoil: int) -> None:
    digest = next(x["digest"] for x in honest.run["contents"] if "commit.pack" in x["path"])
    content = bytearray(honest.blobs[digest])
    content[spoil] ^= 0xFF
    parts = changed(honest, lambda parts: parts.replace("source/commit.pack", bytes(content)))
    refuses(store, packed(parts.files()), "git does not take")


@pytest.mark.parametrize("content", [b"", b"PACK", b"#!/bin/sh\ntouch /evil\n", b"\0" * 4096])
def test_no_pack_that_is_none(store: Store, honest: Parts, content: bytes) -> None:
    parts = changed(honest, lambda parts: parts.replace("source/commit.pack", content))
    refuses(store, packed(parts.files()), "git does not take")


def test_no_pack_that_belongs_to_nothing(store: Store, honest: Parts) -> None:
    def change(parts: Parts) -> None:
        title = "source/submodules/x/commit.pack"
        layer = parts.layer("source/commit.pack")
        notes = {"org.opencontainers.image.title": title, "org.repro.role": "source"}
        parts.bundle["layers"].append({**layer, "annotations": notes})
        item = next(x for x in parts.run["contents"] if x["path"] == "source/commit.pack")
        parts.run["contents"].append({**item, "path": title})

    refuses(store, packed(changed(honest, change).files()), "belongs to nothing")


def test_settings_of_the_bundle_run_nothing(
    store: Store, honest: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters, hooks and drivers are settings of git; of the bundle's only line endings count."""
    from repro import restoring
    from repro.project import standalone

    evil = tmp_path / "evil"
    parts = changed(
        honest,
        source(
            lambda objects: objects.tree(
                ("100644", b".gitattributes", objects.blob(b"* filter=x diff=x merge=x\n")),
                ("100644", b"train.py", objects.blob()),
            )
        ),
    )
    parts.run["definition"]["source"]["settings"] = {
        "core.autocrlf": f'true\n[filter "x"]\n\tsmudge = touch {evil}\n',
        "core.hooksPath": "hooks",
        "core.fsmonitor": f"touch {evil}",
        "filter.x.smudge": f"touch {evil}",
        "info/attributes": "* filter=x\n",
    }
    file = tmp_path / "x.tar"
    file.write_bytes(packed(parts.files()))
    done = importing.import_bundle(store, file)
    target = tmp_path / "restored"
    restoring.restore_source(standalone(store.project), done.run.manifest, target)
    config = (target / ".git" / "config").read_text()
    assert "filter" not in config and "hook" not in config.lower()
    assert not [path for path in (target / ".git").rglob("*") if "hooks" in path.parts[-2:]]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "status"], cwd=target, env=env, check=True, capture_output=True)
    assert not evil.exists()


def test_a_link_of_the_source_does_not_lead_the_environment_out(
    store: Store, honest: Parts, tmp_path: Path
) -> None:
    """`.venv` of a recording is a link in a replay; not through a link that leads elsewhere."""
    from repro import restoring
    from repro.project import standalone

    outside = tmp_path / "outside"
    outside.mkdir()
    parts = changed(
        honest,
        source(lambda objects: objects.tree(("120000", b"way", objects.blob(bytes(outside))))),
    )
    parts.run["provenance"] |= {"workspace": "/w", "prefix": "/w/way/.venv"}
    file = tmp_path / "x.tar"
    file.write_bytes(packed(parts.files()))
    manifest = importing.import_bundle(store, file).run.manifest
    target = tmp_path / "restored"
    restoring.restore_source(standalone(store.project), manifest, target)
    restoring.link_environment(manifest, target, "/opt/repro/venv")
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"requirements.txt", b"--find-links /root/.ssh\nnumpy\n"),
        (b"requirements.txt", b"--index-url file:///root/.ssh\nnumpy\n"),
        (b"uv.toml", b'find-links = ["../../../../../etc"]\n'),
        (b"uv.toml", b'[[index]]\nurl = "wheels"\nformat = "flat"\n'),
        (b"pyproject.toml", b'[[tool.poetry.source]]\nname = "x"\nurl = "/etc"\n'),
        (b"pyproject.toml", b"[tool.uv]\nindex-url = 5\nfind-links = [3]\n"),
        (b"pyproject.toml", b"tool = 5\n"),
        (b"uv.toml", b"index = 5\npip = 7\n"),
    ],
)
def test_the_source_gets_no_folder_of_this_machine_mounted(
    store: Store, honest: Parts, tmp_path: Path, name: bytes, content: bytes
) -> None:
    """A build mounts the folders of wheels that this host's settings name, never those of a bundle."""
    from repro import restoring
    from repro.bundles import carried
    from repro.environment import index
    from repro.project import standalone

    parts = changed(
        honest,
        source(
            lambda objects: objects.tree(
                ("100644", name, objects.blob(content)),
                ("120000", b"wheels", objects.blob(b"/etc")),
            )
        ),
    )
    file = tmp_path / "x.tar"
    file.write_bytes(packed(parts.files()))
    done = importing.import_bundle(store, file)
    target = tmp_path / "restored"
    restoring.restore_source(standalone(store.project), done.run.manifest, target)
    foreign = carried.is_foreign(store, done.run.id)
    assert foreign
    told = index.sources({"PIP_CONFIG_FILE": os.devnull}, projects=[target], foreign=foreign)
    assert told.mounts == () and told.local == ()
