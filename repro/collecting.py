"""What the store holds, what of it nothing refers to any more, and the removal of that.

A blob is kept when its digest stands anywhere in a manifest, a replay record or a list of what a bundle
brought, whether that document is whole or not: what is damaged may be mended, what is removed is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from repro import sessions
from repro.progress import SILENT, Progress
from repro.store import Store, remove_tree

_REFERRING = ("runs", "replays", "carried")
_DIGEST = re.compile(rb"sha256:([0-9a-f]{64})")
_LISTING = 4 * 1000**2
"""Bytes up to which a blob that looks like JSON is looked into: it may name further blobs."""
_HALF_WRITTEN = re.compile(r"\.(?:writing|pending)-")


@dataclass(frozen=True)
class Held:
    """One kind of thing in the store."""

    kind: str
    count: int
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Garbage:
    """Something that nothing refers to, or that can be made again."""

    path: Path
    size: int
    kind: str


@dataclass(frozen=True)
class Inventory:
    """All of it. ``garbage`` is not part of ``held``."""

    held: tuple[Held, ...]
    garbage: tuple[Garbage, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that removing the garbage would free."""
        return sum(item.size for item in self.garbage)


@dataclass
class _Survey:
    counts: dict[str, list[int]] = field(default_factory=dict)
    garbage: list[Garbage] = field(default_factory=list)

    def hold(self, kind: str, path: Path) -> None:
        sizes = _size(path)
        self.counts.setdefault(kind, []).append(sizes)

    def waste(self, kind: str, path: Path) -> None:
        self.garbage.append(Garbage(path, _size(path), kind))


def survey(store: Store, *, cache: bool = False) -> Inventory:
    """What is there; ``cache``: what can be made again counts as garbage too. Changes nothing."""
    found = _Survey()
    runs = store.run_ids()
    _documents(store, runs, found)
    referred = _referred(store)
    for path in _files(store.root / "blobs" / "sha256"):
        if _HALF_WRITTEN.match(path.name):
            found.waste("half-written", path)
        elif path.name in referred:
            found.hold("blobs", path)
        else:
            found.waste("blobs that nothing refers to", path)
    for path in _files(store.root / "blobs"):
        found.waste("half-written", path)
    _rest(store, found, cache=cache)
    held = tuple(Held(kind, len(sizes), sum(sizes)) for kind, sizes in found.counts.items())
    return Inventory(held, tuple(found.garbage))


def collect(store: Store, *, cache: bool = False, progress: Progress = SILENT) -> Inventory:
    """Remove the garbage; what was removed, and what stays.

    Raises Busy while another command is at work in this store: what it has just stored is named by no
    document yet.
    """
    with sessions.alone(store):
        found = survey(store, cache=cache)
        for kind in dict.fromkeys(item.kind for item in found.garbage):
            progress.step(f"removing {kind}")
            for item in found.garbage:
                if item.kind != kind:
                    continue
                if item.path.is_dir() and not item.path.is_symlink():
                    remove_tree(item.path)
                else:
                    item.path.unlink(missing_ok=True)
    return found


def _documents(store: Store, runs: frozenset[str], found: _Survey) -> None:
    for path in _files(store.root / "runs"):
        if _HALF_WRITTEN.match(path.name):
            found.waste("half-written", path)
        else:
            found.hold("runs", path)
    for name, run in store.names().items():
        path = store.root / "names" / name
        if run in runs:
            found.hold("names", path)
        else:
            found.waste("names of runs that are gone", path)
    for kind, folder in (
        ("replays", "replays"),
        ("signatures", "signatures"),
        ("lists of what bundles brought", "carried"),
    ):
        for path in _entries(store.root / folder):
            if path.name.startswith("."):
                found.waste("half-written", path)
            elif path.name in runs:
                for item in _entries(path) if path.is_dir() else (path,):
                    found.hold(kind, item)
            else:
                found.waste(f"{kind} of runs that are gone", path)


def _rest(store: Store, found: _Survey, *, cache: bool) -> None:
    for path in _entries(store.root / "cache"):
        if cache:
            found.waste("cache", path)
        else:
            found.hold("cache", path)
    for path in _entries(store.root / "tmp"):
        # others are living sessions, or abandoned ones, which every command removes
        if (path / "kept").exists():
            found.hold("workspaces kept by --keep", path)


def _referred(store: Store) -> frozenset[str]:
    """Digests, without ``sha256:``, that any document names, or a blob that one names."""
    runs = store.run_ids()
    known: set[str] = set()
    pending: list[Path] = []
    for folder in _REFERRING:
        for path in _entries(store.root / folder):
            if folder == "runs" or path.name in runs:
                pending += _entries(path) if path.is_dir() else [path]
    while pending:
        path = pending.pop()
        for digest in _digests(path):
            if digest not in known:
                known.add(digest)
                pending.append(store.root / "blobs" / "sha256" / digest)
    return frozenset(known)


def _digests(path: Path) -> Iterator[str]:
    """Of a document, or of a blob that is small and looks like one."""
    try:
        is_blob = path.parent.name == "sha256"
        if not path.is_file():
            return  # a pipe would be waited for
        if is_blob and path.stat().st_size > _LISTING:
            return
        content = path.read_bytes()
    except OSError:
        return
    if is_blob and content.lstrip()[:1] != b"{":
        return
    for match in _DIGEST.finditer(content):
        yield match[1].decode()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _entries(folder) if path.is_file())


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from sorted(folder.iterdir())


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    total = 0
    if not path.is_dir() or path.is_symlink():
        with contextlib.suppress(OSError):
            total = path.lstat().st_size
    else:
        for folder, _, names in os.walk(path):
            for name in names:
                with contextlib.suppress(OSError):
                    total += Path(folder, name).lstat().st_size
    return total
