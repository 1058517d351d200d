"""``pixi.lock``: several environments, each for several platforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import conda_words, document
from repro.capturing.requirements import Requirement, Requirements, single
from repro.manifest import PackageOrigin

VERSIONS = (4, 5, 6, 7)


def read(content: str, path: Path) -> Requirements:
    """What it pins; ``group`` of an entry is its environment.

    Raises ValueError where it is no such file, or of a version to come.
    """
    found = document.yaml(content)
    if found.get("version") not in VERSIONS:
        raise ValueError(f"its version is {found.get('version')!r}; 4 to 7 are what is known")
    known = {
        address: item for item in document.rows(found.get("packages")) for address in _of(item)
    }
    platforms = {
        document.text(item.get("name")): document.text(item.get("subdir"))
        for item in document.rows(found.get("platforms"))
    }
    entries: list[Requirement] = []
    unread: list[str] = []
    for group, kind, address, platform in _listed(found):
        subdir = platforms.get(platform) or platform
        entry = _entry(group, kind, address, subdir, known.get(address, {}))
        if entry:
            entries.append(entry)
        else:
            unread.append(f"{group}: {address!r} has no name")
    return Requirements(tuple(entries), tuple(dict.fromkeys(unread)), complete=True)


def _listed(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Environment, kind, address and platform of all that the environments name."""
    for group, environment in document.table(found.get("environments")).items():
        packages = document.table(document.table(environment).get("packages"))
        for platform, items in packages.items():
            for item in document.rows(items):
                for kind in ("conda", "pypi"):
                    if address := document.text(item.get(kind)):
                        yield str(group), kind, address, str(platform)


def _of(item: Mapping[str, Any]) -> Iterator[str]:
    for key in ("conda", "pypi", "url", "path"):
        if address := document.text(item.get(key)):
            yield address


def _entry(
    group: str, kind: str, address: str, platform: str, item: Mapping[str, Any]
) -> Requirement | None:
    hashes = tuple(
        f"{name}:{digest}"
        for name in ("sha256", "md5")
        if (digest := document.text(item.get(name)))
    )
    if kind == "conda":
        found = conda_words.from_file(address, platform, hashes)
        name = found.name if found else document.text(item.get("name"))
        version = found.version if found else document.version(item.get("version"))
    else:
        found = single(address)
        name = document.text(item.get("name")) or (found.name if found else "")
        version = document.version(item.get("version")) or (found.version if found else None)
    if not name:
        return None
    origin = None if kind == "conda" else _origin(address, item)
    return Requirement(
        name=name if kind == "conda" else normalised(name),
        text=f"{name}=={version}",
        version=version,
        hashes=hashes,
        marker=conda_words.marker(platform),
        url=address if kind == "conda" or origin else None,
        manager=conda_words.Manager.CONDA if kind == "conda" else conda_words.Manager.PYTHON,
        origin=origin,
        build=found.build if found and kind == "conda" else None,
        group=group,
    )


def _origin(address: str, item: Mapping[str, Any]) -> PackageOrigin | None:
    if address.startswith(("git+", "hg+", "svn+")):
        return PackageOrigin.VCS
    if "://" not in address:
        return PackageOrigin.EDITABLE if item.get("editable") is True else PackageOrigin.LOCAL
    # an index's file and a URL of one's own look alike
    return None
