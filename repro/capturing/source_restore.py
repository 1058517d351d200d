"""The inverse of a snapshot: from packs to a git repository whose work tree is the recorded one.

The packs, and all that the manifest says of them, may come from anybody.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import source_content, source_conversion
from repro.capturing.git import Git, GitFailed
from repro.errors import Corrupt, ReproError, Unreplayable
from repro.manifest import Source

COMMIT = "commit.pack"
WORKTREE = "worktree.pack"


def role(path: str, name: str) -> str:
    """What a pack is called in a bundle: that of the repository at ``path``, empty for the top."""
    return f"source/submodules/{path}/{name}" if path else f"source/{name}"


@dataclass(frozen=True)
class Part:
    """One repository of a source."""

    path: str
    commit: str | None
    tree: str
    settings: dict[str, str]


def parts(source: Source) -> Iterator[Part]:
    """The workspace itself, then the repositories inside it, the outer before the inner."""
    prefixes = tuple(f"submodule.{item.path}." for item in source.submodules)
    top = {k: v for k, v in source.settings.items() if not k.startswith("submodule.")}
    yield Part("", source.commit, source.tree, top)
    for item, prefix in sorted(zip(source.submodules, prefixes), key=lambda pair: pair[0].path):
        settings = {
            key[len(prefix) :]: value
            for key, value in source.settings.items()
            if key.startswith(prefix)
        }
        yield Part(item.path, item.commit, item.tree, settings)


def restore(
    source: Source,
    packs: Mapping[str, Path],
    target: Path,
    *,
    branch: str | None,
    remotes: Mapping[str, str],
    tags: Iterable[str] = (),
) -> None:
    """Make ``target``, which must not exist or be empty, a repository with the recorded work tree.

    Raises Corrupt where a pack is damaged, Unreplayable where something is missing or the work tree
    did not come out as recorded; ``target`` is gone then.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ReproError(f"cannot restore into {target}: it is not empty", "name another folder")
    _check(source)
    target = target.absolute()
    try:
        for part in parts(source):
            top = not part.path
            _restore(
                part,
                source.object_format,
                packs,
                target,
                branch if top else None,
                remotes if top else {},
                tuple(tags) if top else (),
            )
        _verify_whole(source, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _check(source: Source) -> None:
    """Ids and paths go into commands and file names."""
    if source.object_format not in ("sha1", "sha256"):
        raise Unreplayable(f"the source has an unknown object format: {source.object_format!r}")
    form = re.compile("[0-9a-f]{40}" if source.object_format == "sha1" else "[0-9a-f]{64}")
    for part in parts(source):
        for id in (part.tree, part.commit):
            if id is not None and not form.fullmatch(id):
                raise Corrupt(f"the source names something that is no git object: {id!r}")
        if part.path and any(_is_forbidden(name) for name in part.path.split("/")):
            raise Corrupt(
                f"the source has a submodule at a path that is not allowed: {part.path!r}"
            )


def _is_forbidden(name: str) -> bool:
    # .git in every spelling that some file system takes for it
    plain = re.sub("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]", "", name).lower()
    plain = plain.partition(":")[0].rstrip(". ")
    return plain in ("", ".git", "git~1") or "\0" in name or (os.name == "nt" and "\\" in name)


def _restore(
    part: Part,
    object_format: str,
    packs: Mapping[str, Path],
    target: Path,
    branch: str | None,
    remotes: Mapping[str, str],
    tags: tuple[str, ...],
) -> None:
    folder = target / part.path
    if part.path:
        _make_folder(target, part.path)
    git = _init(folder, object_format, part.settings, remotes)
    for name in (COMMIT, WORKTREE):
        if pack := packs.get(role(part.path, name)):
            unpack(git, pack, role(part.path, name))
    require(git, part)
    if part.commit:
        _point_head(git, part.commit, branch, tags)
    elif branch and _is_ref(git, f"refs/heads/{branch}"):
        git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    _check_out(git, part, object_format)


def _make_folder(target: Path, path: str) -> None:
    """The folder of an inner repository, never through a link that the tree put there."""
    folder = target
    for name in path.split("/"):
        folder = folder / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise Corrupt(f"the source has a submodule at {path!r}, where a file lies")
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def _init(
    folder: Path, object_format: str, settings: Mapping[str, str], remotes: Mapping[str, str]
) -> Git:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    git = Git(folder, {"safe.directory": "*"}).isolated()
    git.run("init", "-q", "--template=", f"--object-format={object_format}")
    with (folder / ".git" / "config").open("a") as stream:
        stream.write("[core]\n")
        for key, value in source_conversion.rules(settings).items():
            stream.write(f"\t{key.removeprefix('core.')} = {value}\n")
    for name, url in sorted(remotes.items()):
        if _is_ref(git, f"refs/remotes/{name}/x"):
            git.run("config", f"remote.{name}.url", url)
            git.run("config", f"remote.{name}.fetch", f"+refs/heads/*:refs/remotes/{name}/*")
    if attributes := settings.get("info/attributes"):
        info = folder / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_bytes(os.fsencode(attributes))
    return git


def _is_ref(git: Git, name: str) -> bool:
    return not git.attempt("check-ref-format", name).exit_code


def unpack(git: Git, pack: Path, role: str) -> None:
    """Put the pack's objects into the repository; each is hashed on the way."""
    try:
        git.run("index-pack", "--stdin", "--threads=1", stdin=pack)
    except (GitFailed, OSError) as error:
        raise Corrupt(
            f"the bundle's {role} is damaged: {error}", "take the bundle from its origin again"
        ) from error


def require(git: Git, part: Part) -> None:
    """Raise Unreplayable unless all objects of the part's tree are in the repository."""
    where = f"submodule {part.path}" if part.path else "the source"
    for id, kind in ((part.commit, "commit"), (part.tree, "tree")):
        if id is None:
            continue
        output = git.attempt("cat-file", "-t", id)
        if output.stdout.strip() != kind.encode():
            raise Unreplayable(
                f"{where}: {kind} {id} is in none of the packs",
                "the run was captured from a partial or damaged clone: see its findings",
            )
    out = git.attempt("rev-list", "--objects", "--missing=print", part.tree, "--")
    lacking = [line for line in out.stdout.splitlines() if line.startswith(b"?")]
    if out.exit_code or lacking:
        raise Unreplayable(
            f"{where}: {len(lacking) or 'some'} objects of its tree are in none of the packs",
            "the run was captured from a partial or damaged clone: see its findings",
        )


def _point_head(git: Git, commit: str, branch: str | None, tags: tuple[str, ...]) -> None:
    if b"\nparent " in b"\n" + git.run("cat-file", "commit", commit).partition(b"\n\n")[0]:
        # its history is not in the pack: git is to know that, and not to call it damage
        (git.folder / ".git" / "shallow").write_text(f"{commit}\n")
    if branch and _is_ref(git, f"refs/heads/{branch}"):
        git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        git.run("update-ref", f"refs/heads/{branch}", commit)
    else:
        git.run("update-ref", "--no-deref", "HEAD", commit)
    for tag in tags:
        if _is_ref(git, f"refs/tags/{tag}"):
            git.run("update-ref", f"refs/tags/{tag}", commit)


def _check_out(git: Git, part: Part, object_format: str) -> None:
    """Write the tree, leave the commit's index behind: ``git status`` then shows what was dirty."""
    index = git.folder / ".git" / "repro-index"
    apart = git.using(env={"GIT_INDEX_FILE": os.fspath(index)})
    try:
        apart.run("read-tree", part.tree)
        said = apart.demand("checkout-index", "-a", "-q").stderr
        entries = source_content.read_tree(git, part.tree)
        _check_names(git, part.tree)
        for path, entry in entries.items():
            if entry.mode == source_content.GITLINK:
                _make_folder(git.folder, path)
        scratch = git.folder / ".git" / "repro-check"
        wrong = source_content.differing(
            git.folder, entries, object_format, apart, scratch, converts=False
        )
        shutil.rmtree(scratch, ignore_errors=True)
    except GitFailed as error:
        raise Unreplayable(f"the work tree cannot be written: {error}", error.hint) from error
    finally:
        index.unlink(missing_ok=True)
    if "failed to encode" in said:
        raise Unreplayable(f"git on this machine cannot write an encoding: {said.splitlines()[0]}")
    if wrong:
        raise Unreplayable(
            f"the work tree did not come out as recorded: {source_conversion.listed(wrong)}",
            "does this file system tell upper from lower case, and have links and executable bits?",
        )
    if part.commit:
        git.run("read-tree", part.commit)
        git.attempt("update-index", "-q", "--refresh")


def _check_names(git: Git, tree: str) -> None:
    """Every entry lies in a folder of the tree, and no two in the same place."""
    out = git.run("ls-tree", "-r", "-t", "-z", "--full-tree", "--name-only", tree).split(b"\0")[:-1]
    names = set(out)
    if len(names) != len(out) or not names >= {
        parent for name in out if (parent := name.rpartition(b"/")[0])
    }:
        raise Corrupt(f"tree {tree} of the source is not one that git would write")


def _verify_whole(source: Source, target: Path) -> None:
    """Nothing lies there but what the trees name."""
    expected: set[str] = set()
    for part in parts(source):
        git = Git(target / part.path, {"safe.directory": "*"}).isolated()
        prefix = f"{part.path}/" if part.path else ""
        expected.update(prefix + path for path in source_content.read_tree(git, part.tree))
    inner = {part.path for part in parts(source)}
    extra = sorted(set(_walk(target, "", inner)) - expected)
    if extra:
        raise Unreplayable(f"the work tree holds more than was recorded: {extra[0]}")


def _walk(folder: Path, prefix: str, repositories: set[str]) -> Iterator[str]:
    for entry in os.scandir(folder):
        path = prefix + entry.name
        if entry.name == ".git" and prefix.rstrip("/") in repositories:
            continue
        if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
            yield from _walk(Path(entry.path), f"{path}/", repositories)
        else:
            yield path
