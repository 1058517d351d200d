"""``Pipfile.lock``: one part for what a project needs, and one each for its other categories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import document
from repro.capturing.requirements import Requirement, Requirements
from repro.manifest import PackageOrigin

REPOSITORIES = ("git", "hg", "svn", "bzr")


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come."""
    found = document.json_object(content)
    version = document.table(found.get("_meta")).get("pipfile-spec")
    if version != 6:
        raise ValueError(f"its pipfile-spec is {version!r}, and 6 is what is known")
    parts = {name: part for name, part in found.items() if name != "_meta"}
    entries = tuple(
        _entry(name, item, optional=category != "default")
        for category, part in parts.items()
        for name, item in document.table(part).items()
        if isinstance(item, dict)
    )
    unread = tuple(
        f"{category}: {name} is no table"
        for category, part in parts.items()
        for name, item in document.table(part).items()
        if not isinstance(item, dict)
    )
    return Requirements(entries, unread, complete=True)


def _entry(name: str, item: Mapping[str, Any], *, optional: bool) -> Requirement:
    specifier = document.text(item.get("version"))
    version = specifier.lstrip("=").strip() if specifier.startswith("==") else None
    origin, url = _origin(item)
    return Requirement(
        name=normalised(name),
        text=f"{name}{specifier}",
        version=version,
        hashes=document.texts(item.get("hashes")),
        marker=document.text(item.get("markers")),
        url=url,
        editable=origin is PackageOrigin.EDITABLE,
        specifier="" if specifier == "*" else specifier,
        extras=document.texts(item.get("extras")),
        origin=origin,
        revision=document.text(item.get("ref")) or None,
        optional=optional,
    )


def _origin(item: Mapping[str, Any]) -> tuple[PackageOrigin, str | None]:
    for kind in REPOSITORIES:
        if address := document.text(item.get(kind)):
            return PackageOrigin.VCS, address
    path, file = document.text(item.get("path")), document.text(item.get("file"))
    if item.get("editable") is True:
        return PackageOrigin.EDITABLE, path or file or None
    if "://" in file:
        return PackageOrigin.URL, file
    return (PackageOrigin.LOCAL, path or file) if path or file else (PackageOrigin.INDEX, None)
