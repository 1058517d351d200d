"""The project's own lockfile: which one it is, and where the installed packages differ from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import requirements
from repro.capturing.distributions import normalised
from repro.capturing.probing import Probe
from repro.capturing.requirements import Requirement
from repro.errors import NotFound
from repro.manifest import Finding, Package, PackageOrigin, Severity

# Recognised by name. What is installed counts, so that it is no loss that these are not read.
OTHER_FORMATS = (
    "uv.lock",
    "pylock*.toml",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pixi.lock",
    "conda-lock.yml",
    "*conda-lock.yml",
    "conda-*.lock",
    "explicit*.txt",
)

# Part of every environment, and of hardly any lock.
INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute", "pkg-resources"})


@dataclass(frozen=True)
class Lockfile:
    """A lockfile; its entries where its format is read, None where it is only recognised."""

    path: str
    entries: tuple[Requirement, ...] | None
    unread: tuple[str, ...] = ()


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
    for pattern in ("requirements*.lock", "*requirements*.lock", "requirements*/*.lock"):
        for path in sorted(folder.glob(pattern)):
            if (found := _read(path)).entries:
                return found
    for pattern in OTHER_FORMATS:
        for path in sorted(folder.glob(pattern)):
            return Lockfile(str(path), None)
    for pattern in ("requirements*.txt", "requirements/*.txt"):
        for path in sorted(folder.glob(pattern)):
            if _is_pinned((found := _read(path)).entries or ()):
                return found
    return None


def _read(path: Path) -> Lockfile:
    recognised = any(path.match(pattern) for pattern in OTHER_FORMATS)
    if recognised or path.suffix in (".toml", ".json", ".yml", ".yaml"):
        return Lockfile(str(path), None)
    try:
        found = requirements.read(path)
    except OSError as error:
        return Lockfile(str(path), None, (f"{path.name} ({error.strerror})",))
    return Lockfile(str(path), found.entries, found.unread)


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
    found: list[Finding] = []
    if lockfile.entries is None:
        message = f"{name} is recognised, not read: what is installed counts"
        found.append(Finding(Severity.NOTE, "packages", message))
    for item in lockfile.unread:
        message = f"{name}: could not be read: {item}"
        found.append(Finding(Severity.NOTE, "packages", message))
    if lockfile.entries is not None:
        found += compare_lock(installed, lockfile.entries, probe.markers, name)
    return tuple(found)


def compare_lock(
    installed: Iterable[Package],
    locked: Iterable[Requirement],
    markers: Mapping[str, str],
    name: str = "the lockfile",
) -> tuple[Finding, ...]:
    """Where the installed packages and the lock differ. The installed ones are recorded anyway."""
    return tuple(_differences(tuple(installed), tuple(locked), markers, name))


def _differences(
    installed: tuple[Package, ...],
    locked: tuple[Requirement, ...],
    markers: Mapping[str, str],
    name: str,
) -> Iterator[Finding]:
    have = {item.name: item for item in installed}
    wanted = [item for item in locked if item.name and item.applies(markers) is not False]
    unknown = [item.name for item in wanted if item.applies(markers) is None]
    yield from _said(
        f"it cannot be told whether these lines of {name} apply to this Python: ",
        unknown,
    )
    sync = f"install what {name} says, or lock again"
    yield from _said(
        f"{name} names what is not installed: ",
        [
            item.name if item.version is None else f"{item.name} {item.version}"
            for item in wanted
            if item.name not in have and item.name not in unknown and not item.constraint
        ],
        sync,
    )
    yield from _said(
        f"installed in another version than {name} says: ",
        [
            f"{item.name} {have[item.name].version} (locked: {item.version})"
            for item in wanted
            if item.version
            and item.name in have
            and not same_version(have[item.name].version, item.version)
        ],
        sync,
    )
    named = {item.name for item in locked} | INSTALLERS
    extra = [
        item.name
        for item in installed
        if item.name not in named and item.origin is not PackageOrigin.EDITABLE
    ]
    if extra:
        shown = ", ".join(extra[:5]) + (" …" if len(extra) > 5 else "")
        noun = "package is" if len(extra) == 1 else "packages are"
        yield Finding(
            Severity.NOTE,
            "packages",
            f"{len(extra)} {noun} installed that {name} does not name, recorded too: {shown}",
        )


def _said(message: str, items: Iterable[str], remedy: str = "") -> Iterator[Finding]:
    named = sorted(set(items))
    if named:
        yield Finding(Severity.NOTE, "packages", message + ", ".join(named), remedy)


def same_version(installed: str, locked: str) -> bool:
    """Whether the installed version satisfies ``==locked``: ``1.0`` is ``1.0.0``, and ``2.1+cpu``
    satisfies ``2.1`` (PEP 440)."""
    if "+" not in locked:
        installed = installed.partition("+")[0]
    return _comparable(installed) == _comparable(locked)


def _comparable(version: str) -> str:
    try:
        from packaging.version import InvalidVersion, Version
    except ImportError:
        return re.sub(r"(\.0)+$", "", normalised(version))
    try:
        found = Version(version)
    except InvalidVersion:
        return version
    # the public form keeps trailing zeros, and they mean nothing
    release = re.sub(r"(\.0)+$", "", ".".join(map(str, found.release)))
    return f"{found.epoch}!{release}|{found.pre}|{found.post}|{found.dev}|{found.local}"
