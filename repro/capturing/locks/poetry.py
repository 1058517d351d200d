"""``poetry.lock``: from 2.0 on with groups and markers of each package, before that without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import declared, document
from repro.capturing.requirements import Requirement, Requirements
from repro.manifest import PackageOrigin

ORIGINS = {
    "git": PackageOrigin.VCS,
    "url": PackageOrigin.URL,
    "file": PackageOrigin.LOCAL,
    "directory": PackageOrigin.LOCAL,
    "legacy": PackageOrigin.INDEX,
}


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come.

    An older lock does not say which packages are for development only, nor for which platform: then
    ``pyproject.toml`` beside it tells what the project asks for.
    """
    found = document.toml(content)
    metadata = document.table(found.get("metadata"))
    stated = document.text(metadata.get("lock-version"))
    if stated.partition(".")[0] not in ("1", "2"):
        raise ValueError(
            f"its lock-version is {stated or 'missing'}, and 1 and 2 are what is known"
        )
    packages = found.get("package")
    legacy = document.table(metadata.get("files")) or document.table(metadata.get("hashes"))
    tables = [item for item in document.rows(packages) if document.text(item.get("name"))]
    entries = tuple(_entry(item, legacy) for item in tables)
    grouped = any("groups" in item for item in tables)
    roots = () if grouped else declared.asked_by(path.parent)
    return Requirements(entries, document.unnamed(packages, "package"), complete=True, roots=roots)


def _entry(item: Mapping[str, Any], legacy: Mapping[str, Any]) -> Requirement:
    name, version = document.text(item.get("name")), document.version(item.get("version"))
    groups = document.texts(item.get("groups"))
    source = document.table(item.get("source"))
    develop = item.get("develop") is True and source.get("type") == "directory"
    return Requirement(
        name=normalised(name),
        text=f"{name}=={version}" if version else name,
        version=version,
        hashes=_hashes(item.get("files", legacy.get(name))),
        marker=_marker(item.get("markers"), groups),
        url=document.text(source.get("url")) or None,
        editable=develop,
        origin=_origin(source, develop),
        revision=document.text(source.get("resolved_reference")) or None,
        optional=bool(
            item.get("optional") is True
            or (groups and "main" not in groups)
            or document.text(item.get("category")) not in ("", "main")
        ),
        requires=tuple(_requires(item)),
    )


def _origin(source: Mapping[str, Any], develop: bool) -> PackageOrigin | None:
    if develop:
        return PackageOrigin.EDITABLE
    return ORIGINS.get(document.text(source.get("type"))) if source else PackageOrigin.INDEX


def _marker(markers: Any, groups: tuple[str, ...]) -> str:
    """One text, or one for each group: then that of the main group counts, if it is in that."""
    if isinstance(markers, dict):
        return document.text(markers.get("main")) if "main" in groups else ""
    return document.text(markers)


def _hashes(files: Any) -> tuple[str, ...]:
    """Of a list of tables; of the oldest locks, of bare digests."""
    tables = tuple(document.text(file.get("hash")) for file in document.rows(files))
    bare = tuple(f"sha256:{digest}" for digest in document.texts(files))
    return tuple(digest for digest in (*tables, *bare) if digest)


def _requires(item: Mapping[str, Any]) -> Iterator[Requirement]:
    extras = {
        normalised(entry.split(" ")[0].split("[")[0]): extra
        for extra, listed in document.table(item.get("extras")).items()
        for entry in document.texts(listed)
    }
    for name, asked in document.table(item.get("dependencies")).items():
        for one in asked if isinstance(asked, list) else [asked]:
            wish = document.table(one)
            optional = wish.get("optional") is True
            yield Requirement(
                name=normalised(name),
                text=name,
                marker="" if optional else document.text(wish.get("markers")),
                extras=document.texts(wish.get("extras")),
                group=extras.get(normalised(name), "an extra") if optional else "",
            )
