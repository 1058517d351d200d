"""A real git repository to take snapshots of, and the round trip that every test makes with it."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repro.capturing import source
from repro.manifest import Severity

CAP = 1000


def environment(home: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return clean | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    }


def isolate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configuration but what the test itself writes to ``tmp_path/home/.gitconfig``."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)


@dataclass
class Taken:
    snapshot: source.Snapshot
    packs: dict[str, Path]
    keys: dict[str, str]
    pack_findings: tuple
    scratch: Path

    @property
    def messages(self) -> str:
        found = (*self.snapshot.findings, *self.pack_findings)
        return "\n".join(f"{item.severity.value}: {item.message}" for item in found)

    @property
    def breaks(self) -> list[str]:
        found = (*self.snapshot.findings, *self.pack_findings)
        return [item.message for item in found if item.severity is Severity.BREAKS]


@dataclass
class Project:
    path: Path
    home: Path
    counter: list[int] = field(default_factory=lambda: [0])

    def git(self, *words: str, at: str = "", check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", "-C", str(self.path / at), *words],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise AssertionError(f"git {words}: {done.stderr.decode()}")
        return os.fsdecode(done.stdout).rstrip("\n")

    def init(self, at: str = "", object_format: str = "sha1") -> Project:
        (self.path / at).mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", f"--object-format={object_format}", at=at)
        return self

    def write(
        self, name: str | bytes, content: str | bytes = "content\n", mode: int = 0o644
    ) -> Path:
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def link(self, name: str, target: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def commit(self, message: str = "subject", at: str = "", add: bool = True) -> str:
        if add:
            self.git("add", "-A", at=at)
        self.git("commit", "-q", "--allow-empty", "-m", message, at=at)
        return self.git("rev-parse", "HEAD", at=at)

    def scratch(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="scratch", dir=self.home))

    def take(self, cap: int = CAP, known: tuple[str, ...] = ()) -> Taken:
        """A snapshot and its packs; asserts that nothing of the user's was touched."""
        before = fingerprint(self.path)
        scratch = self.scratch()
        snapshot = source.snapshot(self.path, scratch, untracked_cap=cap)
        packs = source.pack(snapshot, self.path, scratch, lambda key: key in known)
        after = fingerprint(self.path)
        assert {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)} == set()
        return Taken(
            snapshot,
            {item.role: item.path for item in packs if item.path},
            {item.role: item.key for item in packs},
            tuple(f for item in packs for f in item.findings),
            scratch,
        )

    def restored(self, taken: Taken, branch: str | None = None) -> Path:
        self.counter[0] += 1
        target = self.home / f"restored{self.counter[0]}"
        source.restore(
            taken.snapshot.source,
            taken.packs,
            target,
            branch=branch or taken.snapshot.branch,
            remotes=taken.snapshot.remotes,
            tags=taken.snapshot.tags,
        )
        return target

    def round_trip(self, without: tuple[str, ...] = (), cap: int = CAP) -> Taken:
        """Snapshot, restore, compare: every file, byte for byte, mode and links included."""
        taken = self.take(cap)
        target = self.restored(taken)
        expected = {k: v for k, v in contents(self.path).items() if k not in without}
        assert contents(target) == expected
        self.last = target
        return taken


def contents(top: Path) -> dict[str, object]:
    """Path to what lies there, of everything outside .git and ignored/ folders."""
    found: dict[str, object] = {}
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in (".git", "ignored", ".repro")]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*names, *links]:
            path = Path(folder) / name
            if name == ".git":
                continue
            key = str(path.relative_to(top))
            if path.is_symlink():
                found[key] = ("link", str(path.readlink()))
            elif path.is_file():
                found[key] = (bool(path.stat().st_mode & stat.S_IXUSR), path.read_bytes())
    return found


def fingerprint(top: Path) -> Mapping[str, object]:
    """Everything below, .git too: bytes, modes and times.

    The times of objects are left out: git renews that of an object which it would have written.
    """
    found: dict[str, object] = {}
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = Path(folder) / name
            status = path.lstat()
            stamp: tuple = (status.st_mode, status.st_ino)
            if "/.git/objects/" not in f"{path}" and not name.startswith("sharedindex."):
                stamp += (status.st_mtime_ns,)
            if path.is_symlink():
                stamp += (str(path.readlink()),)
            elif path.is_file():
                stamp += (hashlib.sha256(path.read_bytes()).hexdigest(),)
            found[str(path.relative_to(top))] = stamp
    return found
