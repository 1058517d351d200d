"""What a project consists of, for `repro init`: its code, what runs left, what DVC declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import config, globs
from repro.capturing import dvc_files, dvc_pipeline, files, source
from repro.capturing.dvc_pipeline import Declared
from repro.capturing.git import Git
from repro.errors import ReproError
from repro.project import MARKS, Project
from repro.store import FOLDER, Store

ROOT_SIGNS = (
    "dvc.yaml",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements*.txt",
    "requirements*.lock",
    "uv.lock",
    "poetry.lock",
    "Pipfile",
    "environment.y*ml",
    "params.*",
)
"""Each makes it likely that this is where a project starts."""
MODEL_FOLDERS = ("artifacts", "checkpoints", "model", "models", "saved_models", "weights")
READ_CAP = 1000**2
"""Bytes of a file that is looked into."""


# --- where it belongs -----------------------------------------------------------------------


def project_at(start: Path, *, here: bool = False) -> Project:
    """The project that a repro.yaml is to be written for; neither made nor configured yet.

    The nearest folder, from ``start`` up to the top of the work tree, that is a project already; else
    the nearest that looks like one; else ``start``. ``here``: ``start``, whatever is above it. Raises
    NotFound where there is no git repository.
    """
    folder = start.resolve()
    workspace = source.find_workspace(folder)
    if not here:
        folder = _root(folder, workspace)
    return Project(workspace, folder, config.Config(), Store(folder / FOLDER))


def _root(start: Path, workspace: Path) -> Path:
    above = [item for item in (start, *start.parents) if item.is_relative_to(workspace)]
    for folder in above:
        if any((folder / name).exists() for name in MARKS):
            return folder
    for folder in above:
        if any(True for sign in ROOT_SIGNS for _ in folder.glob(sign)):
            return folder
    return start


# --- what is there --------------------------------------------------------------------------


@dataclass(frozen=True)
class Survey:
    """What a project consists of. Paths are relative to its folder, sorted."""

    folder: Path
    visible: tuple[str, ...]
    """Files that git tracks or would add."""
    tracked: frozenset[str]
    made: tuple[str, ...]
    """Files that git ignores, or does not track yet."""
    sizes: Mapping[str, int]
    ignored_folders: tuple[str, ...]
    """Of the folders where models usually go: those that git ignores."""
    declared: Declared
    data: tuple[str, ...]
    """What DVC tracks."""
    stages: tuple[str, ...]
    trouble: str = ""
    """Why DVC's files could not be read."""

    def read(self, path: str) -> bytes:
        """The content of a small file; nothing of one that is large or cannot be read."""
        try:
            if self.sizes.get(path, 0) <= READ_CAP:
                return (self.folder / path).read_bytes()
        except OSError:
            pass
        return b""

    def has(self, *patterns: str) -> bool:
        return any(globs.any_matches(path, patterns) for path in self.visible if "/" not in path)


def survey(project: Project) -> Survey:
    git = Git(project.folder)
    tracked = _names(git.run("ls-files", "-z", "--cached"))
    visible = tracked | _names(git.run("ls-files", "-z", "--others", "--exclude-standard"))
    scanned = files.scan(project.workspace, project.folder).files
    prefix = f"{project.prefix}/" if project.prefix else ""
    sizes = {path[len(prefix) :]: stamp.size for path, stamp in scanned.items()}
    inner = tuple(f"{name.rstrip('/')}/" for name in visible if name not in sizes)
    # what a submodule, or a repository inside this one, holds is its own
    there = {path for path in sizes if not inner or not path.startswith(inner)}
    declared, data, stages, trouble = _dvc(project)
    return Survey(
        project.folder,
        visible=tuple(sorted(path for path in visible & there if is_text(path))),
        tracked=frozenset(tracked),
        made=tuple(sorted(path for path in there - tracked if is_text(path))),
        sizes=sizes,
        ignored_folders=tuple(name for name in MODEL_FOLDERS if _ignores(git, f"{name}/model")),
        declared=declared,
        data=data,
        stages=stages,
        trouble=trouble,
    )


def _names(listing: bytes) -> set[str]:
    return {name.decode("utf-8", "surrogateescape") for name in listing.split(b"\0") if name}


def is_text(path: str) -> bool:
    """Whether a YAML file can hold the name."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _ignores(git: Git, path: str) -> bool:
    return git.attempt("check-ignore", "--quiet", "--", path).exit_code == 0


def _dvc(project: Project) -> tuple[Declared, tuple[str, ...], tuple[str, ...], str]:
    try:
        declared = dvc_pipeline.declared(project.workspace, project.folder)
        tracked = dvc_files.read(project.workspace, project.folder)
        stages = dvc_pipeline.pipeline(project.workspace, project.folder)
    except ReproError as error:
        return Declared(), (), (), str(error)
    outs = tracked.outs if tracked else ()

    def inside(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(path for item in paths if (path := _within(item, project.prefix)))

    here = Declared(
        metrics=inside(declared.metrics),
        params=tuple(
            (path, names)
            for item, names in declared.params
            if (path := _within(item, project.prefix))
        ),
        plots=inside(declared.plots),
        outputs=inside(declared.outputs),
        made=inside(declared.made),
    )
    return here, inside(out.path for out in outs), tuple(stage.name for stage in stages), ""


def _within(path: str, prefix: str) -> str | None:
    """A path of the workspace as seen from the project; None where it is outside."""
    if not prefix:
        return path
    return path[len(prefix) + 1 :] if path.startswith(f"{prefix}/") else None
