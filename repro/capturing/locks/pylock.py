"""``pylock.toml``, the lock that is every tool's (PEP 751)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import document
from repro.capturing.requirements import Requirement, Requirements
from repro.manifest import PackageOrigin


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come."""
    found = document.toml(content)
    stated = document.text(found.get("lock-version"))
    if stated.partition(".")[0] != "1":
        raise ValueError(f"its lock-version is {stated or 'missing'}, and 1.0 is what is known")
    packages = found.get("packages")
    entries = tuple(_entry(item) for item in document.rows(packages) if _name(item))
    return Requirements(entries, document.unnamed(packages, "packages"), complete=True)


def _name(item: Mapping[str, Any]) -> str:
    return normalised(document.text(item.get("name")))


def _entry(item: Mapping[str, Any]) -> Requirement:
    marker, version = document.text(item.get("marker")), document.version(item.get("version"))
    origin, url, revision = _origin(item)
    return Requirement(
        name=_name(item),
        text=f"{_name(item)}=={version}" if version else _name(item),
        version=version,
        hashes=_hashes(item),
        marker=marker,
        url=url,
        editable=origin is PackageOrigin.EDITABLE,
        origin=origin,
        revision=revision,
        optional=bool(re.search(r"\b(extras|dependency_groups)\b", marker)),
    )


def _origin(item: Mapping[str, Any]) -> tuple[PackageOrigin, str | None, str | None]:
    vcs, folder = document.table(item.get("vcs")), document.table(item.get("directory"))
    archive = document.table(item.get("archive"))
    if vcs:
        commit = document.text(vcs.get("commit-id")) or None
        return PackageOrigin.VCS, _place(vcs), commit
    if folder:
        editable = folder.get("editable") is True
        return PackageOrigin.EDITABLE if editable else PackageOrigin.LOCAL, _place(folder), None
    if archive:
        remote = document.text(archive.get("url"))
        return PackageOrigin.URL if remote else PackageOrigin.LOCAL, _place(archive), None
    return PackageOrigin.INDEX, None, None


def _place(source: Mapping[str, Any]) -> str | None:
    return document.text(source.get("url")) or document.text(source.get("path")) or None


def _hashes(item: Mapping[str, Any]) -> tuple[str, ...]:
    files = [item.get("archive"), item.get("sdist"), *document.rows(item.get("wheels"))]
    return tuple(
        f"{name}:{digest}"
        for file in files
        for name, digest in document.table(document.table(file).get("hashes")).items()
        if isinstance(digest, str)
    )
