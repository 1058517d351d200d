"""Where the installed packages and a lock differ. The installed ones are recorded anyway."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from repro.capturing.conda import CondaPackage, shortened
from repro.capturing.distributions import normalised
from repro.capturing.locks import conda_words
from repro.capturing.locks.reaching import expected
from repro.capturing.requirements import Manager, Requirement
from repro.manifest import Finding, Package, PackageOrigin, Severity

# Part of every environment, and of hardly any lock.
INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute", "pkg-resources"})

HERE = frozenset({PackageOrigin.LOCAL, PackageOrigin.EDITABLE})
"""From a path: whether it is a copy or a link of it is the installer's choice."""

Candidates = Mapping[str, Sequence[Requirement]]


def compare_lock(
    installed: Iterable[Package],
    locked: Iterable[Requirement],
    markers: Mapping[str, str],
    name: str = "the lockfile",
    *,
    complete: bool = True,
    roots: Sequence[Requirement] = (),
) -> tuple[Finding, ...]:
    """The differences between what Python's installers installed and what the lock says of that.

    ``complete``: what it does not name is said too. ``roots`` are those of ``reaching.expected``.
    """
    mine = [item for item in locked if item.manager is Manager.PYTHON]
    return tuple(_differences(tuple(installed), mine, markers, name, complete, roots))


def _differences(
    installed: Sequence[Package],
    locked: Sequence[Requirement],
    markers: Mapping[str, str],
    name: str,
    complete: bool,
    roots: Sequence[Requirement],
) -> Iterator[Finding]:
    have = {item.name: item for item in installed}
    wanted = by_name(expected(locked, roots, markers))
    unknown = {item.name for item in locked if item.applies(markers) is None}
    yield from _said(
        f"it cannot be told whether these lines of {name} apply to this Python: ", unknown
    )
    sync = f"install what {name} says, or lock again"
    yield from _said(
        f"{name} names what is not installed: ",
        [
            _titled(items)
            for key, items in wanted.items()
            if key not in have and is_needed(items, unknown)
        ],
        sync,
    )
    both = [(have[key], items) for key, items in wanted.items() if key in have]
    yield from _said(
        f"installed in another version than {name} says: ",
        [
            f"{package.name} {package.version} (locked: {_either(items)})"
            for package, items in both
            if not _is_right(package.version, items)
        ],
        sync,
    )
    yield from _said(
        f"installed from elsewhere than {name} says: ",
        [said for package, items in both if (said := _elsewhere(package, items))],
        sync,
    )
    if complete:
        yield from _extra(installed, locked, name)


def by_name(entries: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    """A lock may have several versions of one package: one each for other platforms, or for extras."""
    found: dict[str, list[Requirement]] = {}
    for item in entries:
        if item.name:
            found.setdefault(item.name, []).append(item)
    return found


def is_needed(items: Iterable[Requirement], unknown: Iterable[str] = ()) -> bool:
    return any(
        not item.optional and not item.constraint and item.name not in unknown for item in items
    )


def _titled(items: Sequence[Requirement]) -> str:
    return f"{items[0].name} {_either(items)}".strip()


def _either(items: Sequence[Requirement]) -> str:
    return " or ".join(dict.fromkeys(item.version for item in items if item.version))


def _is_right(version: str, items: Sequence[Requirement]) -> bool:
    """Whether one of the entries leaves that version; those that name none leave all."""
    return any(item.version is None or same_version(version, item.version) for item in items)


def _extra(
    installed: Sequence[Package], locked: Sequence[Requirement], name: str
) -> Iterator[Finding]:
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
        yield Finding(Severity.NOTE, "packages", message + shortened(named), remedy)


# --- where it came from ---------------------------------------------------------------------


def _elsewhere(package: Package, items: Sequence[Requirement]) -> str | None:
    """Where it came from, where no entry says so; None where one does, or says nothing of it."""
    origins = [_origin(item) for item in items]
    if None in origins or any(_fits(package, item) for item in items):
        return None
    at = package.location or "a path of this machine"
    here = (
        "an index" if package.origin is PackageOrigin.INDEX else f"{at}{_commit(package.revision)}"
    )
    locked = " or ".join(
        dict.fromkeys(
            "an index" if _origin(item) is PackageOrigin.INDEX
            else f"{item.url or 'a path'}{_commit(item.revision)}" for item in items
        )
    )  # fmt: skip
    return f"{package.name} from {here} (locked: {locked})"


def _commit(revision: str | None) -> str:
    if not revision or revision.startswith("sha256:"):
        return ""
    return f" at {revision[:12]}"


def _fits(package: Package, item: Requirement) -> bool:
    origin = _origin(item)
    if origin is package.origin:
        both = origin is PackageOrigin.VCS and item.revision and package.revision
        return not both or _same_commit(str(item.revision), str(package.revision))
    if origin in HERE and package.origin in HERE:
        return True
    # an editable checkout of the repository is one of its clones
    if origin is PackageOrigin.EDITABLE and package.origin is PackageOrigin.VCS:
        return True
    # a file by itself, but the very file that the lock has from its index
    return bool(package.revision) and package.revision in item.hashes


def _same_commit(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _origin(item: Requirement) -> PackageOrigin | None:
    if item.origin or item.constraint:
        return item.origin
    if item.editable:
        return PackageOrigin.EDITABLE
    if not item.url:
        return None
    if re.match(r"(git|hg|svn|bzr)\+", item.url):
        return PackageOrigin.VCS
    remote = "://" in item.url and not item.url.startswith("file:")
    return PackageOrigin.URL if remote else PackageOrigin.LOCAL


# --- versions -------------------------------------------------------------------------------


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


# --- conda and R ----------------------------------------------------------------------------


def compare_conda(
    installed: Sequence[CondaPackage],
    locked: Iterable[Requirement],
    markers: Mapping[str, str],
    name: str,
    *,
    complete: bool,
) -> tuple[Finding, ...]:
    """The same for what conda installed: by conda's own names, versions and builds."""
    have = {item.name: (item.version, item.build) for item in installed}
    mine = [item for item in locked if item.manager is Manager.CONDA]
    return tuple(_by_words(have, by_name(expected(mine, (), markers)), name, complete))


def compare_r(
    installed: Mapping[str, str], locked: Iterable[Requirement], name: str
) -> tuple[Finding, ...]:
    """The same for an R project's own library."""
    have = {package: (version, "") for package, version in installed.items()}
    mine = [item for item in locked if item.manager is Manager.R]
    return tuple(_by_words(have, by_name(mine), name, True))


def _by_words(
    have: Mapping[str, tuple[str, str]], wanted: Candidates, name: str, complete: bool
) -> Iterator[Finding]:
    sync = f"install what {name} says, or lock again"
    yield from _said(
        f"{name} names what is not installed: ",
        [items[0].text for key, items in wanted.items() if key not in have and is_needed(items)],
        sync,
    )
    yield from _said(
        f"installed in another version than {name} says: ",
        [
            f"{key} {'='.join(part for part in have[key] if part)} (locked: "
            f"{' or '.join(dict.fromkeys(item.text for item in items))})"
            for key, items in wanted.items()
            if key in have and not any(_is_as_said(*have[key], item) for item in items)
        ],
        sync,
    )
    extra = sorted(have.keys() - wanted.keys())
    if complete and extra:
        yield from _said(f"installed, and {name} does not name it: ", extra)


def _is_as_said(version: str, build: str, item: Requirement) -> bool:
    """Unknown words of conda count as kept: nobody is told of a difference that may be none."""
    if item.build and build and item.build != build:
        return False
    if item.version and not item.specifier:
        return item.version == version
    return conda_words.admits(item.specifier, version) is not False
