"""Where we are: the git work tree, the project inside it, its configuration and its store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from repro import canonical, config
from repro.capturing import revisions, source
from repro.config import Config
from repro.errors import NotFound
from repro.manifest import Tolerance
from repro.store import FOLDER, Store

MARKS = (config.NAME, ".dvc", f"{FOLDER}/format")
"""Each makes a folder a project for every command."""


@dataclass(frozen=True)
class Project:
    """A project on this machine. ``workspace`` is the top of the git work tree."""

    workspace: Path
    folder: Path
    config: Config
    store: Store

    @property
    def prefix(self) -> str:
        """The project's folder relative to the workspace; empty where they are the same."""
        relative = self.folder.relative_to(self.workspace).as_posix()
        return "" if relative == "." else relative

    @property
    def tolerances(self) -> tuple[Tolerance, ...]:
        """Those of repro.yaml; a pattern over ``file:name`` names the file as everything else does."""
        return tuple(
            replace(item, pattern=self.inside(item.pattern)) if ":" in item.pattern else item
            for item in self.config.tolerances
        )

    def inside(self, path: str) -> str:
        """A path of repro.yaml, relative to the workspace as everything in a manifest is."""
        return f"{self.prefix}/{path}" if self.prefix and not path.startswith("/") else path


def locate(start: Path, *, create: bool = False) -> Project:
    """The project at or above ``start``. Raises NotFound where there is no git repository.

    With ``create`` the store is made, and hidden from git, when it is not there yet.
    """
    here = start.resolve()
    try:
        workspace = source.find_workspace(here)
    except NotFound:
        if folder := _imported(here):
            return standalone(folder)
        raise
    folder = find_project(here, workspace)
    settings = config.load(folder)
    if create and not (folder / ".repro" / "format").exists():
        exclude_from_git(revisions.git_folder(workspace))
    return Project(workspace, folder, settings, Store.open(folder))


def standalone(folder: Path) -> Project:
    """A folder with a store and no code of its own: where runs from elsewhere are kept and replayed."""
    return Project(folder, folder, config.load(folder), Store.open(folder))


def find_project(start: Path, workspace: Path) -> Path:
    """The project's folder: the nearest, from ``start`` up to the workspace, that has a store, a
    repro.yaml or a DVC project; else the workspace itself."""
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
        if folder == workspace:
            break
    return workspace


def exclude_from_git(git_folder: Path) -> None:
    """Add the store to git's exclude file, once; git keeps it out of ``status`` and ``add``."""
    path = git_folder / "info" / "exclude"
    line = f"{FOLDER}/"
    try:
        content = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        if line in content.splitlines():
            return
        if content and not content.endswith("\n"):
            content += "\n"
        canonical.write_bytes(path, f"{content}{line}\n".encode("utf-8", "surrogateescape"))
    except OSError:
        return  # the store's own .gitignore does the same


def _imported(start: Path) -> Path | None:
    """The nearest folder, from ``start`` up, that has a store."""
    return next(
        (item for item in (start, *start.parents) if (item / FOLDER / "format").is_file()), None
    )
