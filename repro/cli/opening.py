"""Opens the project that the current folder is in, and clears what a killed repro left there."""

from __future__ import annotations

import os
from pathlib import Path

from repro import engines, sessions
from repro.cli import terminal
from repro.errors import NotFound
from repro.project import Project, locate, standalone


def open_project(*, create: bool = False) -> Project:
    """The project; what killed commands left is cleared first, and said."""
    project = locate(Path.cwd(), create=create)
    for line in sessions.sweep(project.store, engines.remover(os.environ)):
        terminal.tell(f"repro: {line}")
    return project


def open_store() -> Project:
    """The project for runs from elsewhere: the one we are in, or this folder, which needs no code."""
    try:
        return open_project(create=True)
    except NotFound:
        return standalone(Path.cwd())
