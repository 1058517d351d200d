"""Every format of a lock and of a declaration by its file's name; a new one is a function and a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import requirements
from repro.capturing.locks import (
    conda_environment,
    conda_explicit,
    conda_lock,
    declared,
    declared_setup,
    pdm,
    pipfile,
    pixi,
    poetry,
    pylock,
    renv,
    uv,
)
from repro.capturing.requirements import Requirements

LARGEST = 64 * 2**20
"""Bytes of a file that are still read; the largest lock known has 4 MB."""

Reader = Callable[[str, Path], Requirements]


@dataclass(frozen=True)
class Format:
    """A name a file may have, and what reads it."""

    pattern: str
    read: Reader


def plain(content: str, path: Path) -> Requirements:
    """A requirements file with what it includes; an explicit list of conda's often has such a name."""
    if "@EXPLICIT" in content:
        return conda_explicit.read(content, path)
    return requirements.read(path)


LOCKS = (
    Format("uv.lock", uv.read),
    Format("pylock.toml", pylock.read),
    Format("pylock.*.toml", pylock.read),
    Format("poetry.lock", poetry.read),
    Format("pdm.lock", pdm.read),
    Format("Pipfile.lock", pipfile.read),
    Format("pixi.lock", pixi.read),
    Format("conda-lock.yml", conda_lock.read),
    Format("*conda-lock.yml", conda_lock.read),
    Format("*conda-lock.yaml", conda_lock.read),
    Format("conda-*.lock", conda_explicit.read),
    Format("explicit*.txt", plain),
    Format("conda-*.txt", plain),
    Format("renv.lock", renv.read),
)
DECLARATIONS = (
    Format("pyproject.toml", declared.pyproject),
    Format("setup.cfg", declared_setup.config),
    Format("setup.py", declared_setup.script),
    Format("Pipfile", declared.pipfile),
    Format("environment*.yml", conda_environment.read),
    Format("environment*.yaml", conda_environment.read),
    Format("conda*.yml", conda_environment.read),
    Format("conda*.yaml", conda_environment.read),
)


def read(path: Path) -> Requirements:
    """What the file says. Raises OSError where it cannot be read, ValueError where it is not what its
    name promises."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"it has {size} bytes, and {LARGEST} are what is read")
    reader = next(
        (item.read for item in (*LOCKS, *DECLARATIONS) if path.match(item.pattern)), plain
    )
    return reader(path.read_text("utf-8-sig", "replace"), path)
