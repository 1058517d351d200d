"""Which files differ between two recorded sources, from their packs alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.capturing.git import Git
from repro.capturing.source_content import GITLINK, read_tree
from repro.capturing.source_conversion import RAW
from repro.capturing.source_restore import COMMIT, WORKTREE, Part, parts, require, role, unpack
from repro.manifest import Source


@dataclass(frozen=True)
class Side:
    """A recorded source, and its packs by role."""

    source: Source
    packs: Mapping[str, Path]


@dataclass(frozen=True)
class FileDifference:
    """A file that differs. ``status``: A added, D deleted, M modified, T of another type."""

    path: str
    status: str
    added: int | None
    """Lines; None where the file is binary, or a repository of its own."""
    deleted: int | None


@dataclass(frozen=True)
class SourceDifference:
    """What side ``b`` has otherwise than side ``a``; empty files: the work trees are the same."""

    commits: tuple[str | None, str | None]
    files: tuple[FileDifference, ...]
    """By path."""
    settings: tuple[str, ...] = ()
    """Names of the checkout settings that differ: what git writes may then differ too."""

    @property
    def same(self) -> bool:
        return not self.files and not self.settings


def difference(a: Side, b: Side, scratch: Path) -> SourceDifference:
    """Compare two sources; ``scratch`` is an empty folder that the caller removes.

    Raises Unreplayable where the packs do not hold what they should.
    """
    scratch = scratch.resolve()
    names = a.source.settings.keys() | b.source.settings.keys()
    return SourceDifference(
        (a.source.commit, b.source.commit),
        tuple(sorted(_files(a, b, scratch), key=lambda item: item.path)),
        tuple(sorted(n for n in names if a.source.settings.get(n) != b.source.settings.get(n))),
    )


def _files(a: Side, b: Side, scratch: Path) -> Iterator[FileDifference]:
    mine = {part.path: part for part in parts(a.source)}
    theirs = {part.path: part for part in parts(b.source)}
    for path in sorted(mine.keys() | theirs.keys()):
        pair = (mine.get(path), theirs.get(path))
        if pair[0] and pair[1] and pair[0].tree == pair[1].tree:
            continue  # the id stands for the content
        yield from _compare(path, (a, b), pair, scratch / str(len(list(scratch.iterdir()))))


def _compare(
    path: str, sides: tuple[Side, Side], pair: tuple[Part | None, Part | None], folder: Path
) -> Iterator[FileDifference]:
    """One repository of the two sources; None: that side does not have it."""
    git = _repository(folder, sides[0].source.object_format)
    trees = []
    for side, part in zip(sides, pair):
        if part is None:
            trees.append(git.line("hash-object", "-t", "tree", "-w", os.devnull))
        else:
            trees.append(_tree(git, side, part, folder))
    prefix = f"{path}/" if path else ""
    words = ("-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
    fields = os.fsdecode(git.run("diff-tree", *words, *trees)).split("\0")[:-1]
    letters: dict[str, str] = {}
    repositories: set[str] = set()
    rest = iter(fields)
    for item in rest:
        if item.startswith(":"):
            before, after, _, _, letter = item[1:].split(" ")
            name = next(rest)
            letters[name] = letter
            if "160000" in (before, after):
                repositories.add(name)
            continue
        added, deleted, name = item.split("\t", 2)
        counted = added != "-" and name not in repositories
        yield FileDifference(
            prefix + name,
            letters[name],
            int(added) if counted else None,
            int(deleted) if counted else None,
        )


def _repository(folder: Path, object_format: str) -> Git:
    folder.mkdir()
    git = Git(folder, {"safe.directory": "*"}).isolated()
    git.run("init", "-q", "--bare", "--template=", f"--object-format={object_format}")
    return git


def _tree(git: Git, side: Side, part: Part, folder: Path) -> str:
    """The id of the side's tree, once its objects are there."""
    mine = side.source.object_format
    if git.line("rev-parse", "--show-object-format") != mine:
        other = _repository(folder / "other", mine)
        return _translated(git, other, _tree(other, side, part, folder), folder / "files")
    for name in (COMMIT, WORKTREE):
        if pack := side.packs.get(role(part.path, name)):
            unpack(git, pack, role(part.path, name))
    require(git, part)
    return part.tree


def _translated(git: Git, other: Git, tree: str, folder: Path) -> str:
    """The same tree in ``git``'s object format, by way of files; inner repositories left out."""
    folder.mkdir()
    for item in (git, other):
        info = item.folder / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(f"* {RAW}\n")
    env = {"GIT_WORK_TREE": os.fspath(folder), "GIT_INDEX_FILE": os.fspath(folder) + ".index"}
    there = other.using({"core.bare": "false"}, {**env, "GIT_DIR": os.fspath(other.folder)})
    there.run("read-tree", tree)
    there.run("checkout-index", "-a", "-q", f"--prefix={folder}/")
    Path(env["GIT_INDEX_FILE"]).unlink()
    here = git.using({"core.bare": "false"}, {**env, "GIT_DIR": os.fspath(git.folder)})
    paths = b"".join(
        os.fsencode(path) + b"\0"
        for path, entry in read_tree(other, tree).items()
        if entry.mode != GITLINK
    )
    here = Git(folder, here.settings, here.env)
    here.run("update-index", "--add", "-z", "--stdin", stdin=paths)
    return here.line("write-tree")
