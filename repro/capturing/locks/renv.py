"""``renv.lock``: the packages of an R project; and those that lie in its library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.capturing.locks import document
from repro.capturing.requirements import Manager, Requirement, Requirements

DEEPEST = 4
"""Folders between ``renv/library`` and a package: platform, version of R, its platform."""


def read(content: str, path: Path) -> Requirements:
    """What it pins. Raises ValueError where it is no such file."""
    packages = document.json_object(content).get("Packages")
    if not isinstance(packages, dict):
        raise ValueError("it has no Packages")
    entries = tuple(_entry(name, item) for name, item in packages.items() if isinstance(item, dict))
    unread = tuple(
        f"{name} is no table" for name, item in packages.items() if not isinstance(item, dict)
    )
    return Requirements(entries, unread, complete=True)


def _entry(name: str, item: Mapping[str, Any]) -> Requirement:
    version = document.text(item.get("Version")) or None
    digest = document.text(item.get("Hash"))
    return Requirement(
        name=name,
        text=f"{name} {version}",
        version=version,
        hashes=(f"md5:{digest}",) if digest else (),
        url=document.text(item.get("RemoteUrl")) or None,
        manager=Manager.R,
        revision=document.text(item.get("RemoteSha")) or None,
    )


def installed(folder: Path) -> dict[str, str]:
    """Versions by name of what lies in the project's own library, told without starting R."""
    found: dict[str, str] = {}
    for depth in range(1, DEEPEST + 1):
        for path in sorted((folder / "renv" / "library").glob("*/" * depth + "DESCRIPTION")):
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                continue
            fields = dict(re.findall(r"^(Package|Version):[ \t]*(\S+)", text, re.MULTILINE))
            if len(fields) == 2:
                found.setdefault(fields["Package"], fields["Version"])
    return found
