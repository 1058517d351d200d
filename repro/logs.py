"""The log of an execution: what it printed, kept on disk while it goes on to the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from repro.manifest import Descriptor
from repro.process import Sink
from repro.store import Store


class Silent:
    """A sink that shows nothing."""

    def stdout(self, chunk: bytes) -> None:
        pass

    def stderr(self, chunk: bytes) -> None:
        pass


class Log:
    """A sink that keeps both streams in a folder and passes them on."""

    def __init__(self, folder: Path, onward: Sink) -> None:
        self._folder, self._onward = folder, onward
        self._files: dict[str, IO[bytes]] = {}
        self._trouble: OSError | None = None
        self._lock = threading.Lock()

    def stdout(self, chunk: bytes) -> None:
        self._keep("stdout", chunk)
        self._onward.stdout(chunk)

    def stderr(self, chunk: bytes) -> None:
        self._keep("stderr", chunk)
        self._onward.stderr(chunk)

    def _keep(self, name: str, chunk: bytes) -> None:
        with self._lock:
            if self._trouble:
                return
            try:
                if name not in self._files:
                    self._files[name] = (self._folder / name).open("wb", buffering=0)
                self._files[name].write(chunk)
            except OSError as error:
                # the command goes on, and its output too; ``store`` says that the log is not whole
                self._trouble = error

    def texts(self) -> dict[str, bytes]:
        """What was printed so far, by role; the same roles as in the record."""
        with self._lock:
            names = sorted(self._files)
        return {f"log/{name}": (self._folder / name).read_bytes() for name in names}

    def store(
        self, store: Store, covered: Callable[[str, Path], Path] = lambda name, path: path
    ) -> tuple[Descriptor, ...]:
        """Put what was printed into the store; an empty stream is not kept.

        ``covered`` is given a stream's name and file, and gives the file that is stored in its place.
        Raises OSError where the log could not be kept whole (a full disk).
        """
        if self._trouble:
            raise self._trouble
        with self._lock:
            for stream in self._files.values():
                stream.close()
            names = sorted(self._files)
        return tuple(
            store.put_file(covered(name, self._folder / name), f"log/{name}", "text/plain")
            for name in names
        )
