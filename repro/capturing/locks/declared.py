"""What a project declares that it needs: ``pyproject.toml`` and ``Pipfile``, read and never executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.capturing.locks import document, poetry_words
from repro.capturing.requirements import Requirement, Requirements, single


def pyproject(content: str, path: Path) -> Requirements:
    """``[project]`` and Poetry's table; extras and groups are optional, Python itself is one of them.

    Raises ValueError where it is no TOML.
    """
    found = document.toml(content)
    project = document.table(found.get("project"))
    poetry = document.table(document.table(found.get("tool")).get("poetry"))
    unread: list[str] = []
    python = document.text(project.get("requires-python"))
    entries = [
        *([Requirement("python", f"python{python}", specifier=python)] if python else []),
        *_lines(project.get("dependencies"), False, unread),
        *_poetry(poetry.get("dependencies"), False),
        *_poetry(poetry.get("dev-dependencies"), True),
    ]
    for listed in document.table(project.get("optional-dependencies")).values():
        entries += _lines(listed, True, unread)
    for listed in document.table(found.get("dependency-groups")).values():
        # a table among them includes another group, which is read itself
        entries += _lines(list(document.texts(listed)), True, unread)
    for group in document.table(poetry.get("group")).values():
        entries += _poetry(document.table(group).get("dependencies"), True)
    if "dependencies" in document.texts(project.get("dynamic")) and not _elsewhere(found):
        unread.append("its dependencies are dynamic: its build would tell them")
    return Requirements(tuple(entries), tuple(unread))


def _elsewhere(found: Mapping[str, Any]) -> bool:
    """Whether they stand in a file that is read itself: a list of requirements, setup.py, Poetry's table."""
    tool = document.table(found.get("tool"))
    dynamic = document.table(document.table(tool.get("setuptools")).get("dynamic"))
    stated = document.table(dynamic.get("dependencies"))
    return "file" in stated or "dependencies" in document.table(tool.get("poetry"))


def _lines(listed: Any, optional: bool, unread: list[str]) -> Iterator[Requirement]:
    for line in listed if isinstance(listed, list) else ():
        found = single(line) if isinstance(line, str) else None
        if found is None:
            unread.append(f"{line!r} is no requirement")
        else:
            yield replace(found, optional=optional)


def _poetry(listed: Any, optional: bool) -> Iterator[Requirement]:
    for name, wish in document.table(listed).items():
        for one in wish if isinstance(wish, list) else [wish]:
            if found := poetry_words.requirement(name, one):
                yield replace(found, optional=optional or found.optional)


def pipfile(content: str, path: Path) -> Requirements:
    """``Pipfile``: packages, and those for development, which are optional. Raises ValueError for no TOML."""
    found = document.toml(content)
    return Requirements(
        (
            *_poetry_like(found, "packages", False),
            *_poetry_like(found, "dev-packages", True),
        )
    )


def _poetry_like(found: Mapping[str, Any], key: str, optional: bool) -> tuple[Requirement, ...]:
    return tuple(_poetry(found.get(key), optional))


def asked_by(folder: Path) -> tuple[Requirement, ...]:
    """What the project in that folder asks for itself, extras and groups aside; empty: not known."""
    path = folder / "pyproject.toml"
    try:
        entries = pyproject(path.read_text("utf-8"), path).entries
    except (OSError, ValueError):
        return ()
    return tuple(item for item in entries if not item.optional and item.name != "python")
