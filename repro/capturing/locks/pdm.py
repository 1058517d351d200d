"""``pdm.lock``: with groups and markers of each package where it was locked with inherit_metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import declared, document
from repro.capturing.requirements import Requirement, Requirements, single
from repro.manifest import PackageOrigin


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come."""
    found = document.toml(content)
    metadata = document.table(found.get("metadata"))
    stated = document.text(metadata.get("lock_version"))
    if stated.partition(".")[0] not in ("3", "4"):
        raise ValueError(
            f"its lock_version is {stated or 'missing'}, and 3 and 4 are what is known"
        )
    packages = found.get("package")
    tables = [item for item in document.rows(packages) if document.text(item.get("name"))]
    legacy = document.table(metadata.get("files"))
    entries = tuple(_entry(item, legacy) for item in tables)
    inherited = "inherit_metadata" in document.texts(metadata.get("strategy"))
    roots = () if inherited else declared.asked_by(path.parent)
    return Requirements(entries, document.unnamed(packages, "package"), complete=True, roots=roots)


def _entry(item: Mapping[str, Any], legacy: Mapping[str, Any]) -> Requirement:
    name, version = document.text(item.get("name")), document.version(item.get("version"))
    groups = document.texts(item.get("groups"))
    extras = document.texts(item.get("extras"))
    origin, url = _origin(item)
    return Requirement(
        name=normalised(name),
        text=f"{name}=={version}" if version else name,
        version=version,
        hashes=_hashes(item.get("files", legacy.get(f"{name} {version}"))),
        marker=document.text(item.get("marker")),
        url=url,
        editable=origin is PackageOrigin.EDITABLE,
        extras=extras,
        origin=origin,
        revision=document.text(item.get("revision")) or None,
        optional=bool(groups) and "default" not in groups,
        requires=tuple(
            found for line in document.texts(item.get("dependencies")) if (found := single(line))
        ),
    )


def _origin(item: Mapping[str, Any]) -> tuple[PackageOrigin, str | None]:
    for kind in ("git", "hg", "svn", "bzr"):
        if address := document.text(item.get(kind)):
            return PackageOrigin.VCS, address
    path, url = document.text(item.get("path")), document.text(item.get("url"))
    if path:
        editable = item.get("editable") is True
        return PackageOrigin.EDITABLE if editable else PackageOrigin.LOCAL, path
    return (PackageOrigin.URL, url) if url else (PackageOrigin.INDEX, None)


def _hashes(files: Any) -> tuple[str, ...]:
    return tuple(
        digest for file in document.rows(files) if (digest := document.text(file.get("hash")))
    )
