"""The source as git knows it: a snapshot of the work tree, packs that hold it, and its restore.

``snapshot`` records, ``pack`` writes what a restore needs, ``restore`` undoes both and proves it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import git, source_conversion, source_repository
from repro.capturing.source_content import TreeEntry, differing, read_tree
from repro.capturing.source_difference import FileDifference, Side, SourceDifference, difference
from repro.capturing.source_head import is_repository, without_credentials
from repro.capturing.source_repository import Repository
from repro.capturing.source_restore import COMMIT, WORKTREE, restore, role
from repro.errors import NotFound, ReproError
from repro.manifest import Finding, Severity, Source, Submodule

__all__ = [
    "FileDifference",
    "Pack",
    "Side",
    "Snapshot",
    "SourceDifference",
    "TreeEntry",
    "difference",
    "files",
    "find_workspace",
    "pack",
    "restore",
    "rewritten",
    "snapshot",
    "without_credentials",
]


@dataclass(frozen=True)
class Pack:
    """A git pack file. Its bytes are a pure function of ``key``."""

    role: str
    key: str
    path: Path | None
    """None: the caller said that it has the pack with this key."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The work tree as it was, inner repositories and all."""

    source: Source
    branch: str | None
    remotes: dict[str, str]
    """Name to URL, without credentials."""
    pushed: bool | None
    """Whether a remote-tracking branch holds the commit; None: nothing tells."""
    subject: str | None
    changed: tuple[str, ...]
    """``M path``, ``D path``, ``?? path``: what differs from the commit."""
    skipped: tuple[str, ...]
    """Untracked files that were left out for their size."""
    findings: tuple[Finding, ...]
    tags: tuple[str, ...]
    """Those that stand on the commit."""
    repositories: tuple[Repository, ...]
    """The workspace, and every repository inside it, by path; they live in the scratch folder."""


def find_workspace(start: Path) -> Path:
    """The top of the work tree that ``start`` lies in. Raises NotFound where there is none."""
    if not git.is_installed():
        raise git.missing()
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if is_repository(candidate):
            return candidate
        if all((candidate / name).exists() for name in ("HEAD", "objects", "refs")):
            raise ReproError(
                f"{candidate} is a bare repository: it has no work tree",
                "run repro in a clone of it",
            )
    raise NotFound(
        f"not a git repository: {start}",
        "repro records code as git knows it: git init && git add . && git commit",
    )


def snapshot(workspace: Path, scratch: Path, *, untracked_cap: int) -> Snapshot:
    """Record the work tree; untracked files larger than ``untracked_cap`` bytes are left out.

    ``scratch`` is an empty folder outside the workspace, for ``pack`` and ``rewritten`` as well;
    the caller removes it.
    """
    top = source_repository.record("", workspace.resolve(), scratch.resolve(), untracked_cap)
    repositories = tuple(_all(top))
    return Snapshot(
        source=Source(
            commit=top.head.commit,
            tree=top.tree,
            object_format=top.facts.object_format,
            submodules=tuple(
                Submodule(item.path, item.head.commit, item.tree) for item in repositories[1:]
            ),
            settings=_settings(repositories),
        ),
        branch=top.head.branch,
        remotes=top.remotes,
        pushed=top.pushed,
        subject=top.head.subject,
        changed=top.changed,
        skipped=(skipped := _skipped(repositories)),
        findings=(*(f for item in repositories for f in item.findings), *_too_large(skipped)),
        tags=top.head.tags,
        repositories=repositories,
    )


def _all(repository: Repository) -> Iterator[Repository]:
    """Itself and those inside, so that sorting by path puts the outer before the inner."""
    yield repository
    for child in repository.children:
        yield from _all(child)


def _settings(repositories: tuple[Repository, ...]) -> dict[str, str]:
    top = repositories[0].settings
    return {
        **top,
        **{
            f"submodule.{item.path}.{name}": value
            for item in repositories[1:]
            for name, value in item.settings.items()
        },
    }


def _skipped(repositories: tuple[Repository, ...]) -> tuple[str, ...]:
    return tuple(
        f"{item.path}/{path}" if item.path else path
        for item in repositories
        for path in item.skipped
    )


def _too_large(skipped: tuple[str, ...]) -> Iterator[Finding]:
    if skipped:
        yield Finding(
            Severity.BREAKS,
            "source",
            f"untracked and too large, left out of the source: {source_conversion.listed(skipped)}",
            "dvc add it, ignore it in .gitignore, or raise untracked_cap in repro.yaml",
        )


# --- packs ------------------------------------------------------------------------------------


def pack(
    snapshot: Snapshot, workspace: Path, scratch: Path, known: Callable[[str], bool]
) -> tuple[Pack, ...]:
    """The packs that a restore needs, written into the ``scratch`` of the snapshot."""
    folder = scratch.resolve() / "packs"
    folder.mkdir(exist_ok=True)
    packs = []
    for item in snapshot.repositories:
        commit, tree, before = item.head.commit, item.tree, item.head.tree
        if commit:
            wanted = ["--no-walk", commit]
            name = role(item.path, COMMIT)
            packs.append(_pack(item, name, f"commit {commit}", wanted, folder, known))
        # the id of an empty tree needs no object: git has it built in
        if tree != before:
            wanted = [tree, *((f"^{before}",) if commit else ())]
            name = role(item.path, WORKTREE)
            packs.append(_pack(item, name, f"tree {before} {tree}", wanted, folder, known))
    return tuple(packs)


def _pack(
    repository: Repository,
    role: str,
    key: str,
    wanted: list[str],
    folder: Path,
    known: Callable[[str], bool],
) -> Pack:
    if known(key):
        return Pack(role, key, None)
    objects, missing = _objects(repository, wanted)
    # nothing is taken over from the user's packs: how these were packed must not show in the bytes
    words = ("--no-reuse-delta", "--no-reuse-object", "--threads=1", "--window=0", "-q")
    base = folder / str(len(list(folder.iterdir())))
    out = repository.git.line(
        "pack-objects", *words, "--compression=1", os.fspath(base), stdin=objects
    )
    findings: tuple[Finding, ...] = ()
    if missing:
        key = f"{key} without {hashlib.sha256(b''.join(missing)).hexdigest()}"
        findings = (_incomplete(repository, {os.fsdecode(line[1:].strip()) for line in missing}),)
    return Pack(role, key, Path(f"{base}-{out}.pack"), findings)


def _objects(repository: Repository, wanted: list[str]) -> tuple[bytes, list[bytes]]:
    """What to pack, as ``pack-objects`` reads it; and the ids that the repository lacks."""
    words = ("--objects", "--missing=print")
    out = repository.git.run("rev-list", *words, *wanted, "--")
    lines = out.splitlines(keepends=True)
    missing = [line for line in lines if line.startswith(b"?")]
    return b"".join(line for line in lines if not line.startswith(b"?")), missing


def _incomplete(repository: Repository, missing: set[str]) -> Finding:
    where = repository.path or "the repository"
    used = missing & {entry.id for entry in read_tree(repository.git, repository.tree).values()}
    if not used and repository.tree != repository.head.tree:
        return Finding(
            Severity.NOTE,
            "source",
            f"{where} is a partial clone without {len(missing)} objects of its commit, which the"
            " work tree does not use",
            "git fetch --refetch",
        )
    return Finding(
        Severity.BREAKS,
        "source",
        f"{where} lacks {len(missing)} objects of its own commit: a replay cannot restore it",
        "it is a partial or damaged clone: git fetch --refetch, or git fsck",
    )


# --- after the run ----------------------------------------------------------------------------


def files(snapshot: Snapshot) -> dict[str, TreeEntry]:
    """Every file of the snapshot, by path within the workspace; needs its scratch folder."""
    return {
        f"{item.path}/{path}" if item.path else path: entry
        for item in snapshot.repositories
        for path, entry in read_tree(item.git, item.tree).items()
    }


def rewritten(snapshot: Snapshot, paths: Collection[str]) -> tuple[str, ...]:
    """Which of these paths the snapshot holds otherwise than the disk does now.

    ``paths`` is what may have been written or deleted since; those that are not in the snapshot are
    passed over.
    """
    changed: list[str] = []
    for item in snapshot.repositories:
        prefix = f"{item.path}/" if item.path else ""
        names = {path[len(prefix) :] for path in paths if path.startswith(prefix)}
        entries = read_tree(item.git, item.tree) if names else {}
        mine = {path: entries[path] for path in names & entries.keys()}
        plain = source_conversion.plain(item.git, item.facts, item.own, item.settings)
        with tempfile.TemporaryDirectory(dir=item.own) as folder:
            found = differing(
                item.facts.folder,
                mine,
                item.facts.object_format,
                plain,
                Path(folder) / "written",
                converts=item.converts,
            )
        changed.extend(prefix + path for path in found)
    return tuple(sorted(changed))
