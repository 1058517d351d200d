"""Adds up what happened to each file: was it read, was it written, and what came first?"""

from __future__ import annotations

import os
from itertools import islice

from repro.watching.nouns import Access


class Ledger:
    """Events, in the order in which they happened, by absolute path."""

    def __init__(self) -> None:
        self._files: dict[str, list[bool]] = {}
        """By path, in order of appearance: read, written, written first, only ever appended to."""
        self._folders: set[str] = set()
        """Of the first ``_counted`` files."""
        self._counted = 0

    def read(self, path: str) -> None:
        entry = self._files.get(path)
        if entry is None:
            self._files[path] = [True, False, False, False]
        else:
            entry[0] = True

    def written(self, path: str) -> None:
        entry = self._files.get(path)
        if entry is None:
            self._files[path] = [False, True, True, False]
        else:
            entry[1], entry[3] = True, False

    def appended(self, path: str) -> None:
        """More was written behind what is in it."""
        entry = self._files.get(path)
        if entry is None:
            self._files[path] = [False, True, True, True]
        else:
            entry[3] = entry[3] or not entry[1]
            entry[1] = True

    def moved(self, source: str, target: str) -> None:
        """``source`` was renamed to ``target``: a file, or a folder with what is in it."""
        if source in self._files:
            self._files[source][0] = True  # its content goes on under the new name
            self.written(target)
            return
        inside = self._below(source)
        for path in inside:
            # what the run wrote below a temporary name is no input below its final one
            if self._files[path][1]:
                self.written(target + path[len(source) :])
        if not inside and not os.path.isdir(target):  # noqa: PTH112
            self.read(source)
            self.written(target)

    def _below(self, folder: str) -> list[str]:
        """The files known below a folder. Most that are renamed are files, and quick to be told so."""
        for path in islice(self._files, self._counted, None):
            parent = path.rpartition("/")[0]
            while parent and parent not in self._folders:
                self._folders.add(parent)
                parent = parent.rpartition("/")[0]
        self._counted = len(self._files)
        if folder not in self._folders:
            return []
        return [path for path in self._files if path.startswith(folder + "/")]

    def accesses(self) -> tuple[Access, ...]:
        """Sorted by path, without what is a folder."""
        return tuple(
            Access(path, read, written, "write" if first else "read", more)
            for path, (read, written, first, more) in sorted(self._files.items())
            if not os.path.isdir(path)  # noqa: PTH112 (thousands of them)
        )
