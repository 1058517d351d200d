"""DVC remotes that are no folder (S3, SSH, HTTP …), through DVC's own library, which knows all.

Only DVC's settings and file systems are used, no ``dvc.repo.Repo``: making one writes into the
user's ``.dvc/tmp`` and site cache. Importing dvc takes half a second: it happens in the functions.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from repro.capturing.dvc_config import Remote, read_config
from repro.capturing.dvc_files import find_dvc
from repro.capturing.hashing import HASHERS, Algorithm

JOBS = 16
"""Downloads at a time."""
PATIENCE = 10.0
"""Seconds that a remote has to answer whether it is there."""


@dataclass(frozen=True)
class Fetched:
    """What a remote sent. ``reasons``: why it did not send more, where it is not just absent."""

    fetched: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteState:
    """Whether a remote can be reached; None where that cannot be told."""

    remote: Remote
    default: bool
    reachable: bool | None
    detail: str = ""


def fetch(remote: Remote, oids: Iterable[str], download: Path, dvc: Path | None = None) -> Fetched:
    """Bring objects (md5 hex, ``.dir`` appended for a listing) from a remote into ``download``.

    They lie there as in DVC's cache, each verified. ``dvc``: the ``.dvc`` folder whose settings
    for that remote are used (credentials and the like). Nothing is written elsewhere, nothing is
    raised.
    """
    oids = list(oids)
    present = {oid for oid in oids if _object(download, oid).is_file()}
    wanted = [oid for oid in oids if oid not in present]
    if not wanted:
        return Fetched(frozenset(present))
    if remote.versioned:
        return Fetched(frozenset(present), (f"remote {remote.name} is cloud-versioned",))
    try:
        fs, root = _connect(remote, dvc)
    except Exception as error:
        return Fetched(frozenset(present), (f"remote {remote.name}: {_words(error)}",))
    work = _Download(fs, root, download)
    with ThreadPoolExecutor(min(JOBS, len(wanted))) as pool:
        try:
            done = list(pool.map(work.bring, wanted))
        except BaseException:
            work.given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    brought = {oid for oid, came in zip(wanted, done) if came}
    reasons = tuple(f"remote {remote.name}: {reason}" for reason in sorted(work.reasons))
    return Fetched(frozenset(present | brought), reasons)


def holds(remote: Remote, oids: Iterable[str], dvc: Path | None = None) -> Fetched:
    """Which objects a remote has, without fetching them. Nothing is raised."""
    wanted = list(oids)
    if remote.versioned:
        return Fetched(reasons=(f"remote {remote.name} is cloud-versioned",))
    try:
        fs, root = _connect(remote, dvc)

        def there(oid: str) -> bool:
            tails = (("files", "md5", oid[:2], oid[2:]), (oid[:2], oid[2:]))
            return any(fs.exists(fs.join(root, *tail)) for tail in tails)

        with ThreadPoolExecutor(min(JOBS, max(1, len(wanted)))) as pool:
            found = list(pool.map(there, wanted))
    except Exception as error:
        return Fetched(reasons=(f"remote {remote.name}: {_words(error)}",))
    return Fetched(frozenset(oid for oid, is_there in zip(wanted, found) if is_there))


def reachable(project: Path, workspace: Path) -> tuple[RemoteState, ...]:
    """The state of each remote that the project's DVC repository has; () where it has none."""
    dvc = find_dvc(project, workspace)
    if dvc is None:
        return ()
    config = read_config(dvc)
    states = []
    for remote in config.remotes.values():
        answer, detail = _answers(remote, dvc)
        states.append(RemoteState(remote, remote.name == config.default, answer, detail))
    return tuple(states)


def _connect(remote: Remote, dvc: Path | None) -> tuple[Any, str]:
    """The remote's file system, and the path of its objects in it."""
    from dvc.config import Config
    from dvc.fs import get_cloud_fs, get_fs_config

    config = Config(None if dvc is None else os.fspath(dvc))
    known = config["remote"].get(remote.name, {})
    scheme = urlsplit(remote.url).scheme
    # remote://base/path: what is set for the base (user, password, …) holds as well
    if urlsplit(known.get("url", "")).scheme == "remote":
        known = get_fs_config(config, name=remote.name)
    same = urlsplit(known.get("url", "")).scheme == scheme
    # a relative URL means something else from here; ``remote.url`` is absolute
    settings = {**(known if same else {}), "url": remote.url}
    kind, options, path = get_cloud_fs(config, **settings)
    return kind(**options), path


class _Download:
    """Objects of one remote on their way into a folder; gives up at the first refusal."""

    def __init__(self, fs: Any, root: str, folder: Path) -> None:
        self.fs, self.root, self.folder = fs, root, folder
        self.reasons: set[str] = set()
        self.given_up = threading.Event()

    def bring(self, oid: str) -> bool:
        target = _object(self.folder, oid)
        target.parent.mkdir(parents=True, exist_ok=True)
        # as DVC 3 keeps it, then as DVC 2 did
        kinds: tuple[tuple[tuple[str, ...], Algorithm], ...] = (
            (("files", "md5"), "md5"),
            ((), "md5-dos2unix"),
        )
        for folders, algorithm in kinds:
            if self.given_up.is_set():
                return False
            source = self.fs.join(self.root, *folders, oid[:2], oid[2:])
            if self._get(source, target, oid.removesuffix(".dir"), algorithm):
                return True
        return False

    def _get(self, source: str, target: Path, md5: str, algorithm: Algorithm) -> bool:
        handle, name = tempfile.mkstemp(prefix=".download-", dir=target.parent)
        os.close(handle)
        try:
            self.fs.get_file(source, name)
            if md5 not in (_digest(name, "md5"), _digest(name, algorithm)):
                self.reasons.add(f"{source} is corrupt")
                return False
            os.replace(name, target)  # noqa: PTH105
            return True
        except FileNotFoundError:
            return False
        except Exception as error:
            self.reasons.add(_words(error))
            self.given_up.set()
            return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108


def _object(folder: Path, oid: str) -> Path:
    return folder / "files" / "md5" / oid[:2] / oid[2:]


def _digest(name: str, algorithm: Algorithm) -> str:
    with open(name, "rb", buffering=0) as stream:  # noqa: PTH123
        return HASHERS[algorithm](stream.readinto, os.fstat(stream.fileno()).st_size, None)


def _answers(remote: Remote, dvc: Path) -> tuple[bool | None, str]:
    if remote.folder is not None:
        there = remote.folder.is_dir()
        return there, "" if there else f"no folder {remote.folder}"
    answers: list[tuple[bool | None, str]] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(remote, dvc)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answers[0] if answers else (False, f"no answer within {PATIENCE:g} s")


def _ask(remote: Remote, dvc: Path) -> tuple[bool | None, str]:
    try:
        fs, root = _connect(remote, dvc)
        fs.info(root)
    except FileNotFoundError as error:
        cause = error.__cause__
        if cause is None or hasattr(cause, "status"):
            return None, "it answers, but there is nothing yet at its path"
        return False, _words(cause)
    except Exception as error:
        return False, _words(error)
    return True, ""


def _words(error: BaseException) -> str:
    """One line a person can act on."""
    said = str(error).strip().splitlines()
    kind = type(error).__name__
    line = said[0] if said else kind
    missing = getattr(error, "missing_deps", None)
    if missing:
        line += f" (pip install {' '.join(missing)})"
    return line if isinstance(error, OSError | ImportError) else f"{kind}: {line}"
