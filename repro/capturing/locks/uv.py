"""``uv.lock``: every version for every platform, as a graph from the members of the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from repro.capturing.distributions import normalised
from repro.capturing.locks import document
from repro.capturing.requirements import Requirement, Requirements
from repro.manifest import PackageOrigin

ORIGINS = {
    "registry": PackageOrigin.INDEX,
    "git": PackageOrigin.VCS,
    "url": PackageOrigin.URL,
    "path": PackageOrigin.LOCAL,
    "directory": PackageOrigin.LOCAL,
    "editable": PackageOrigin.EDITABLE,
    "virtual": PackageOrigin.LOCAL,
}


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come."""
    found = document.toml(content)
    if found.get("version") != 1:
        raise ValueError(f"its version is {found.get('version')!r}, and 1 is what is known")
    packages = found.get("package")
    entries = tuple(_entry(item) for item in document.rows(packages) if item.get("name"))
    members = {normalised(name) for name in document.texts(_manifest(found).get("members"))}
    members = members or {item.name for item in entries if item.url == "."}
    roots = [Requirement(name, name) for name in sorted(members)]
    roots += [
        edge
        for group in ("requirements", "dependencies")
        for item in document.rows(_manifest(found).get(group))
        if (edge := _edge(item, ""))
    ]
    return Requirements(
        entries, document.unnamed(packages, "package"), complete=True, roots=tuple(roots)
    )


def _manifest(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return document.table(found.get("manifest"))


def _entry(item: Mapping[str, Any]) -> Requirement:
    name, version = (
        normalised(document.text(item.get("name"))),
        document.version(item.get("version")),
    )
    kind, url = next(iter(document.table(item.get("source")).items()), ("registry", ""))
    place, revision = _place(kind, document.text(url))
    return Requirement(
        name=name,
        text=f"{name}=={version}" if version else name,
        version=version,
        hashes=_hashes(item),
        marker=_any(document.texts(item.get("resolution-markers"))),
        url=place,
        editable=kind == "editable",
        origin=ORIGINS.get(kind),
        revision=revision,
        # a virtual member is never installed itself
        optional=kind == "virtual",
        requires=tuple(_requires(item)),
    )


def _place(kind: str, url: str) -> tuple[str | None, str | None]:
    """Where it is, and of a repository the commit, which stands behind the ``#``."""
    if kind == "registry":
        return None, None
    if kind != "git":
        return url or None, None
    parts = urlsplit(url)
    return parts._replace(query="", fragment="").geturl(), parts.fragment or None


def _any(markers: tuple[str, ...]) -> str:
    return (
        " or ".join(f"({marker})" for marker in markers) if len(markers) > 1 else "".join(markers)
    )


def _requires(item: Mapping[str, Any]) -> Iterator[Requirement]:
    for edge in document.rows(item.get("dependencies")):
        if found := _edge(edge, ""):
            yield found
    for kind, mark in (("optional-dependencies", ""), ("dev-dependencies", "group ")):
        for name, edges in document.table(item.get(kind)).items():
            for edge in document.rows(edges):
                if found := _edge(edge, f"{mark}{name}"):
                    yield found


def _edge(edge: Mapping[str, Any], group: str) -> Requirement | None:
    name = normalised(document.text(edge.get("name")))
    return Requirement(
        name=name,
        text=name,
        version=document.version(edge.get("version")),
        marker=document.text(edge.get("marker")),
        extras=document.texts(edge.get("extra")),
        group=group,
    ) if name else None  # fmt: skip


def _hashes(item: Mapping[str, Any]) -> tuple[str, ...]:
    files = [document.table(item.get("sdist")), *document.rows(item.get("wheels"))]
    return tuple(digest for file in files if (digest := document.text(file.get("hash"))))
