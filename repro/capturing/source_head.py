"""What a repository says of itself: where it lies, what is checked out, where it comes from."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing.git import Git
from repro.errors import NotFound, ReproError, UsageError


@dataclass(frozen=True)
class Facts:
    """What a repository says of itself."""

    folder: Path
    git_dir: Path
    objects: Path
    object_format: str
    config: Mapping[str, str] = field(repr=False)
    """Key to value, the last one where there are several. May hold credentials."""

    @property
    def empty_tree(self) -> str:
        return hashlib.new(self.object_format, b"tree 0\0").hexdigest()

    @property
    def nothing(self) -> str:
        """The id that stands for no object."""
        return "0" * len(self.empty_tree)


@dataclass(frozen=True)
class Head:
    """What is checked out."""

    commit: str | None
    tree: str
    branch: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] = ()
    at_remote: bool = False
    """A remote-tracking branch stands on this very commit."""


def look(folder: Path) -> Facts:
    """What git says of the repository whose work tree is ``folder``."""
    refuse_unwritable(folder)
    git = Git(folder)
    words = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--show-object-format")
    lines = os.fsdecode(git.run("rev-parse", *words)).splitlines()
    if len(lines) != len(words):
        raise ReproError(f"cannot read where the repository lies: {folder}")
    top, git_dir, common, object_format = lines
    if Path(top).resolve() != folder.resolve():
        raise NotFound(
            f"{folder} is not the top of a git work tree: git says {top}",
            "unset core.worktree, or run repro there",
        )
    config = {}
    for item in git.run("config", "--list", "-z").split(b"\0")[:-1]:
        key, has_value, value = item.partition(b"\n")
        config[os.fsdecode(key)] = os.fsdecode(value) if has_value else "true"
    objects = folder.joinpath(common).resolve() / "objects"
    return Facts(folder, Path(git_dir), objects, object_format, config)


def refuse_unwritable(folder: Path) -> None:
    """Raises UsageError where the folder's path cannot stand in a record: a replay has it again."""
    path = os.fspath(folder)
    if any("\ud800" <= character <= "\udfff" for character in path):
        raise UsageError(f"the path of the repository is no UTF-8: {path!r}", "rename the folder")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in path):
        raise UsageError(
            f"the path of the repository has a line break or another control character: {path!r}",
            "rename the folder",
        )


def is_repository(folder: Path) -> bool:
    """Whether something that looks like a repository starts in this folder; starts no process."""
    marker = folder / ".git"
    # the functions that never raise: what cannot be read is no repository
    return os.path.isfile(marker) or os.path.isfile(marker / "HEAD")  # noqa: PTH113


def read(git: Git, facts: Facts, commit: str | None, branch: str | None) -> Head:
    if commit is None:
        return Head(None, facts.empty_tree, branch)
    refs = [f"--decorate-refs={name}" for name in ("refs/tags", "refs/remotes")]
    form = "--format=%T%x00%D%x00%s"
    line = git.run("log", "-1", form, "--decorate=full", *refs, commit, "--").decode(
        "utf-8", "replace"
    )
    tree, names, subject = line.rstrip("\n").split("\0", 2)
    decorations = names.split(", ") if names else []
    prefix = "tag: refs/tags/"
    return Head(
        commit,
        tree,
        branch,
        subject,
        tuple(sorted(name[len(prefix) :] for name in decorations if name.startswith(prefix))),
        any(name.startswith("refs/remotes/") for name in decorations),
    )


def pushed(git: Git, head: Head, remotes: Mapping[str, str]) -> bool | None:
    if head.commit is None or not remotes:
        return None
    if head.at_remote or not git.run("rev-list", "-1", head.commit, "--not", "--remotes"):
        return True
    return False if git.run("for-each-ref", "--count=1", "refs/remotes") else None


_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*)://(?P<user>[^/?#]*)@")


def without_credentials(url: str) -> str:
    """The URL without user name, password and query; ``git@`` of ssh stays, it is no secret."""
    match = _AUTHORITY.search(url)
    if match:
        user = match["user"].partition(":")[0] + "@" if "ssh" in match["scheme"] else ""
        url = f"{url[: match.start()]}{match['scheme']}://{user}{url[match.end() :]}"
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    if re.match(r"[^/]*:[^/]*[^/\d][^/]*/.*@", rest) and not rest.startswith("["):
        # a password with a slash in it, which no client reads as one: still not ours to keep
        rest = rest.rpartition("@")[2]
    return f"{scheme}://{re.split('[?#]', rest, maxsplit=1)[0]}"


def remotes_of(config: Mapping[str, str]) -> dict[str, str]:
    return {
        key[len("remote.") : -len(".url")]: without_credentials(url)
        for key, url in sorted(config.items())
        if key.startswith("remote.") and key.endswith(".url") and url
    }
