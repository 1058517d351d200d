"""Are the git packs of a bundle ones that git takes? Looked at in a repository of their own.

The bundle brings objects and nothing else: no hooks, no settings, no references. git hashes each object,
and refuses trees that reach out of the work tree, links and submodules with names that do harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repro.bundles import gittrees
from repro.bundles.refusing import refused
from repro.capturing.git import Git, GitFailed
from repro.capturing.source_restore import COMMIT, WORKTREE, Part, parts, require, role
from repro.errors import ReproError
from repro.manifest import Source
from repro.strict_json import shown

_OLD = ("zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone", "missingNameBeforeEmail")
"""What old tools wrote into commits that are honest; none of it changes what is checked out."""


_BOUNDS = {"core.bigFileThreshold": "64m", "core.maxTreeDepth": "512"}
_ALLOCATION = "1g"
"""The most that git may ask of memory in one go: content beyond the threshold passes as a stream."""


def check(source: Source, packs: Mapping[str, Path], scratch: Path, room: int) -> None:
    """Index the packs in ``scratch``, an empty folder, and see that they hold what the source names.

    ``packs``: files by role. ``room``: bytes that a checkout may take. Raises Refused.
    """
    known: set[str] = set()
    for number, part in enumerate(parts(source)):
        folder = scratch / str(number)
        folder.mkdir()
        git = Git(folder, {"safe.directory": "*", **_BOUNDS}).isolated()
        git = git.using(env={"GIT_ALLOC_LIMIT": _ALLOCATION})
        git.run("init", "-q", "--bare", "--template=", f"--object-format={_format(source)}")
        if part.commit:
            # its history is not in the pack, which is no damage
            (folder / "shallow").write_text(f"{_id(source, part.commit)}\n", "ascii")
        for name in (role(part.path, COMMIT), role(part.path, WORKTREE)):
            known.add(name)
            if name in packs:
                _index(git, packs[name], name)
        _id(source, part.tree)
        try:
            require(git, part)
        except ReproError as error:
            raise refused(str(error)) from None
        for tree in _trees_of(git, part):
            room -= gittrees.size_of_checkout(git, tree, room)
    if extra := sorted(packs.keys() - known):
        raise refused(f"it has a pack that belongs to nothing: {shown(extra[0])}")


def _trees_of(git: Git, part: Part) -> set[str]:
    """The recorded tree, and the commit's own: a kept workspace may be reset to it."""
    trees = {part.tree}
    if part.commit:
        trees.add(git.line("rev-parse", f"{part.commit}^{{tree}}"))
    return trees


def _index(git: Git, pack: Path, name: str) -> None:
    strict = "--strict=" + ",".join(f"{item}=ignore" for item in _OLD)
    try:
        git.run("index-pack", "--stdin", strict, "--threads=1", stdin=pack)
    except (GitFailed, OSError) as error:
        raise refused(f"git does not take its {shown(name)}: {_last(error)}") from None


def _last(error: Exception) -> str:
    lines = getattr(error, "stderr", str(error)).strip().splitlines()
    return shown(lines[0] if lines else str(error)).strip("'\"")


def _format(source: Source) -> str:
    if source.object_format not in ("sha1", "sha256"):
        raise refused(f"its source has the object format {shown(source.object_format)}")
    return source.object_format


def _id(source: Source, id: str) -> str:
    length = 40 if source.object_format == "sha1" else 64
    if len(id) != length or not set(id) <= set("0123456789abcdef"):
        raise refused(f"its source names something that is no git object: {shown(id)}")
    return id
