"""What lies at a path, by mode and content, compared with what a git tree says of it."""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.canonical import CHUNK
from repro.capturing.git import Git

FILE = "100644"
EXECUTABLE = "100755"
LINK = "120000"
GITLINK = "160000"


@dataclass(frozen=True)
class TreeEntry:
    """What a tree holds at a path. ``mode`` as git writes it: 100644, 100755, 120000, 160000."""

    mode: str
    id: str


def read_tree(git: Git, tree: str) -> dict[str, TreeEntry]:
    """Path to entry, of everything in the tree but the folders themselves."""
    entries = {}
    for line in os.fsdecode(git.run("ls-tree", "-r", "-z", "--full-tree", tree)).split("\0")[:-1]:
        description, _, path = line.partition("\t")
        mode, _, id = description.split(" ")
        entries[path] = TreeEntry(mode, id)
    return entries


def on_disk(top: Path, path: str) -> os.stat_result | None:
    """What lies at this path; None where nothing does, or only beyond a symbolic link."""
    parts = path.split("/")
    folder = os.fspath(top)
    try:
        for part in parts[:-1]:
            folder = f"{folder}/{part}"
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                return None
        return os.lstat(f"{folder}/{parts[-1]}")
    except (FileNotFoundError, NotADirectoryError):
        return None


def differing(
    top: Path,
    entries: Mapping[str, TreeEntry],
    object_format: str,
    plain: Git,
    scratch: Path,
    *,
    converts: bool,
) -> list[str]:
    """The paths where not that lies on disk which a checkout writes for the entry. Sorted.

    Every file is read. ``plain`` is git as a restore runs it, with an index that holds the entries;
    ``scratch`` is a folder that does not exist, for what a checkout converts. ``converts``: it may,
    and then the object's own bytes can be wrong as well.
    """
    unlike = {path for path in entries if not _is(top, path, entries[path], object_format)}
    asked = entries if converts else unlike
    convertible = {p: entries[p] for p in asked if _may_be_converted(top, p, entries[p])}
    otherwise = written_otherwise(plain, convertible, top, scratch) if convertible else []
    return sorted((unlike - convertible.keys()) | set(otherwise))


def written_otherwise(
    plain: Git, entries: Mapping[str, TreeEntry], top: Path, target: Path
) -> list[str]:
    """The paths that a checkout writes with other bytes than they have below ``top``.

    ``target`` is a folder that does not exist, for those that git has to write in order to tell.
    """
    # cat-file sees no attributes but those on disk: a sparse checkout may have left some out
    sparse = any(not os.path.lexists(top / path) for path in _attribute_files(plain))
    piped, apart, size = {}, [], 0
    for path, entry in entries.items():
        status = on_disk(top, path)
        size += status.st_size if status else 0
        if sparse or "\n" in path or path[:1] in " \t" or size > IN_MEMORY:
            apart.append(path)
        else:
            piped[path] = entry.id
    otherwise = _otherwise_by_pipe(plain, piped, top) if piped else set()
    if apart:
        otherwise |= _otherwise_by_checkout(plain, apart, top, target)
    return [path for path in entries if path in otherwise]


IN_MEMORY = 1 << 27
"""Bytes of content that git is asked for in one go."""


def _attribute_files(plain: Git) -> list[str]:
    out = plain.run("ls-files", "-z", "--", ":(glob)**/.gitattributes")
    return os.fsdecode(out).split("\0")[:-1]


def _otherwise_by_pipe(plain: Git, ids: Mapping[str, str], top: Path) -> set[str]:
    # with filters git states the size before them, so something else has to tell where one ends
    mark = secrets.token_hex(16)
    stdin = b"".join(os.fsencode(f"{id} {path}\n") for path, id in ids.items())
    output = plain.attempt("cat-file", "--filters", f"--batch={mark} %(objectname)", stdin=stdin)
    parts = iter(output.stdout.split(f"{mark} ".encode())[1:])
    otherwise = _not_encoded(output.stderr)
    part = next(parts, b"")
    for path, id in ids.items():
        found, _, content = part.partition(b"\n")
        if found != id.encode():
            otherwise.add(path)  # an object that is not there
            continue
        if not _holds(top / path, content[:-1]):
            otherwise.add(path)
        part = next(parts, b"")
    return otherwise


def _otherwise_by_checkout(plain: Git, paths: list[str], top: Path, target: Path) -> set[str]:
    stdin = b"".join(os.fsencode(path) + b"\0" for path in paths)
    words = ("checkout-index", "-f", "-q", "-z", "--stdin", f"--prefix={target}/")
    output = plain.attempt(*words, stdin=stdin)
    return _not_encoded(output.stderr) | {
        path for path in paths if not _same_bytes(top / path, target / path)
    }


def _not_encoded(said: str) -> set[str]:
    """What git cannot encode it writes as it is; on another machine it may be able to."""
    return set(re.findall("failed to encode '(.*)' from", said))


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _same_bytes(a: Path, b: Path) -> bool:
    return a.is_file() and b.is_file() and filecmp.cmp(a, b, shallow=False)


def _may_be_converted(top: Path, path: str, entry: TreeEntry) -> bool:
    status = on_disk(top, path)
    return status is not None and entry.mode in (FILE, EXECUTABLE) and _mode(status) == entry.mode


def _is(top: Path, path: str, entry: TreeEntry, object_format: str) -> bool:
    status = on_disk(top, path)
    if status is None:
        return False
    if entry.mode == GITLINK:
        return stat.S_ISDIR(status.st_mode)
    return _mode(status) == entry.mode and _id(top / path, status, object_format) == entry.id


def _mode(status: os.stat_result) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return LINK
    if not stat.S_ISREG(status.st_mode):
        return None
    return EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE


def _id(path: Path, status: os.stat_result, object_format: str) -> str:
    """The id that git would give this content as it is, computed without git."""
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(path))  # noqa: PTH115
        return hashlib.new(object_format, b"blob %d\0%b" % (len(target), target)).hexdigest()
    state = hashlib.new(object_format, b"blob %d\0" % status.st_size)
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()
