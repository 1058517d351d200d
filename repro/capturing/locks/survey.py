"""All files of a project that say what to install: locks, declarations, lists of requirements."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.capturing.locks import reading
from repro.capturing.locks.reaching import expected, of_environment
from repro.capturing.probing import Probe
from repro.capturing.requirements import Manager, Requirement, Requirements

LISTS = (
    "requirements*.lock",
    "*requirements*.lock",
    "requirements/*.lock",
    "requirements*.txt",
    "requirements*.in",
    "requirements/*.txt",
    "requirements/*.in",
)

ASIDE = ("dev", "test", "doc", "lint", "ci", "build", "constraint")
"""Words in the name of a file that is not for the run itself."""


@dataclass(frozen=True)
class Stated:
    """One file, by its name from the project's folder, and what it says for one interpreter."""

    name: str
    path: Path
    entries: tuple[Requirement, ...]
    unread: tuple[str, ...] = ()
    aside: bool = False
    """For development or tests by its name: what it names need not be installed."""
    lock: bool = False


def survey(
    folders: Iterable[Path],
    base: Path,
    probe: Probe,
    known: Mapping[Path, Requirements] | None = None,
) -> tuple[Stated, ...]:
    """Those in the folders themselves, not below; names from ``base``. A file that says nothing, and
    of which nothing is unread, is none of them. ``known``: what was read already."""
    found: list[Stated] = []
    for path in dict.fromkeys(path for folder in folders for path in _paths(folder)):
        read = (known or {}).get(path) or _read(path)
        entries = expected(of_environment(read.entries, probe.prefix), read.roots, probe.markers)
        if entries or read.unread:
            found.append(_stated(path, base, entries, read.unread))
    return tuple(found)


def _stated(
    path: Path, base: Path, entries: Sequence[Requirement], unread: tuple[str, ...]
) -> Stated:
    return Stated(
        name=os.path.relpath(path, base).replace(os.sep, "/"),
        path=path,
        entries=tuple(item for item in entries if item.name and item.manager is not Manager.R),
        unread=unread,
        aside=any(word in path.stem.lower() for word in ASIDE) and path.suffix != ".toml",
        lock=any(path.match(form.pattern) for form in reading.LOCKS) or path.suffix == ".lock",
    )


def _paths(folder: Path) -> Iterator[Path]:
    patterns = [form.pattern for form in (*reading.LOCKS, *reading.DECLARATIONS)]
    for pattern in (*patterns, *LISTS):
        yield from (path for path in sorted(folder.glob(pattern)) if path.is_file())


def _read(path: Path) -> Requirements:
    try:
        return reading.read(path)
    except OSError as error:
        return Requirements((), (str(error.strerror),))
    except ValueError as error:
        # a file of another purpose may have such a name; that of conda's lists and environments is loose
        loose = path.match("conda*") or path.match("environment*")
        return Requirements((), () if loose else (str(error).splitlines()[0],))
