"""The project's own lockfile: which one it is, and where the installed packages differ from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import conda
from repro.capturing.locks import conda_environment, contradictions, reading, renv
from repro.capturing.locks.comparing import (
    compare_conda,
    compare_lock,
    compare_r,
    same_version,
)
from repro.capturing.locks.reaching import of_environment
from repro.capturing.probing import Probe
from repro.capturing.requirements import Manager, Requirement, Requirements
from repro.errors import NotFound
from repro.manifest import Finding, Package, Severity

__all__ = ["Lockfile", "compare_lock", "contradicting", "find", "findings", "same_version"]


@dataclass(frozen=True)
class Lockfile:
    """A lockfile and its entries; None where it could not be read, and ``unread`` tells why."""

    path: str
    entries: tuple[Requirement, ...] | None
    unread: tuple[str, ...] = ()
    complete: bool = True
    """It names the dependencies of the dependencies too."""
    roots: tuple[Requirement, ...] = ()
    """What the project itself asks for, where the format tells; see ``locks.reaching``."""


def find(folder: Path, configured: str | None = None) -> Lockfile | None:
    """The lockfile of the project in ``folder``: the configured one, else the first that is there.

    ``path`` is absolute. Raises NotFound where the configured one is missing.
    """
    if configured:
        path = folder / configured
        if not path.is_file():
            raise NotFound(
                f"repro.yaml: lockfile: there is no {configured} in {folder}",
                "correct its name, or remove the line",
            )
        return _read(path)
    return next(all_of(folder), None)


def all_of(folder: Path) -> Iterator[Lockfile]:
    """Every lockfile of the project in ``folder``; the first is the one that counts."""
    for pattern in ("requirements*.lock", "*requirements*.lock", "requirements*/*.lock"):
        yield from (found for path in _files(folder, pattern) if (found := _read(path)).entries)
    for form in reading.LOCKS:
        for path in _files(folder, form.pattern):
            found = _read(path)
            if form.read is not reading.plain or _is_pinned(found.entries or ()):
                yield found
    for pattern in ("requirements*.txt", "requirements/*.txt"):
        yield from (
            found
            for path in _files(folder, pattern)
            if _is_pinned((found := _read(path)).entries or ())
        )
    for form in reading.DECLARATIONS:
        if form.read is conda_environment.read:
            yield from (
                found
                for path in _files(folder, form.pattern)
                if (found := _read(path)).complete and found.entries
            )


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def _read(path: Path) -> Lockfile:
    try:
        found = reading.read(path)
    except OSError as error:
        return Lockfile(str(path), None, (f"{path.name} ({error.strerror})",))
    except ValueError as error:
        return Lockfile(str(path), None, (str(error).splitlines()[0],))
    complete = found.complete or _is_pinned(found.entries)
    return Lockfile(str(path), found.entries, found.unread, complete, found.roots)


def _is_pinned(entries: Sequence[Requirement]) -> bool:
    """Whether every entry leaves one version only; a list of wishes is no lock."""
    wanted = [entry for entry in entries if not entry.constraint]
    return bool(wanted) and all(
        entry.version or entry.hashes or (entry.url and not entry.editable) for entry in wanted
    )


def findings(
    lockfile: Lockfile | None, folder: Path, installed: Sequence[Package], probe: Probe
) -> tuple[Finding, ...]:
    """What is to be said of the lockfile beside the installed packages; paths from ``folder``."""
    if lockfile is None:
        return ()
    path = Path(lockfile.path)
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    return (*_unread(lockfile, name), *_compared(lockfile, name, folder, installed, probe))


def contradicting(
    lockfile: Lockfile | None, folders: Sequence[Path], installed: Sequence[Package], probe: Probe
) -> tuple[Finding, ...]:
    """Where the files that say what to install contradict what is installed, or each other.

    ``folders``: the project's, from which paths are told, then any other that may have such files, as
    that of the command. ``lockfile`` is what ``find`` found; that is not told twice.
    """
    known: dict[Path, Requirements] = {}
    path = Path(lockfile.path) if lockfile else None
    if lockfile and path and lockfile.entries is not None:
        known[path] = Requirements(
            lockfile.entries, lockfile.unread, lockfile.complete, lockfile.roots
        )
    return contradictions.findings(folders, installed, probe, path, known)


def _unread(lockfile: Lockfile, name: str) -> Iterator[Finding]:
    if lockfile.entries is None:
        why = lockfile.unread[0] if lockfile.unread else "its format is not known"
        yield _note(f"{name} could not be read, what is installed counts: {why}")
    elif lockfile.unread:
        yield _note(f"{name}: could not be read: {conda.shortened(lockfile.unread)}")


def _compared(
    lockfile: Lockfile, name: str, folder: Path, installed: Sequence[Package], probe: Probe
) -> Iterator[Finding]:
    entries = of_environment(lockfile.entries or (), probe.prefix)
    managers = {item.manager for item in entries}
    complete = lockfile.complete
    if Manager.R in managers:
        yield from _of_r(renv.installed(Path(lockfile.path).parent), entries, name)
    if Manager.CONDA in managers:
        prefix = Path(probe.prefix)
        if not conda.is_prefix(prefix):
            yield _note(
                f"{name} is for conda, and the command's Python is in no environment of conda: "
                "what it says of conda's packages is not compared",
                "run the command in the environment that conda makes of it",
            )
            complete = False
        else:
            packages = conda.explicit(prefix)
            yield from compare_conda(packages, entries, probe.markers, name, complete=complete)
            covered = {one for item in packages for one in item.distributions}
            installed = [item for item in installed if item.name not in covered]
    if Manager.PYTHON in managers or (complete and Manager.R not in managers and entries):
        yield from compare_lock(
            installed, entries, probe.markers, name, complete=complete, roots=lockfile.roots
        )


def _of_r(
    installed: Mapping[str, str], entries: Sequence[Requirement], name: str
) -> Iterator[Finding]:
    if installed:
        yield from compare_r(installed, entries, name)
    else:
        yield _note(
            f"{name} locks packages of R, and renv/library holds none: it is not compared",
            "Rscript -e 'renv::restore()'",
        )


def _note(message: str, remedy: str = "") -> Finding:
    return Finding(Severity.NOTE, "packages", message, remedy)
