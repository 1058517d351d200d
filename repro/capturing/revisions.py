"""What this clone of the repository knows: its git folder, its revisions, its history."""

from __future__ import annotations

import os
from pathlib import Path

from repro.capturing.git import Git


def git_folder(workspace: Path) -> Path:
    """The repository's git folder, shared by its linked work trees."""
    folder = workspace / ".git"
    if folder.is_file():
        text = folder.read_text("utf-8", "surrogateescape").partition("gitdir:")[2].strip()
        folder = (workspace / text).resolve()
        if (folder / "commondir").is_file():
            folder = (folder / (folder / "commondir").read_text("utf-8").strip()).resolve()
    return folder


def commit_of(workspace: Path, revision: str) -> str | None:
    """The commit that a git revision means here; None where it means none."""
    output = Git(workspace).attempt(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return (
        output.stdout.decode("ascii", "replace").strip() or None if not output.exit_code else None
    )


def commits_between(workspace: Path, one: str | None, other: str | None) -> tuple[str, ...]:
    """``<id> <subject>`` of the commits that only one side has, newest first; ``-`` marks those of the
    first. Empty where this clone does not know both commits."""
    if one is None or other is None or one == other:
        return ()
    output = Git(workspace).attempt(
        "log", "--left-right", "--format=%m %h %s", "--max-count=50", f"{one}...{other}", "--"
    )
    if output.exit_code:
        return ()
    lines = output.stdout.decode("utf-8", "replace").splitlines()
    return tuple(("-" if line.startswith("<") else "+") + line[1:] for line in lines)


def person(workspace: Path) -> str:
    """Who works here, as git would sign a commit: ``Name <address>``; empty where git does not know."""
    output = Git(workspace).attempt("var", "GIT_AUTHOR_IDENT")
    if output.exit_code:
        return ""
    text = output.stdout.decode("utf-8", "replace").strip()
    return text[: text.rfind(">") + 1]


def changed_since(workspace: Path, revision: str) -> tuple[tuple[str, str], ...] | None:
    """What differs between a revision and the files here: a letter and the path, untracked files that are
    not ignored included. ``A``, ``M``, ``D`` of a file; ``L`` where a link or a submodule is or was: what it
    leads to has other names. None where the revision means no commit."""
    commit = commit_of(workspace, revision)
    if commit is None:
        return None
    git = Git(workspace)
    words = git.run("diff", "--raw", "--no-renames", "--no-abbrev", "-z", commit, "--").split(b"\0")
    found = {
        os.fsdecode(path): _kind(facts.decode("ascii"))
        for facts, path in zip(words[::2], words[1::2])
    }
    for path in git.run("ls-files", "--others", "--exclude-standard", "-z").split(b"\0"):
        if path:
            name = os.fsdecode(path)
            found[name] = "L" if (workspace / name).is_symlink() else "A"
    return tuple(sorted((kind, path) for path, kind in found.items()))


def _kind(facts: str) -> str:
    """From a line of `git diff --raw`: ``:100644 120000 ID ID T``."""
    before, after, _, _, letter = facts.split()
    named_otherwise = {":120000", "120000", ":160000", "160000"}
    return "L" if {before, after} & named_otherwise else letter[:1]
