"""How much a checkout of a tree would write, told without writing it.

Trees that name each other many times over unfold a pack of a few hundred bytes to more files than any
disk holds. Each tree is looked at once here, however often it is named.
"""

from __future__ import annotations

from dataclasses import dataclass

from repro.bundles.refusing import refused
from repro.capturing.git import Git

MOST_FILES = 10_000_000
MOST_TREES = 1 << 29
"""Bytes of all trees together, which are read into memory."""
DEEPEST = 512
SMALLEST = 512
"""Bytes that an empty file counts: it takes an inode all the same."""


@dataclass(frozen=True)
class _Extent:
    files: int
    size: int
    depth: int


def size_of_checkout(git: Git, tree: str, room: int) -> int:
    """Bytes of the files that a checkout writes. Raises Refused where they are more than ``room``, too
    many, or nested too deeply."""
    sizes, kinds = _objects(git)
    if sum(sizes[id] for id in sizes if kinds[id] == "tree") > MOST_TREES:
        raise refused("the trees of its source are too large")
    trees = _trees(git, [id for id in kinds if kinds[id] == "tree"])
    extents: dict[str, _Extent] = {}
    pending = [tree]
    while pending:
        id = pending[-1]
        folders = [child for mode, child in trees.get(id, ()) if mode == b"40000"]
        lacking = {child for child in folders if child not in extents and child in trees}
        if lacking and id not in extents:
            pending += lacking
            continue
        pending.pop()
        extents[id] = _extent(trees.get(id, ()), extents, sizes)
        if extents[id].depth > DEEPEST:
            raise refused("the folders of its source are nested too deeply")
        if extents[id].files > MOST_FILES or extents[id].size > room:
            raise refused("its source unfolds to more files than the disk can hold")
    return extents[tree].size


def _extent(
    entries: list[tuple[bytes, str]] | tuple[()], extents: dict[str, _Extent], sizes: dict[str, int]
) -> _Extent:
    folders = [extents[id] for mode, id in entries if mode == b"40000" and id in extents]
    files = [id for mode, id in entries if mode not in (b"40000", b"160000")]
    return _Extent(
        len(entries) + sum(item.files for item in folders),
        sum(max(sizes.get(id, 0), SMALLEST) for id in files) + sum(item.size for item in folders),
        1 + max((item.depth for item in folders), default=0),
    )


def _objects(git: Git) -> tuple[dict[str, int], dict[str, str]]:
    """Size and kind of every object of the repository, by id."""
    form = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    lines = git.run("cat-file", "--batch-all-objects", "--unordered", form).decode().splitlines()
    rows = [line.split(" ") for line in lines]
    return {row[0]: int(row[2]) for row in rows}, {row[0]: row[1] for row in rows}


def _trees(git: Git, ids: list[str]) -> dict[str, list[tuple[bytes, str]]]:
    """Mode and id of every entry, by the tree's id."""
    out = git.run("cat-file", "--batch", stdin="".join(f"{id}\n" for id in ids).encode())
    found, position = {}, 0
    for id in ids:
        end = out.index(b"\n", position)
        size = int(out[position:end].rsplit(b" ", 1)[1])
        found[id] = _entries(out[end + 1 : end + 1 + size], len(id) // 2)
        position = end + 1 + size + 1
    return found


def _entries(content: bytes, length: int) -> list[tuple[bytes, str]]:
    entries, position = [], 0
    while position < len(content):
        mode, _, _ = content[position : content.index(b"\0", position)].partition(b" ")
        start = content.index(b"\0", position) + 1
        entries.append((mode.lstrip(b"0"), content[start : start + length].hex()))
        position = start + length
    return entries
