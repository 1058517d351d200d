"""One git repository as it stands: recorded through a temporary index and object directory.

Only these copies are written to; the user's index, work tree, refs and objects stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing import source_conversion, source_head, source_index
from repro.capturing.git import Git
from repro.capturing.source_head import Facts, Head
from repro.capturing.source_index import Work
from repro.errors import NotFound
from repro.manifest import Finding


@dataclass(frozen=True)
class Repository:
    """A repository, recorded: its index and new objects lie in the scratch folder."""

    path: str
    """Within the workspace; empty for the workspace itself."""
    own: Path
    """Its part of the scratch folder."""
    facts: Facts
    git: Git = field(repr=False)
    """Sees the temporary index and objects."""
    head: Head
    tree: str
    settings: dict[str, str]
    converts: bool
    """Whether a checkout may write other bytes than the objects hold."""
    remotes: dict[str, str]
    pushed: bool | None
    changed: tuple[str, ...]
    skipped: tuple[str, ...]
    findings: tuple[Finding, ...]
    children: tuple[Repository, ...]


def record(path: str, folder: Path, scratch: Path, cap: int) -> Repository:
    """Record the repository whose work tree is ``folder``, and those inside it.

    ``scratch`` takes the temporary files; ``cap`` is the size in bytes above which an untracked
    file is left out. Raises NotFound where the folder is not the top of a repository.
    """
    facts = source_head.look(folder)
    own = scratch / str(len(list(scratch.iterdir())))
    git = source_index.apart(facts, own)
    children: dict[str, Repository] = {}

    def child_head(name: str) -> Head | None:
        inside = f"{path}/{name}" if path else name
        try:
            children[name] = record(inside, folder / name, scratch, cap)
        except NotFound:
            return None
        return children[name].head

    work = Work(facts, git, own, path, cap, child_head)
    entries = git.run("ls-files", "-s", "-v", "-z").split(b"\0")
    source_index.prepare_index(work, entries)
    commit, branch = source_index.read_status(work)
    head = source_head.read(git, facts, commit, branch)
    source_index.stage(work)
    settings = source_conversion.settings(facts.config)
    raw = source_conversion.find(
        git,
        facts,
        own,
        settings,
        _attribute_files(entries, work.untracked),
        work.touched | work.untracked,
    )
    if raw.entries:
        # conversion wrote them into the index already
        work.dirty = True
    if raw.attributes:
        settings["info/attributes"] = raw.attributes
    work.findings.extend(raw.findings)
    tree = source_index.write_tree(work) if work.dirty or commit is None else head.tree
    remotes = source_head.remotes_of(facts.config)
    return Repository(
        path=path,
        own=own,
        facts=facts,
        git=git,
        head=head,
        tree=tree,
        settings=settings,
        converts=raw.converts,
        remotes=remotes,
        pushed=source_head.pushed(git, head, remotes),
        changed=_changes(work, children, head.tree, tree, raw.unchanged | work.unseen),
        skipped=tuple(sorted(work.skipped)),
        findings=tuple(work.findings),
        children=tuple(children[name] for name in sorted(children)),
    )


def _attribute_files(entries: Sequence[bytes], untracked: Iterable[str]) -> list[str]:
    tracked = (os.fsdecode(e.partition(b"\t")[2]) for e in entries if e.endswith(b".gitattributes"))
    return [p for p in (*tracked, *untracked) if p.rpartition("/")[2] == ".gitattributes"]


def _changes(
    work: Work,
    children: Mapping[str, Repository],
    before: str,
    after: str,
    unchanged: Iterable[str],
) -> tuple[str, ...]:
    """``M path`` for each file that differs from the commit, those of inner repositories too."""
    passed_over = set(unchanged)
    found = [
        f"{'??' if letter == 'A' and path in work.untracked else letter} {path}"
        for letter, path in _tree_changes(work.git, before, after)
        if path not in passed_over
    ]
    found += [f"?? {path}" for path in work.untracked if path.endswith("/")]
    for name, child in children.items():
        for line in child.changed:
            letter, _, path = line.partition(" ")
            found.append(f"{letter} {name}/{path}")
    return tuple(sorted(found, key=lambda line: (line.partition(" ")[2], line)))


def _tree_changes(git: Git, before: str, after: str) -> Iterable[tuple[str, str]]:
    """Status letter and path of what differs between two trees."""
    if before == after:
        return
    words = ("-r", "-z", "--no-renames", "--name-status", "--ignore-submodules=none")
    fields = os.fsdecode(git.run("diff-tree", *words, before, after)).split("\0")
    yield from zip(fields[::2], fields[1::2])
