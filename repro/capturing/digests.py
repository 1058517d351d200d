"""Digests of files, remembered: a file that did not change is not read again.

Only a cache, in one sqlite file that may be deleted at any time. What is kept is believed for as
long as size, modification time, change time and inode are the same. The change time cannot be set
back, so ``cp -p`` or ``touch -d`` does not fool it.

A clock ticks in steps, though (4 ms on ext4, 2 s on FAT): a file written, read here and written
again within one step looks the same twice. So a digest is kept only of a file that had been at rest
for SETTLED seconds when reading began: every later write then bears a later time (git calls it the
racy index). A younger file is simply read again next time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from repro.capturing.hashing import HASHERS, Algorithm, Cancel
from repro.errors import ReproError

SETTLED = 2.0
"""Seconds; the step of the coarsest clock that a file system in use has."""
THREADED = 4 << 20
"""Bytes to read in all, from which on threads pay."""
ATTEMPTS = 3
SCHEMA = """
CREATE TABLE IF NOT EXISTS digests_1 (
    path BLOB NOT NULL, algorithm TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL, inode INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (path, algorithm)
) WITHOUT ROWID
"""
SELECT = "SELECT path, size, mtime, ctime, inode, digest FROM digests_1 WHERE algorithm = ?"

Identity = tuple[int, int, int, int]
Known = tuple[int, int, int, int, str]
Row = tuple[bytes, str, int, int, int, int, str]


class Unsteady(ReproError):
    """A file kept changing while it was read: no digest describes it."""


class Digests:
    """Hex digests of files, through a cache in one sqlite file that any number of processes share.

    A cache that cannot be opened, written or understood costs time and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._pending: list[Row] = []
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Digests:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write back what is new. The object may be used again; it then opens the file again."""
        with self._lock:
            self._flush()
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def of(
        self,
        path: Path,
        algorithm: Algorithm = "md5",
        stat: os.stat_result | None = None,
        progress: Callable[[str, int], None] | None = None,
    ) -> str:
        """The hex digest of one file; ``stat`` is its ``os.stat``, where the caller has it already.

        Raises ReproError where it cannot be read, Unsteady where it keeps changing meanwhile.
        """
        name = os.path.abspath(path)  # noqa: PTH100  resolve() would follow links
        try:
            found = os.stat(name) if stat is None else stat  # noqa: PTH116
        except OSError as error:
            raise _unreadable(name, error) from error
        key = os.fsencode(name)
        with self._lock:
            rows = self._select(SELECT + " AND path = ?", algorithm, key)
        if rows and rows[0][1:5] == _identity(found):
            return rows[0][5]
        digest, row = _read(name, algorithm, None)
        if progress is not None:
            progress(name, found.st_size)
        if row is not None:
            with self._lock:
                self._pending.append(row)
        return digest

    def of_folder(
        self,
        folder: str,
        files: Mapping[str, os.stat_result],
        algorithm: Algorithm = "md5",
        progress: Callable[[str, int], None] | None = None,
    ) -> dict[str, str]:
        """The hex digests of all files below a folder, by relative path as ``files`` has them.

        ``folder`` is absolute, ``files`` carries each file's ``os.stat``. All the folder's rows are
        read at once, new ones written in one transaction, those of files that are gone forgotten.
        ``progress`` hears of each file that had to be read (absolute path, size), from any thread.
        """
        start = folder.rstrip("/") + "/"
        with self._lock:
            known = self._known(os.fsencode(start), algorithm)
        digests: dict[str, str] = {}
        unread: dict[str, int] = {}
        for name, stat in files.items():
            row = known.pop(name, None)
            if row is not None and row[:4] == _identity(stat):
                digests[name] = row[4]
            else:
                unread[start + name] = stat.st_size
        found = list(_read_all(unread, algorithm, progress))
        digests.update((path[len(start) :], digest) for path, (digest, _) in found)
        with self._lock:
            self._pending += (row for _, (_, row) in found if row is not None)
            self._flush((os.fsencode(start + name) for name in known), algorithm)
        return digests

    # --- sqlite: every failure of it means "not known", never an error

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None:
            for _ in range(2):
                try:
                    self._connection = self._connect()
                    break
                except sqlite3.OperationalError:
                    break  # locked, read-only, no folder: do without, this time
                except (sqlite3.DatabaseError, OSError):
                    self._discard()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=5.0, isolation_level=None, check_same_thread=False
        )
        try:
            # a rollback journal and not WAL, which does not work across machines (NFS)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _discard(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self.path}{suffix}")  # noqa: PTH108

    def _select(self, query: str, *values: object) -> list[tuple[bytes, int, int, int, int, str]]:
        connection = self._open()
        if connection is None:
            return []
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []
        except sqlite3.DatabaseError:
            self._discard()
            return []

    def _known(self, start: bytes, algorithm: Algorithm) -> dict[str, Known]:
        """The rows of all paths that begin so, by the rest of the path."""
        cut = len(start)
        rows = self._select(
            SELECT + " AND path > ? AND path < ?", algorithm, start, start[:-1] + b"0"
        )
        return {os.fsdecode(row[0][cut:]): row[1:] for row in rows}

    def _flush(self, gone: Iterable[bytes] = (), algorithm: Algorithm = "md5") -> None:
        rows, self._pending = self._pending, []
        forgotten = [(path, algorithm) for path in gone]
        if not (rows or forgotten):
            return
        connection = self._open()
        if connection is None:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "DELETE FROM digests_1 WHERE path = ? AND algorithm = ?", forgotten
            )
            connection.executemany("INSERT OR REPLACE INTO digests_1 VALUES (?,?,?,?,?,?,?)", rows)
            connection.execute("COMMIT")
        except sqlite3.OperationalError:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        except sqlite3.DatabaseError:
            self._discard()


def _identity(stat: os.stat_result) -> Identity:
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _read(name: str, algorithm: Algorithm, cancel: Cancel | None) -> tuple[str, Row | None]:
    """The digest, and the row to keep: None for a file too young to be told from its next state."""
    for _ in range(ATTEMPTS):
        began = time.time()
        try:
            with open(name, "rb", buffering=0) as stream:  # noqa: PTH123  10,000 of them: no Path
                before = _identity(os.fstat(stream.fileno()))
                digest = HASHERS[algorithm](stream.readinto, before[0], cancel)
                after = _identity(os.fstat(stream.fileno()))
        except OSError as error:
            raise _unreadable(name, error) from error
        if before == after:
            newest = max(after[1], after[2]) / 1e9
            # an inode of 0 or above 63 bits (some network file systems) identifies nothing
            kept = newest < began - SETTLED and 0 < after[3] < 1 << 63
            return digest, (os.fsencode(name), algorithm, *after, digest) if kept else None
    raise Unsteady(
        f"{name} keeps changing while it is read", "stop what writes to it, then try again"
    )


def _read_all(
    sizes: dict[str, int],
    algorithm: Algorithm,
    progress: Callable[[str, int], None] | None,
) -> Iterable[tuple[str, tuple[str, Row | None]]]:
    cancel = threading.Event()

    def read(name: str) -> tuple[str, tuple[str, Row | None]]:
        found = _read(name, algorithm, cancel)
        if progress is not None:
            progress(name, sizes[name])
        return name, found

    names = list(sizes)
    workers = min(8, os.cpu_count() or 1, len(names))
    if workers < 2 or sum(sizes.values()) < THREADED:
        return [read(name) for name in names]
    # few large tasks and not one per file: handing one over costs as much as a small file
    step = max(1, min(64, len(names) // (4 * workers)))
    parts = [names[first : first + step] for first in range(0, len(names), step)]
    with ThreadPoolExecutor(workers) as pool:
        try:
            done = pool.map(lambda part: [read(name) for name in part], parts)
            return [item for part in done for item in part]
        except BaseException:
            cancel.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _unreadable(name: str, error: OSError) -> ReproError:
    return ReproError(
        f"cannot read {name}: {error.strerror or error}", "make it readable, or untrack it"
    )
