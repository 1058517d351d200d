"""One git repository as it stands: recorded through a temporary index and object directory.

Only these copies are written to; the user's index, work tree, refs and objects stay as they are.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing import source_conversion
from repro.capturing.git import Git, GitFailed
from repro.capturing.source_content import GITLINK, on_disk
from repro.errors import NotFound, ReproError
from repro.manifest import Finding, Severity

STORE = ".repro"


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


@dataclass
class _Work:
    """What one recording collects on its way; paths are relative to the repository."""

    facts: Facts
    git: Git
    own: Path
    path: str
    scratch: Path
    cap: int
    stage: set[str] = field(default_factory=set)
    """To be read from disk."""
    info: dict[str, str] = field(default_factory=dict)
    """Path to ``mode id`` that the index is to hold instead; of nothing where it is to go."""
    touched: set[str] = field(default_factory=set)
    """Tracked files that git itself calls changed."""
    untracked: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    unseen: set[str] = field(default_factory=set)
    """Tracked, but neither in the work tree nor in this clone; nobody deleted them."""
    findings: list[Finding] = field(default_factory=list)
    children: dict[str, Repository] = field(default_factory=dict)
    dirty: bool = False
    """The tree may be another one than the commit's."""

    def note(self, severity: Severity, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(severity, "source", message, remedy))

    def within(self, name: str) -> str:
        """The name as seen from the workspace."""
        return f"{self.path}/{name}" if self.path else name

    def drop(self, name: str) -> None:
        self.info[name] = f"0 {self.facts.nothing}"


def record(path: str, folder: Path, scratch: Path, cap: int) -> Repository:
    """Record the repository whose work tree is ``folder``, and those inside it.

    ``scratch`` takes the temporary files; ``cap`` is the size in bytes above which an untracked
    file is left out. Raises NotFound where the folder is not the top of a repository.
    """
    facts = look(folder)
    own = scratch / str(len(list(scratch.iterdir())))
    work = _Work(facts, _apart(facts, own), own, path, scratch, cap)
    git = work.git
    entries = git.run("ls-files", "-s", "-v", "-z").split(b"\0")
    _prepare_index(work, entries)
    commit, branch = _read_status(work)
    head = _head(git, facts, commit, branch)
    _stage(work)
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
    tree = _write_tree(work) if work.dirty or commit is None else head.tree
    remotes = _remotes(facts.config)
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
        pushed=_pushed(git, head, remotes),
        changed=_changes(work, head.tree, tree, raw.unchanged | work.unseen),
        skipped=tuple(sorted(work.skipped)),
        findings=tuple(work.findings),
        children=tuple(work.children[name] for name in sorted(work.children)),
    )


# --- looking ----------------------------------------------------------------------------------


def look(folder: Path) -> Facts:
    """What git says of the repository whose work tree is ``folder``."""
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


def is_repository(folder: Path) -> bool:
    """Whether something that looks like a repository starts in this folder; starts no process."""
    marker = folder / ".git"
    # the functions that never raise: what cannot be read is no repository
    return os.path.isfile(marker) or os.path.isfile(marker / "HEAD")  # noqa: PTH113


def _apart(facts: Facts, own: Path) -> Git:
    """git with a copy of the index, and an object directory of its own before the repository's."""
    (own / "objects").mkdir(parents=True)
    index = facts.git_dir / "index"
    if index.exists():
        # with its time: an entry is clean unseen only where the index is younger than the file
        with index.open("rb") as stream, (own / "index").open("wb") as copy:
            status = os.fstat(stream.fileno())
            shutil.copyfileobj(stream, copy)
        os.utime(own / "index", ns=(status.st_atime_ns, status.st_mtime_ns))
    filters = {
        f"{key.rpartition('.')[0]}.{name}": value
        for key in facts.config
        if key.startswith("filter.")
        for name, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    }
    settings = {**filters, **_modes(facts)}
    return Git(
        facts.folder, settings, {**_objects(facts, own), "GIT_INDEX_FILE": f"{own / 'index'}"}
    )


def _objects(facts: Facts, own: Path) -> dict[str, str]:
    return {
        "GIT_OBJECT_DIRECTORY": os.fspath(own / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": source_conversion.quoted(os.fspath(facts.objects)),
    }


def _modes(facts: Facts) -> dict[str, str]:
    """core.fileMode off is believed only where the file system really has no executable bit."""
    if facts.config.get("core.filemode", "true") != "false" or os.name != "posix":
        return {}
    config = facts.git_dir / "config"
    executable = stat.S_IXUSR & config.lstat().st_mode if config.exists() else True
    return {} if executable else {"core.fileMode": "true"}


def _head(git: Git, facts: Facts, commit: str | None, branch: str | None) -> Head:
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


def _pushed(git: Git, head: Head, remotes: Mapping[str, str]) -> bool | None:
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


def _remotes(config: Mapping[str, str]) -> dict[str, str]:
    return {
        key[len("remote.") : -len(".url")]: without_credentials(url)
        for key, url in sorted(config.items())
        if key.startswith("remote.") and key.endswith(".url") and url
    }


# --- the temporary index ----------------------------------------------------------------------


def _prepare_index(work: _Work, entries: Sequence[bytes]) -> None:
    """Take away what would make git look past a change, and what is not to be recorded."""
    assumed: list[str] = []
    skipped: list[str] = []
    absent: dict[str, str] = {}
    store = f"/{STORE}/".encode()
    for entry in entries:
        if entry.startswith((b"H 100", b"H 120")) and store[1:] not in entry:
            continue
        if not entry:
            continue
        description, _, name = entry.partition(b"\t")
        tag, mode, id, _ = description.decode().split(" ")
        path = os.fsdecode(name)
        if store in b"/" + name:
            work.drop(path)
            continue
        if tag.islower():
            assumed.append(path)
        if tag in "Ss":
            if on_disk(work.facts.folder, path):
                skipped.append(path)
            else:
                absent[path] = id
        if mode == GITLINK:
            _gitlink(work, path, id)
    for option, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)):
        if paths:
            work.git.run("update-index", option, "-z", "--stdin", stdin=_joined(paths))
    if absent:
        _sparse(work, absent)
    if any(info.startswith("0 ") for info in work.info.values()):
        _write_info(work, {k: v for k, v in work.info.items() if v.startswith("0 ")})


def _sparse(work: _Work, absent: Mapping[str, str]) -> None:
    """Files that the user told git to leave out of the work tree, with their ids: they are kept."""
    missing: set[str] = set()
    if any(
        key.endswith(".promisor") or key == "extensions.partialclone" for key in work.facts.config
    ):
        words = ("--objects", "--missing=print", "HEAD^{tree}", "--")
        out = os.fsdecode(work.git.run("rev-list", *words))
        missing = {line[1:] for line in out.splitlines() if line.startswith("?")}
    unseen = [path for path, id in absent.items() if id in missing]
    if len(unseen) < len(absent):
        work.note(
            Severity.NOTE,
            f"the checkout{_of(work)} is sparse: a replay also gets the {len(absent) - len(unseen)}"
            " files that were not there for the run",
            "git sparse-checkout disable",
        )
    if unseen:
        work.note(
            Severity.NOTE,
            f"the checkout{_of(work)} is sparse, and {len(unseen)} of its files are not in this clone:"
            " a replay does without them, as the run did",
            "git sparse-checkout disable",
        )
    for path in unseen:
        work.drop(path)
        work.unseen.add(path)


def _of(work: _Work) -> str:
    return f" of {work.path}" if work.path else ""


def _gitlink(work: _Work, path: str, id: str) -> None:
    folder = work.facts.folder / path
    if not on_disk(work.facts.folder, path) or folder.is_symlink() or not folder.is_dir():
        work.drop(path)
    elif is_repository(folder) and _record_child(work, path):
        commit = work.children[path].head.commit
        if commit and commit != id:
            work.info[path] = f"{GITLINK} {commit}"
    elif not os.access(folder, os.R_OK):
        work.note(Severity.BREAKS, f"submodule {work.within(path)} cannot be read: left out")
    elif any(folder.iterdir()):
        # files where git expects a repository: git itself would pass over them
        work.drop(path)
        work.note(
            Severity.NOTE,
            f"submodule {work.within(path)} has files but no repository of its own: they are"
            " recorded as plain files",
            f"git submodule update --init {work.within(path)}",
        )
    else:
        work.note(
            Severity.NOTE,
            f"submodule {work.within(path)} is not checked out: the run saw an empty folder there,"
            " and so does a replay",
            f"git submodule update --init {work.within(path)}",
        )


def _record_child(work: _Work, path: str) -> bool:
    try:
        child = record(work.within(path), work.facts.folder / path, work.scratch, work.cap)
    except NotFound:
        return False
    work.children[path] = child
    return True


def _read_status(work: _Work) -> tuple[str | None, str | None]:
    """Commit and branch; what is changed or untracked goes into ``work``."""
    words = ["--branch", "--no-ahead-behind", "--untracked-files=all", "--no-renames"]
    output = work.git.demand("status", "--porcelain=v2", "-z", *words, "--ignore-submodules=dirty")
    commit = branch = None
    for line in output.stdout.split(b"\0")[:-1]:
        match line[:1]:
            case b"#":
                _, key, value = os.fsdecode(line).split(" ", 2)
                if key == "branch.oid" and value != "(initial)":
                    commit = value
                elif key == "branch.head" and value != "(detached)":
                    branch = value
            case b"1":
                _, states, *_, name = line.split(b" ", 8)
                _changed(work, os.fsdecode(name), states[1:] != b".")
            case b"u":
                _changed(work, os.fsdecode(line.split(b" ", 10)[-1]), True)
            case b"?":
                _untracked(work, os.fsdecode(line[2:]))
            case _:
                raise ReproError(f"git status says what repro does not know: {line!r}")
    if re.search(rb"^u ", output.stdout.replace(b"\0", b"\n"), re.MULTILINE):
        work.note(
            Severity.NOTE,
            "a merge or rebase with conflicts is in progress: the files are recorded as they are",
            "resolve the conflicts and commit",
        )
    for folder in re.findall(r"could not open directory '(.*)'", output.stderr):
        work.note(
            Severity.BREAKS,
            f"{work.within(folder)} cannot be read: untracked files in it are not recorded",
            "make it readable, or ignore it",
        )
    unseen = re.findall(r"^(?!warning:)(.*): Permission denied$", output.stderr, re.MULTILINE)
    if unseen:
        names = source_conversion.listed([work.within(name) for name in unseen])
        work.note(
            Severity.BREAKS,
            f"{names} cannot be read: recorded as last known to git",
            "make it readable",
        )
    return commit, branch


def _changed(work: _Work, path: str, in_work_tree: bool) -> None:
    work.dirty = True
    work.touched.add(path)
    if not in_work_tree or path in work.children or path in work.info:
        return
    try:
        status = on_disk(work.facts.folder, path)
    except PermissionError:
        _readable(work, path)
        return
    if status is None or stat.S_ISDIR(status.st_mode):
        # a gitlink's folder is one that is not checked out
        if status is None or not work.git.run("ls-files", "-s", "--", path).startswith(b"16"):
            work.drop(path)
    elif not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        work.drop(path)
        work.note(Severity.BREAKS, f"{work.within(path)} is neither a file nor a link: left out")
    elif _readable(work, path):
        work.stage.add(path)


def _untracked(work: _Work, path: str) -> None:
    if f"/{STORE}/" in f"/{path}":
        return
    if path.endswith("/"):
        path = path[:-1]
        if not _record_child(work, path):
            work.note(
                Severity.BREAKS,
                f"{work.within(path)} holds a git repository that cannot be read: left out",
                "remove it, or ignore it",
            )
        return
    status = on_disk(work.facts.folder, path)
    if status is None:
        return  # gone between git's look and this one
    if stat.S_ISREG(status.st_mode) and status.st_size > work.cap:
        work.skipped.append(path)
    elif _readable(work, path):
        work.dirty = True
        work.untracked.add(path)
        work.stage.add(path)


def _readable(work: _Work, path: str) -> bool:
    full = work.facts.folder / path
    if full.is_symlink() or os.access(full, os.R_OK):
        return True
    work.note(
        Severity.BREAKS,
        f"{work.within(path)} cannot be read: its content is not recorded",
        "make it readable, or ignore it",
    )
    return False


def _stage(work: _Work) -> None:
    """Bring the temporary index to what is on disk."""
    if work.info:
        _write_info(work, work.info)
    if not work.stage:
        return
    words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
    paths = _joined(sorted(work.stage))
    try:
        output = work.git.demand(*words, stdin=paths)
    except GitFailed:
        # bytes that are not in the encoding which an attribute promises: take them as they are
        raw = source_conversion.plain(work.git, work.facts, work.own, source_conversion.EVERY_RAW)
        output = raw.demand(*words, stdin=paths)
    for name in re.findall(r"^Ignoring path (.*)$", output.stderr, re.MULTILINE):
        work.note(
            Severity.BREAKS,
            f"{work.within(name)} has a name that git refuses: left out",
            "rename it, or ignore it",
        )


def _write_info(work: _Work, info: Mapping[str, str]) -> None:
    work.dirty = True
    lines = [os.fsencode(f"{what}\t{path}") for path, what in sorted(info.items())]
    work.git.run("update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]))


def _write_tree(work: _Work) -> str:
    try:
        return work.git.line("write-tree")
    except GitFailed as error:
        if "invalid object" not in error.stderr:
            raise
    work.note(
        Severity.BREAKS,
        "the repository lacks some of the objects that its index names",
        "git fsck names them; git fetch --refetch gets them from the remote",
    )
    return work.git.line("write-tree", "--missing-ok")


def _joined(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _attribute_files(entries: Sequence[bytes], untracked: Iterable[str]) -> list[str]:
    tracked = (os.fsdecode(e.partition(b"\t")[2]) for e in entries if e.endswith(b".gitattributes"))
    return [p for p in (*tracked, *untracked) if p.rpartition("/")[2] == ".gitattributes"]


# --- what changed -----------------------------------------------------------------------------


def _changes(work: _Work, before: str, after: str, unchanged: Iterable[str]) -> tuple[str, ...]:
    """``M path`` for each file that differs from the commit, those of inner repositories too."""
    passed_over = set(unchanged)
    found = [
        f"{'??' if letter == 'A' and path in work.untracked else letter} {path}"
        for letter, path in tree_changes(work.git, before, after)
        if path not in passed_over
    ]
    for name, child in work.children.items():
        for line in child.changed:
            letter, _, path = line.partition(" ")
            found.append(f"{letter} {name}/{path}")
    return tuple(sorted(found, key=lambda line: (line.partition(" ")[2], line)))


def tree_changes(git: Git, before: str, after: str) -> Iterable[tuple[str, str]]:
    """Status letter and path of what differs between two trees."""
    if before == after:
        return
    words = ("-r", "-z", "--no-renames", "--name-status", "--ignore-submodules=none")
    fields = os.fsdecode(git.run("diff-tree", *words, before, after)).split("\0")
    yield from zip(fields[::2], fields[1::2])
