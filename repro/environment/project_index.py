"""The package indexes that a project names in its own files: where its torch really comes from."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REQUIREMENTS = ("requirements*.txt", "requirements*.in", "requirements*.lock", "requirements/*.txt")


@dataclass(frozen=True)
class Named:
    """Addresses of indexes, and of folders or pages with files (find-links)."""

    indexes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def read(folder: Path) -> Named:
    """What pyproject.toml, uv.toml, Pipfile and the requirements files of one folder name."""
    try:
        found = [item for item in _all(folder) if isinstance(item[1], str)]
    except (AttributeError, TypeError, RecursionError):
        return Named()  # settings of other types than theirs: pip and uv would refuse them
    return Named(
        tuple(dict.fromkeys(address for kind, address in found if kind == "index")),
        tuple(dict.fromkeys(address for kind, address in found if kind == "links")),
    )


def _all(folder: Path) -> Iterator[tuple[str, str]]:
    tool = _toml(folder / "pyproject.toml").get("tool", {})
    for name in ("poetry", "pdm"):
        yield from _sources(tool.get(name, {}).get("source"))
    yield from _sources(_toml(folder / "Pipfile").get("source"))
    for settings in (tool.get("uv", {}), _toml(folder / "uv.toml")):
        yield from _uv(settings, folder)
        yield from _uv(settings.get("pip", {}), folder)
    for pattern in REQUIREMENTS:
        for path in sorted(folder.glob(pattern)):
            yield from _requirements(path)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _sources(listed: Any) -> Iterator[tuple[str, str]]:
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            kind = "links" if item.get("type") == "find_links" else "index"
            yield kind, item["url"]


def _uv(settings: dict[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    for item in settings.get("index", []):
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            kind = "links" if item.get("format") == "flat" else "index"
            yield kind, _placed(item["url"], folder)
    if settings.get("index-url"):
        yield "index", settings["index-url"]
    for address in settings.get("extra-index-url", []):
        yield "index", address
    for address in settings.get("find-links", []):
        yield "links", _placed(address, folder)


_OPTION = re.compile(
    r"^\s*(-i|--index-url|--extra-index-url|-f|--find-links)[=\s]\s*(\S+)", re.MULTILINE
)


def _requirements(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for option, address in _OPTION.findall(text):
        if option in ("-f", "--find-links"):
            yield "links", _placed(address, path.parent)
        else:
            yield "index", address


def _placed(address: str, folder: Path) -> str:
    """A path counts from the file that names it."""
    return address if "://" in address else str((folder / address).resolve())
