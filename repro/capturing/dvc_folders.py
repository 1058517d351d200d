"""Folders as DVC sees them: which files count, what their listing is, where objects lie."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import posixpath
import re
import stat as modes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from pathlib import Path

from repro.errors import Corrupt, ReproError

WORTH_LISTING = 8
"""Objects wanted of one of a store's 256 folders, from which on the folder is listed."""

Ignored = Callable[[str, bool], bool]
"""(absolute path, is a folder) -> whether DVC leaves it out."""


@dataclass(frozen=True)
class Found:
    """What lies in a folder: regular files with their ``os.stat``, by path relative to it."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    """What DVC does not track: links to folders, broken links, pipes and sockets."""

    @property
    def size(self) -> int:
        return sum(stat.st_size for stat in self.files.values())


def walk(folder: str, ignored: Ignored | None = None) -> Found:
    """All files below an absolute folder. Links to files are followed, links to folders are not."""
    files: dict[str, os.stat_result] = {}
    odd: list[str] = []
    pending = [("", folder)]
    while pending:
        prefix, path = pending.pop()
        try:
            entries = list(os.scandir(path))
        except OSError as error:
            raise ReproError(f"cannot read {path}: {error.strerror}", "make it readable") from error
        for entry in entries:
            name = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if ignored is not None and ignored(entry.path, is_folder):
                continue
            if is_folder:
                pending.append((f"{name}/", entry.path))
                continue
            try:
                stat = entry.stat()
            except OSError:
                odd.append(name)
                continue
            if modes.S_ISREG(stat.st_mode):
                files[name] = stat
            else:
                odd.append(name)
    return Found(files, tuple(sorted(odd)))


def listing(digests: Mapping[str, str]) -> bytes:
    """The bytes that DVC keeps as a folder's ``.dir`` object, from md5 by relative path."""
    # json.dumps(…, sort_keys=True) of a list of mappings, at a fifth of its time
    lines = (
        f'{{"md5": "{digests[name]}", "relpath": {encode_basestring_ascii(name)}}}'
        for name in sorted(digests)
    )
    return f"[{', '.join(lines)}]".encode("ascii")


def listing_hash(content: bytes) -> str:
    """The folder's hash: ``<md5 hex>.dir``."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def parse_listing(content: bytes, name: str) -> dict[str, str]:
    """md5 by relative path. Raises Corrupt where it is no listing, or one that leads elsewhere."""
    try:
        found = {str(entry["relpath"]): str(entry["md5"]) for entry in json.loads(content)}
    except (ValueError, TypeError, KeyError) as error:
        raise Corrupt(f"the listing of {name} is not one that DVC writes") from error
    for path, md5 in found.items():
        check_relative(path, name)
        check_md5(md5, name)
    return found


def check_md5(text: str, name: str) -> None:
    """Raises Corrupt for what is no md5: objects lie at paths made of it."""
    if not _MD5.fullmatch(text):
        raise Corrupt(f"{name} has a hash that is no md5: {text!r}")


_MD5 = re.compile("[0-9a-f]{32}")


def check_relative(path: str, name: str) -> None:
    """Raises Corrupt for a path that could lead out of its folder."""
    if "\0" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise Corrupt(f"{name} names a file outside of itself: {path!r}")


@dataclass(frozen=True)
class Place:
    """A folder of objects by hash: DVC's cache, or a remote that is a folder."""

    root: str

    def candidates(self, oid: str) -> tuple[str, str]:
        """Where an object can be: as DVC 3 keeps it, and as DVC 2 did."""
        tail = f"{oid[:2]}/{oid[2:]}"
        return f"{self.root}/files/md5/{tail}", f"{self.root}/{tail}"

    def find(self, oid: str, size: int | None = None) -> str | None:
        """The object's path; None where there is none, or none of that size (a truncated copy)."""
        for path in self.candidates(oid):
            try:
                stat = os.stat(path)  # noqa: PTH116  asked 10,000 times
            except OSError:
                continue
            if modes.S_ISREG(stat.st_mode) and (size is None or stat.st_size == size):
                return path
        return None

    def missing(self, sizes: Iterable[tuple[str, int | None]]) -> set[str]:
        """Those of the objects, (hash, size), that are not here."""
        stat = os.stat
        prefix = f"{self.root}/files/md5/"
        missing = set()
        for oid, size in sizes:
            # the usual case without a call: this loop is most of what a warm snapshot costs
            try:
                if stat(f"{prefix}{oid[:2]}/{oid[2:]}").st_size == size:
                    continue
            except OSError:
                pass
            if self.find(oid, size) is None:
                missing.add(oid)
        return missing

    def missing_names(self, oids: Iterable[str]) -> set[str]:
        """Those of the objects that are not here, by name alone.

        A remote is often a network mount, where a question for each of 10,000 objects takes
        seconds, and listing 256 folders does not.
        """
        shards: dict[str, set[str]] = {}
        for oid in oids:
            shards.setdefault(oid[:2], set()).add(oid[2:])
        missing: set[str] = set()
        for prefix, wanted in shards.items():
            if len(wanted) >= WORTH_LISTING:
                with contextlib.suppress(OSError):
                    names = os.listdir(f"{self.root}/files/md5/{prefix}")  # noqa: PTH208
                    wanted = wanted.difference(names)
            missing.update(prefix + rest for rest in wanted if self.find(prefix + rest) is None)
        return missing


class Ignores:
    """The patterns of a repository's ``.dvcignore`` files; callable as ``Ignored``.

    As git does it: the last pattern that matches decides, a deeper file over one above it. What
    lies below an ignored folder is never asked for.
    """

    def __init__(self, root: str, files: Iterable[str]) -> None:
        """``root``: of the DVC repository, absolute; ``files``: absolute paths."""
        from pathspec import GitIgnoreSpec  # 20 ms, and few projects have patterns

        lines_of = ((path, Path(path).read_text("utf-8", "replace")) for path in files)
        self._specs = [
            (posixpath.dirname(path) + "/", GitIgnoreSpec.from_lines(content.splitlines()))
            for path, content in sorted(lines_of, key=lambda item: (item[0].count("/"), item[0]))
        ]

    def __call__(self, path: str, is_folder: bool) -> bool:
        result = False
        for folder, spec in self._specs:
            if path.startswith(folder):
                name = path[len(folder) :] + ("/" if is_folder else "")
                include = spec.check_file(name).include
                result = result if include is None else include
        return result


def ignores(root: str, files: Iterable[str]) -> Ignores | None:
    """The repository's patterns; None where no ``.dvcignore`` has any."""
    named = [path for path in files if _has_patterns(path)]
    return Ignores(root, named) if named else None


def _has_patterns(path: str) -> bool:
    lines = Path(path).read_text("utf-8", "replace").splitlines()
    return any(line.strip() and not line.startswith("#") for line in lines)
