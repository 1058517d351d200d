"""What git changes between a file and its object: filters, line endings, encodings.

A restore knows the attributes that lie in the tree itself, core.autocrlf and core.eol; it runs no
filter. Wherever that would not write the very bytes that lie in the work tree, the path is recorded
raw: its blob holds these bytes, and an attribute keeps a checkout from touching them.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from repro.canonical import digest_file
from repro.capturing.git import Git
from repro.capturing.source_content import EXECUTABLE, FILE, TreeEntry, written_otherwise
from repro.manifest import Finding, Severity

if TYPE_CHECKING:
    from repro.capturing.source_head import Facts

ATTRIBUTES = ("eol", "ident", "filter", "working-tree-encoding")
"""Those that let a checkout do more than end lines in LF."""
PROCESSED = {"ident", "filter", "working-tree-encoding"}
_MENTIONED = re.compile(rb"\b(text|eol|crlf|ident|filter|working-tree-encoding|binary)\b")
RAW = "-text -ident -filter !working-tree-encoding"
EVERY_RAW = {"info/attributes": f"* {RAW}\n"}
"""Settings under which nothing is converted."""
POINTER = b"version https://git-lfs.github.com/spec/v1\n"
POINTER_SIZE = 1024
"""Bytes; git-lfs takes nothing larger for a pointer."""


@dataclass(frozen=True)
class Raw:
    """The paths whose bytes had to be recorded past git's conversions."""

    entries: Mapping[str, TreeEntry] = field(default_factory=dict)
    attributes: str = ""
    """What a checkout needs beyond the tree's own attributes, as ``info/attributes``."""
    unchanged: frozenset[str] = frozenset()
    """Those that nobody changed: only git's way of storing them is another one."""
    findings: tuple[Finding, ...] = ()
    converts: bool = True


def settings(config: Mapping[str, str]) -> dict[str, str]:
    """The settings that change what a checkout writes; empty where lines end in LF alone."""
    autocrlf = config.get("core.autocrlf", "false").lower()
    if autocrlf in ("true", "yes", "on", "1"):
        return {"core.autocrlf": "true"}
    native = "crlf" if os.linesep == "\r\n" else "lf"
    eol = config.get("core.eol", "native").lower().replace("native", native)
    return {"core.eol": "crlf"} if eol == "crlf" and autocrlf != "input" else {}


def rules(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings under which a restore writes, all of them named."""
    return {
        "core.autocrlf": "true" if settings.get("core.autocrlf") == "true" else "false",
        "core.eol": "crlf" if settings.get("core.eol") == "crlf" else "lf",
        "core.safecrlf": "false",
    }


def find(
    git: Git,
    facts: Facts,
    own: Path,
    settings: Mapping[str, str],
    attribute_files: Iterable[str],
    touched: set[str],
) -> Raw:
    """The files on disk that a checkout of the recorded tree would not write as they are.

    ``git`` sees the temporary index, which must hold the work tree; ``own`` is a folder for
    temporary files; ``touched`` are the files that git calls changed or untracked.
    """
    outside = _mention(_outside(facts))
    inside = _mention(facts.folder / name for name in attribute_files)
    if not (outside or inside or settings or _takes_cr_away(facts)):
        return Raw(converts=False)  # mostly nothing converts, and then this is all it costs
    files = _files(git)
    sizes = _sizes(facts.folder, files)
    clean = plain(git, facts, own, settings)
    theirs = _attributes_of(clean, files)
    mine = _attributes_of(git, files) if outside else theirs
    filtered = [p for p in sizes if "filter" in mine.get(p, {}) or "filter" in theirs.get(p, {})]
    candidates = _candidates(git, files, sizes, mine, theirs, settings)
    asked = {path: files[path] for path in candidates}
    differing = written_otherwise(clean, asked, facts.folder, own / "written")
    entries = _store(git, {path: files[path] for path in differing})
    attributes = _attributes(clean, entries, facts.folder, own / "rewritten")
    unchanged = {path for path in differing if path not in touched} | {
        path for path in filtered if path in touched and _is_content(git, facts.folder, path)
    }
    return Raw(entries, attributes, frozenset(unchanged), _pointers(filtered, facts.folder))


def _takes_cr_away(facts: Facts) -> bool:
    return facts.config.get("core.autocrlf", "false").lower() not in ("false", "no", "off", "0", "")


def _outside(facts: Facts) -> Iterator[Path]:
    """Where this user and this machine keep attributes; a replay does not know them."""
    yield facts.objects.parent / "info" / "attributes"
    yield Path("/etc/gitattributes")
    if configured := facts.config.get("core.attributesfile"):
        yield Path(os.path.expanduser(configured))  # noqa: PTH111  never raises
    else:
        home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
        yield Path(home) / "git" / "attributes"


def _mention(files: Iterable[Path]) -> bool:
    """Whether any of these files gives an attribute that converts."""
    return any(_MENTIONED.search(_content(path)) for path in files)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # git cannot read it either


def _files(git: Git) -> dict[str, TreeEntry]:
    files = {}
    for line in os.fsdecode(git.run("ls-files", "-s", "-z")).split("\0")[:-1]:
        description, _, path = line.partition("\t")
        mode, id, stage = description.split(" ")
        if mode in (FILE, EXECUTABLE) and stage == "0":
            files[path] = TreeEntry(mode, id)
    return files


def _sizes(folder: Path, paths: Iterable[str]) -> dict[str, int]:
    """The size on disk of those that are there as files, in bytes."""
    sizes = {}
    prefix = f"{folder}/"
    for path in paths:
        try:
            status = os.lstat(prefix + path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            sizes[path] = status.st_size
    return sizes


def plain(git: Git, facts: Facts, own: Path, settings: Mapping[str, str]) -> Git:
    """git as a restore runs it: nobody's configuration, no attributes but those of the tree and
    of ``settings``. Sees the index and the objects that ``git`` sees."""
    folder = own / "rules.git"
    if not folder.exists():
        for name in ("objects", "refs", "info"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        version, extension = 0, ""
        if facts.object_format != "sha1":
            version, extension = 1, f"[extensions]\n\tobjectformat = {facts.object_format}\n"
        (folder / "config").write_text(
            f"[core]\n\trepositoryformatversion = {version}\n\tbare = false\n{extension}"
        )
    (folder / "info" / "attributes").write_text(settings.get("info/attributes", ""))
    env = {**git.env, "GIT_DIR": os.fspath(folder), "GIT_WORK_TREE": os.fspath(facts.folder)}
    return Git(facts.folder, rules(settings), env).isolated()


def _candidates(
    git: Git,
    files: Mapping[str, TreeEntry],
    sizes: Mapping[str, int],
    mine: Mapping[str, Mapping[str, str]],
    theirs: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, str],
) -> list[str]:
    """The files that may come out differently, by the attributes here and those of a replay."""
    processed = {p for seen in (mine, theirs) for p in seen if PROCESSED & seen[p].keys()}
    candidates, unsure = [], []
    for path in sizes:
        if settings or path in processed or theirs.get(path, {}).get("eol") == "crlf":
            candidates.append(path)
        else:
            unsure.append(path)
    # a checkout ends these lines in LF: all that git can have done is to take CRs away
    ids = "".join(f"{files[path].id}\n" for path in unsure).encode()
    stored = git.run("cat-file", "--batch-check=%(objectsize)", stdin=ids).split(b"\n")
    return candidates + [p for p, size in zip(unsure, stored) if size != b"%d" % sizes[p]]


def _attributes_of(git: Git, paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """Path to the attributes that are given; those that are unset are not."""
    stdin = b"".join(os.fsencode(path) + b"\0" for path in paths)
    out = os.fsdecode(git.run("check-attr", "-z", "--stdin", *ATTRIBUTES, stdin=stdin)).split("\0")
    found: dict[str, dict[str, str]] = {}
    for path, name, value in zip(out[::3], out[1::3], out[2::3]):
        if value not in ("unspecified", "unset"):
            found.setdefault(path, {})[name] = value
    return found


def _store(git: Git, files: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    """The same files with blobs that hold their bytes as they are."""
    if not files:
        return {}
    stdin = "".join(f"{quoted(path, always=True)}\n" for path in files).encode()
    out = git.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=stdin)
    return {
        path: TreeEntry(entry.mode, id)
        for (path, entry), id in zip(files.items(), out.decode().split())
    }


def _attributes(plain: Git, entries: Mapping[str, TreeEntry], folder: Path, target: Path) -> str:
    """Lines of ``info/attributes`` for those that a checkout would still convert."""
    if not entries:
        return ""
    info = "".join(f"{entry.mode} {entry.id}\t{path}\0" for path, entry in entries.items())
    plain.run("update-index", "-z", "--index-info", stdin=os.fsencode(info))
    return "".join(
        f"{quoted('/' + _escaped(path), always=True)} {RAW}\n"
        for path in written_otherwise(plain, entries, folder, target)
    )


def _escaped(path: str) -> str:
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def quoted(path: str, always: bool = False) -> str:
    """The path as git reads it where names may be quoted, as C does."""
    if not always and not re.search('[:;"\\\\]', path):
        return path
    out = []
    for byte in os.fsencode(path):
        if 0x20 <= byte < 0x7F and byte not in b'"\\':
            out.append(chr(byte))
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


# --- Git LFS ----------------------------------------------------------------------------------


def _is_content(git: Git, folder: Path, path: str) -> bool:
    """Whether the file is what the commit's LFS pointer names: then nobody changed it."""
    pointer = git.attempt("cat-file", "blob", f"HEAD:{path}").stdout
    named = re.search(rb"^oid sha256:([0-9a-f]{64})$", pointer, re.MULTILINE)
    if not pointer.startswith(POINTER) or not named:
        return False
    return digest_file(folder / path) == f"sha256:{named[1].decode()}"


def _pointers(paths: Sequence[str], folder: Path) -> tuple[Finding, ...]:
    missing = [path for path in paths if _is_pointer(folder / path)]
    if not missing:
        return ()
    return (
        Finding(
            Severity.RISKS,
            "source",
            f"{listed(missing)}: never fetched from Git LFS, the run saw the pointer alone",
            "git lfs pull",
        ),
    )


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(POINTER_SIZE + 1)
    return len(head) <= POINTER_SIZE and head.startswith(POINTER)


def listed(paths: Sequence[str]) -> str:
    """The first few, and how many more."""
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
