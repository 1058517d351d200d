"""``environment.yml``: what conda is asked for, and what pip is on top of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.capturing.locks import conda_words, document
from repro.capturing.requirements import Requirement, Requirements, within


def read(content: str, path: Path) -> Requirements:
    """What it asks for; complete only where all of it names its build, as ``conda env export`` writes.

    Raises ValueError where it is no such file.
    """
    listed = document.yaml(content).get("dependencies")
    if not isinstance(listed, list):
        raise ValueError("it has no list of dependencies")
    specs = [item for item in listed if isinstance(item, str)]
    found = [(text, conda_words.from_spec(text)) for text in specs]
    pip = within("\n".join(_pip(listed)), path)
    conda = tuple(item for _, item in found if item)
    return Requirements(
        (*conda, *pip.entries),
        (*(f"{text!r} is no specification" for text, item in found if not item), *pip.unread),
        complete=_is_export(conda),
    )


def _pip(listed: list[Any]) -> Iterator[str]:
    for item in document.rows(listed):
        yield from document.texts(item.get("pip"))


def _is_export(conda: tuple[Requirement, ...]) -> bool:
    return bool(conda) and all(item.version and item.build for item in conda)
