"""The temporary index of a recording: brought from what git has on record to what is on disk."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing import source_conversion, source_head
from repro.capturing.git import Git, GitFailed
from repro.capturing.source_content import GITLINK, on_disk
from repro.capturing.source_head import Facts, Head
from repro.errors import ReproError
from repro.manifest import Finding, Severity

STORE = ".repro"


@dataclass
class Work:
    """What one recording collects on its way; paths are relative to the repository."""

    facts: Facts
    git: Git
    """Sees the temporary index and objects."""
    own: Path
    """Folder for temporary files."""
    path: str
    """Of the repository, within the workspace."""
    cap: int
    """Bytes; larger untracked files are left out."""
    child_head: Callable[[str], Head | None]
    """Records the repository at this path; None where there is none."""
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
    children: dict[str, Head] = field(default_factory=dict)
    """The repositories inside this one."""
    dirty: bool = False
    """The tree may be another one than the commit's."""

    def note(self, severity: Severity, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(severity, "source", message, remedy))

    def within(self, name: str) -> str:
        """The name as seen from the workspace."""
        return f"{self.path}/{name}" if self.path else name

    def record_child(self, path: str) -> bool:
        head = self.child_head(path)
        if head is not None:
            self.children[path] = head
        return head is not None

    def drop(self, name: str) -> None:
        self.info[name] = f"0 {self.facts.nothing}"


def apart(facts: Facts, own: Path) -> Git:
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


def prepare_index(work: Work, entries: Sequence[bytes]) -> None:
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
        if mode == GITLINK and path not in work.children:
            _gitlink(work, path, id if tag != "M" else "")
    for option, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)):
        if paths:
            work.git.run("update-index", option, "-z", "--stdin", stdin=_joined(paths))
    if absent:
        _sparse(work, absent)
    if any(info.startswith("0 ") for info in work.info.values()):
        _write_info(work, {k: v for k, v in work.info.items() if v.startswith("0 ")})


def _sparse(work: Work, absent: Mapping[str, str]) -> None:
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


def _of(work: Work) -> str:
    return f" of {work.path}" if work.path else ""


def _gitlink(work: Work, path: str, id: str) -> None:
    folder = work.facts.folder / path
    if not on_disk(work.facts.folder, path) or folder.is_symlink() or not folder.is_dir():
        work.drop(path)
    elif source_head.is_repository(folder) and work.record_child(path):
        commit = work.children[path].commit
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


def read_status(work: Work) -> tuple[str | None, str | None]:
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
                _, states, _, _, mode, *_, name = line.split(b" ", 8)
                _changed(work, os.fsdecode(name), mode, states[1:] != b".")
            case b"u":
                _, _, _, *modes, _, _, _, _, name = line.split(b" ", 10)
                _changed(work, os.fsdecode(name), modes[1], True)
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


def _changed(work: Work, path: str, mode: bytes, in_work_tree: bool) -> None:
    """``mode`` is that in the index."""
    work.dirty = True
    work.touched.add(path)
    if not in_work_tree or mode == GITLINK.encode() or path in work.info:
        return  # what became of a submodule is known already
    try:
        status = on_disk(work.facts.folder, path)
    except PermissionError:
        _readable(work, path)
        return
    if status is None:
        work.drop(path)
    elif stat.S_ISDIR(status.st_mode):
        work.drop(path)
        if source_head.is_repository(work.facts.folder / path):
            _nested(work, path)
    elif not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        work.drop(path)
        work.note(Severity.BREAKS, f"{work.within(path)} is neither a file nor a link: left out")
    elif _readable(work, path):
        work.stage.add(path)


def _untracked(work: Work, path: str) -> None:
    if f"/{STORE}/" in f"/{path}":
        return
    if path.endswith("/"):
        _nested(work, path[:-1])
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


def _nested(work: Work, path: str) -> None:
    """A repository inside this one that is not tracked."""
    if work.record_child(path):
        work.untracked.add(f"{path}/")
    else:
        work.note(
            Severity.BREAKS,
            f"{work.within(path)} holds a git repository that cannot be read: left out",
            "remove it, or ignore it",
        )


def _readable(work: Work, path: str) -> bool:
    full = work.facts.folder / path
    if full.is_symlink() or os.access(full, os.R_OK):
        return True
    work.note(
        Severity.BREAKS,
        f"{work.within(path)} cannot be read: its content is not recorded",
        "make it readable, or ignore it",
    )
    return False


def stage(work: Work) -> None:
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


def _write_info(work: Work, info: Mapping[str, str]) -> None:
    work.dirty = True
    lines = [os.fsencode(f"{what}\t{path}") for path, what in sorted(info.items())]
    work.git.run("update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]))


def write_tree(work: Work) -> str:
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
