"""Data put back where a definition has it: from repro's store, DVC's cache, or a DVC remote."""

from __future__ import annotations

import os
import posixpath
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from repro.capturing import dvc_folders
from repro.capturing.copying import Copier, Mismatch
from repro.capturing.data_findings import named
from repro.capturing.dvc_config import Remote
from repro.capturing.dvc_folders import Place
from repro.capturing.hashing import Algorithm
from repro.errors import Corrupt, ReproError, Unreplayable
from repro.manifest import Data, DataKind

SHOWN = 5
"""Missing paths that the error spells out."""

Progress = Callable[[str, int], None]
"""Hears of each file that was restored: path relative to the target, size. From any thread."""


@dataclass(frozen=True)
class Sources:
    """Where data may come from, in the order in which it is tried."""

    blob: Callable[[str], Path | None] = lambda _: None
    """repro's own store: md5 hex (``.dir`` appended for a listing) to file."""
    listings: Mapping[str, bytes] = field(default_factory=dict)
    """Of folders, by path, where the caller has them; verified all the same."""
    caches: tuple[Path, ...] = ()
    """DVC cache folders, read only."""
    remotes: tuple[Remote, ...] = ()
    """A folder is read directly, the others through DVC's library."""
    dvc: Path | None = None
    """The ``.dvc`` folder whose settings (credentials) the remotes are asked with."""
    download: Path | None = None
    """A folder of repro's own for what remotes send; None: they are not asked."""


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, and from where."""

    files: int = 0
    size: int = 0
    origins: dict[str, int] = field(default_factory=dict)
    """Files by origin: ``store``, ``cache``, ``remote``."""
    corrupt: tuple[str, ...] = ()
    """Objects that did not have the hash in their name and were passed over."""


@dataclass(frozen=True)
class _File:
    path: str
    md5: str
    algorithm: Algorithm


def restore(
    items: Iterable[Data],
    target: Path,
    sources: Sources,
    progress: Progress | None = None,
) -> RestoreReport:
    """Write the data below ``target``, each file verified while it is copied.

    What stands at an item's place is replaced. Raises Unreplayable, naming what is missing and
    where it was looked for; Corrupt where an item leads out of the target.
    """
    root = os.path.abspath(target)  # noqa: PTH100
    work = _Work(root, sources, progress)
    files: list[_File] = []
    for data in items:
        algorithm = _checked(data)
        _make_way(root, data.path)
        if data.kind is DataKind.FILE:
            files.append(_File(data.path, data.hash.partition(":")[2], algorithm))
            continue
        listing = work.listing(data)
        if listing is not None:
            Path(root, data.path).mkdir()
            files += (_File(f"{data.path}/{name}", listing[name], algorithm) for name in listing)
    for folder in sorted({posixpath.dirname(file.path) for file in files}):
        os.makedirs(f"{root}/{folder}", exist_ok=True)  # noqa: PTH103
    missing = work.local(files)
    if missing:
        missing = work.remote(missing)
    if missing or work.unlisted:
        raise _missing(missing, work)
    return work.report()


@dataclass(frozen=True)
class Located:
    """One file's content, or a folder's listing, and the places on this machine that may have it."""

    md5: str
    """With ``.dir`` for a listing."""
    algorithm: Algorithm
    paths: tuple[str, ...]
    """Not verified. The store's own comes first."""
    place: str = ""
    """Its path in the workspace; of several always the same one."""


def locate(items: Iterable[Data], sources: Sources) -> tuple[Located, ...]:
    """Where the content of each file of the data lies, by md5, each once; listings among them. What is in
    no local place is fetched from the remotes.

    Raises Unreplayable, naming what is missing and where it was looked for.
    """
    work = _Work("", sources, None)
    files: dict[str, _File] = {}
    for data in items:
        algorithm = _checked(data)
        oid = data.hash.partition(":")[2]
        if data.kind is DataKind.FILE:
            files[oid] = _File(data.path, oid, algorithm)
        elif (listing := work.listing(data)) is not None:
            files[oid] = _File(data.path, oid, "md5")
            for name in sorted(listing, reverse=True):
                files[listing[name]] = _File(f"{data.path}/{name}", listing[name], algorithm)
    found = work.located([files[oid] for oid in sorted(files)])
    missing = [files[item.md5] for item in found if not item.paths]
    if missing or work.unlisted:
        raise _missing(missing, work)
    return found


def _checked(data: Data) -> Algorithm:
    """The way that its files are hashed, once path and hash are what they may be."""
    dvc_folders.check_relative(data.path, "the manifest")
    algorithm = cast(Algorithm, data.hash.partition(":")[0])
    if algorithm not in ("md5", "md5-dos2unix"):
        raise Corrupt(f"{data.path} has a hash of an unknown kind: {data.hash}")
    dvc_folders.check_md5(data.hash.partition(":")[2].removesuffix(".dir"), data.path)
    return algorithm


def _make_way(root: str, path: str) -> None:
    """Clear the item's place; its parents must be folders and no links, which may lead anywhere."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        parent = "/".join([root, *parts[:count]])
        if os.path.islink(parent) or (os.path.lexists(parent) and not os.path.isdir(parent)):  # noqa: PTH114, PTH112
            raise Unreplayable(
                f"cannot restore {path}: {'/'.join(parts[:count])} is no folder in the source"
            )
    place = f"{root}/{path}"
    try:
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH114, PTH112
            shutil.rmtree(place)
        else:
            os.unlink(place)  # noqa: PTH108
    except FileNotFoundError:
        os.makedirs(posixpath.dirname(place), exist_ok=True)  # noqa: PTH103


class _Work:
    """One restore under way: what was tried, what came from where."""

    def __init__(self, root: str, sources: Sources, progress: Progress | None) -> None:
        self.root, self.sources, self.progress = root, sources, progress
        folders = [(remote, remote.folder) for remote in sources.remotes]
        self.caches = [Place(str(folder)) for folder in sources.caches]
        self.folders = [Place(str(folder)) for _, folder in folders if folder is not None]
        self.asked = [remote for remote, folder in folders if folder is None]
        self.tried = ["repro's store", *(f"DVC cache {folder}" for folder in sources.caches)]
        self.tried += [f"remote {remote.name} ({folder})" for remote, folder in folders if folder]
        self.reasons: list[str] = []
        self.unlisted: list[Data] = []
        self.corrupt: set[str] = set()
        self.origins: dict[str, int] = {}
        self.files = self.size = 0
        self._lock = threading.Lock()

    def report(self) -> RestoreReport:
        origins = {name: self.origins[name] for name in sorted(self.origins)}
        return RestoreReport(self.files, self.size, origins, tuple(sorted(self.corrupt)))

    # --- listings

    def listing(self, data: Data) -> dict[str, str] | None:
        """md5 by relative path of a folder; None, and noted, where no place has the listing."""
        oid = data.hash.partition(":")[2]
        content = self._local_listing(data, oid)
        if content is None:
            fetched = self._fetch([oid])
            content = self._read_listing(fetched.find(oid), oid) if fetched else None
        if content is None:
            self.unlisted.append(data)
            return None
        return dvc_folders.parse_listing(content, data.path)

    def _local_listing(self, data: Data, oid: str) -> bytes | None:
        given = self.sources.listings.get(data.path)
        if given is not None and dvc_folders.listing_hash(given) == oid:
            return given
        blob = self.sources.blob(oid)
        paths = [str(blob)] if blob else []
        paths += [path for place in (*self.caches, *self.folders) for path in place.candidates(oid)]
        for path in paths:
            content = self._read_listing(path, oid)
            if content is not None:
                return content
        return None

    def _read_listing(self, path: str | None, oid: str) -> bytes | None:
        try:
            content = Path(path).read_bytes() if path else None
        except OSError:
            return None
        if content is not None and dvc_folders.listing_hash(content) != oid:
            self.corrupt.add(str(path))
            return None
        return content

    # --- files

    def located(self, files: list[_File]) -> tuple[Located, ...]:
        """Each with the places that have it; what is in none on this machine is fetched first."""
        places = [("", place) for place in (*self.caches, *self.folders)]
        found = {file.md5: self._there(self._nearby(file, places)) for file in files}
        lacking = sorted(md5 for md5, paths in found.items() if not paths)
        fetched = self._fetch(lacking) if lacking else None
        if fetched is not None:
            for md5 in lacking:
                found[md5] = self._there(("", path) for path in fetched.candidates(md5))
        return tuple(
            Located(file.md5, file.algorithm, found[file.md5], file.path) for file in files
        )

    @staticmethod
    def _there(candidates: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        return tuple(path for _, path in candidates if os.path.isfile(path))  # noqa: PTH113

    def local(self, files: list[_File]) -> list[_File]:
        """Restore from places on this machine; what is in none of them."""
        places = [("cache", place) for place in self.caches]
        places += [("remote", place) for place in self.folders]
        return self._restore(files, lambda file: self._nearby(file, places))

    def remote(self, files: list[_File]) -> list[_File]:
        """Restore through DVC's library; what no remote had either."""
        fetched = self._fetch(sorted({file.md5 for file in files}))
        if fetched is None:
            return files
        return self._restore(
            files, lambda file: [("remote", path) for path in fetched.candidates(file.md5)]
        )

    def _nearby(self, file: _File, places: list[tuple[str, Place]]) -> Iterable[tuple[str, str]]:
        blob = self.sources.blob(file.md5)
        if blob is not None:
            yield "store", str(blob)
        for origin, place in places:
            for path in place.candidates(file.md5):
                yield origin, path

    def _restore(
        self, files: list[_File], candidates: Callable[[_File], Iterable[tuple[str, str]]]
    ) -> list[_File]:
        cancel = threading.Event()
        copier = Copier(cancel)

        def restore_some(part: list[_File]) -> list[_File]:
            return [file for file in part if not self._one(file, candidates(file), copier)]

        workers = min(8, 2 * (os.cpu_count() or 1), len(files))
        if workers < 2:
            return restore_some(files)
        step = max(1, min(64, len(files) // (4 * workers)))
        parts = [files[first : first + step] for first in range(0, len(files), step)]
        with ThreadPoolExecutor(workers) as pool:
            try:
                return [file for part in pool.map(restore_some, parts) for file in part]
            except BaseException:
                cancel.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _one(self, file: _File, candidates: Iterable[tuple[str, str]], copier: Copier) -> bool:
        for origin, source in candidates:
            try:
                size = copier.copy(source, f"{self.root}/{file.path}", file.md5, file.algorithm)
            except Mismatch:
                with self._lock:
                    self.corrupt.add(source)
            except FileNotFoundError:
                continue
            except OSError as error:
                if os.path.exists(source) and not os.access(source, os.R_OK):  # noqa: PTH110
                    with self._lock:
                        self.reasons.append(f"{source}: {error.strerror}")
                    continue
                raise ReproError(
                    f"cannot copy {source} to {self.root}/{file.path}: {error.strerror}"
                ) from error
            else:
                with self._lock:
                    self.files += 1
                    self.size += size
                    self.origins[origin] = self.origins.get(origin, 0) + 1
                if self.progress is not None:
                    self.progress(file.path, size)
                return True
        return False

    def _fetch(self, oids: list[str]) -> Place | None:
        if not self.asked or self.sources.download is None:
            return None
        from repro.capturing import dvc_remote

        wanted = set(oids)
        for remote in self.asked:
            outcome = dvc_remote.fetch(
                remote, sorted(wanted), self.sources.download, self.sources.dvc
            )
            wanted -= outcome.fetched
            shown = f"remote {remote.name} ({remote.public_url})"
            if shown not in self.tried:
                self.tried.append(shown)
            self.reasons += [reason for reason in outcome.reasons if reason not in self.reasons]
            if not wanted:
                break
        return Place(str(self.sources.download))


def _missing(files: list[_File], work: _Work) -> Unreplayable:
    wanted = [f"{file.path} ({file.algorithm} {file.md5})" for file in files]
    wanted += [f"{data.path} ({data.hash.replace(':', ' ')})" for data in work.unlisted]
    count = f"{len(wanted)} data files" if len(wanted) > 1 else "data"
    message = f"{count} could not be had: {named(sorted(wanted), SHOWN)}; "
    message += f"tried {', '.join(work.tried)}"
    if work.corrupt:
        message += f"; corrupt: {named(sorted(work.corrupt), SHOWN)}"
    if work.reasons:
        message += f"; {'; '.join(sorted(set(work.reasons))[:SHOWN])}"
    return Unreplayable(message, "where the data still is: dvc push; then replay again")
