"""``conda-lock.yml``: files of conda packages and of pip's, for several platforms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import conda_words, document
from repro.capturing.requirements import Manager, Requirement, Requirements


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file, or of a version to come."""
    found = document.yaml(content)
    if found.get("version") != 1:
        raise ValueError(f"its version is {found.get('version')!r}, and 1 is what is known")
    packages = found.get("package")
    entries = tuple(_entry(item) for item in document.rows(packages) if item.get("name"))
    return Requirements(entries, document.unnamed(packages, "package"), complete=True)


def _entry(item: Mapping[str, Any]) -> Requirement:
    name, version = document.text(item.get("name")), document.version(item.get("version"))
    url = document.text(item.get("url"))
    hashes = document.table(item.get("hash"))
    python = item.get("manager") == "pip"
    file = None if python else conda_words.from_file(url)
    return Requirement(
        name=normalised(name) if python else name,
        text=f"{name}={version}",
        version=version,
        hashes=tuple(f"{kind}:{digest}" for kind, digest in hashes.items() if digest),
        marker=conda_words.marker(document.text(item.get("platform"))),
        # an index's file and a URL of one's own look alike
        url=url if url.startswith("git+") or not python else None,
        manager=Manager.PYTHON if python else Manager.CONDA,
        build=file.build if file else None,
        optional=item.get("optional") is True or _is_aside(item),
    )


def _is_aside(item: Mapping[str, Any]) -> bool:
    return document.text(item.get("category")) not in ("", "main")
