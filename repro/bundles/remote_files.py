"""A folder that fsspec reaches: a bucket, a server, whatever there is a file system for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from repro import canonical
from repro.bundles.folder import LARGEST_INDEX, read
from repro.bundles.references import Url
from repro.errors import Busy, ReproError

ATTEMPTS = 5
_RENAMING = {"file", "local", "sftp", "ssh", "smb", "ftp", "hdfs", "webhdfs", "arrow_hdfs"}
"""File systems where a file is seen while it is written; with the others it appears as a whole."""


class RemoteFiles:
    """The Files of a URL. What its file system raises becomes a ReproError."""

    def __init__(self, url: Url) -> None:
        self.where = url.shown
        self._scheme = url.url.partition("://")[0]
        with self._failing("reach"):
            import fsspec.core

            # others write there too: what was listed before may not be true any more
            self._fs, root = fsspec.core.url_to_fs(url.url, use_listings_cache=False)
            self._root = str(root).rstrip("/")

    def names(self) -> Collection[str]:
        with self._failing("list"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._fs.invalidate_cache()
            found = self._fs.ls(self._root, detail=False)
            return [name for item in found if (name := str(item).rstrip("/").rpartition("/")[2])]
        return []

    def size(self, name: str) -> int | None:
        with self._failing("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            facts = self._fs.info(self._path(name))
            if facts.get("type") == "file":
                count = facts.get("size")
                return count if isinstance(count, int) else None
        return None

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._failing("read"):
            stream = self._fs.open(self._path(name), "rb", cache_type="readahead")
        with contextlib.closing(stream):
            while True:
                with self._failing("read"):
                    chunk = stream.read(canonical.CHUNK)
                if not chunk:
                    return
                yield chunk

    def put(self, name: str, source: Path) -> None:
        with self._failing("write"):
            self._written(name, lambda path: self._fs.put_file(str(source), path))
        if self.size(name) != source.stat().st_size:
            raise ReproError(f"{self.where} did not keep {name} whole", "push again")

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """There is no lock in a bucket: what was written is read again, and written again where another
        push came between. Raises Busy."""
        for _ in range(ATTEMPTS):
            before = read(self, name, LARGEST_INDEX)
            after = change(before)
            if after == before:
                return
            with self._failing("write"):
                self._written(name, lambda path, content=after: self._fs.pipe_file(path, content))  # type: ignore[misc]
            if read(self, name, LARGEST_INDEX) == after:
                return
        raise Busy(f"others write to {self.where} all the time", "push again")

    def _written(self, name: str, write: Callable[[str], object]) -> None:
        path = self._path(name)
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        if self._scheme not in _RENAMING:
            write(path)
            return
        beside = f"{path}.{canonical.PROCESS}{os.urandom(4).hex()}"
        try:
            write(beside)
            self._fs.mv(beside, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(beside)
            raise

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, ReproError) as error:
            if what in ("read", "list") or isinstance(error, ReproError):
                raise
            raise self._error(what, error) from error
        except ImportError as error:
            raise ReproError(
                f"{self._scheme}:// needs a package that is not installed: {_line(error)}",
                f"pip install 'fsspec[{self._scheme}]'",
            ) from error
        except Exception as error:  # each file system has errors of its own
            raise self._error(what, error) from error

    def _error(self, what: str, error: Exception) -> ReproError:
        return ReproError(f"cannot {what} {self.where}: {type(error).__name__}: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
