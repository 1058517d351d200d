"""What an earlier run left in the work tree is a result, not source: taken out of a snapshot again.

Without this, recording the same thing twice would yield two definitions: the second snapshot would
hold the metrics file that the first run wrote.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from repro import globs
from repro.capturing.source import Snapshot, TreeEntry
from repro.capturing.source_repository import Repository


def find(
    snapshot: Snapshot, written: Collection[str], products: tuple[str, ...]
) -> tuple[str, ...]:
    """Paths of the snapshot that the run (which wrote ``written``) overwrote without their being source.

    Untracked files are, and tracked files with changes when ``products`` (globs) declares them results.
    """
    found = []
    inner = tuple(f"{item.path}/" for item in snapshot.repositories if item.path)
    for line in snapshot.changed:
        kind, _, path = line.partition(" ")
        if path.startswith(inner):
            continue  # what lies in a repository of its own stays part of its state
        if path in written and (kind == "??" or globs.any_matches(path, products)):
            found.append(path)
    return tuple(sorted(found))


def remove(snapshot: Snapshot, leftovers: Collection[str]) -> Snapshot:
    """The snapshot with these paths as the commit has them: gone, where it has them not."""
    top, *inner = snapshot.repositories
    committed = _committed(top, leftovers)
    nothing = f"0 {top.facts.nothing}"
    lines = [
        f"{f'{entry.mode} {entry.id}' if (entry := committed.get(path)) else nothing}\t{path}"
        for path in leftovers
    ]
    stdin = b"".join(line.encode("utf-8", "surrogateescape") + b"\0" for line in lines)
    top.git.run("update-index", "-z", "--index-info", stdin=stdin)
    tree = top.git.line("write-tree")
    return replace(
        snapshot,
        source=replace(snapshot.source, tree=tree),
        changed=tuple(item for item in snapshot.changed if item.partition(" ")[2] not in leftovers),
        repositories=(replace(top, tree=tree), *inner),
    )


def _committed(repository: Repository, paths: Collection[str]) -> dict[str, TreeEntry]:
    if not repository.head.commit:
        return {}
    out = repository.git.run("ls-tree", "-r", "-z", "--full-tree", repository.head.commit)
    entries = {}
    for line in out.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        description, _, path = line.partition("\t")
        if path in paths:
            mode, _, identity = description.split(" ")
            entries[path] = TreeEntry(mode, identity)
    return entries
