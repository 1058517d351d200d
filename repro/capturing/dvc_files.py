"""What stands in DVC's own files: ``*.dvc``, ``dvc.lock`` and ``dvc.yaml``.

Read directly, since importing dvc costs half a second. Nothing is hashed or judged here.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from repro import process
from repro.capturing import dvc_templates
from repro.capturing.dvc_config import Config, read_config
from repro.errors import ReproError, UsageError

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class Out:
    """One output that DVC tracks, as its file describes it. Paths are relative to the workspace."""

    path: str
    declared_in: str
    stage: str | None = None
    """Name of the stage that makes it; None for data added by hand."""
    hash: str | None = None
    """md5 hex, ``.dir`` appended for a folder; None where none is recorded."""
    legacy: bool = False
    """Recorded by DVC 2: the hash is md5-dos2unix."""
    size: int | None = None
    files: int | None = None
    remote: str | None = None
    cached: bool = True
    """False: git holds it and not DVC (``cache: false``)."""
    pushed: bool = True
    executable: bool = False
    imported: str | None = None
    """URL of the repository that it was imported from (``dvc import``)."""
    listing: tuple[tuple[str, str], ...] | None = None
    """(relative path, md5) where the file itself lists the folder (cloud versioning)."""


@dataclass(frozen=True)
class PipelineFile:
    """A ``dvc.yaml`` with its ``dvc.lock``, parsed, every scalar as text."""

    path: str
    document: Mapping[str, Any]
    lock: Mapping[str, Any]
    """Stage name to its entry; only of stages that dvc.yaml still has."""

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def stages(self) -> Mapping[str, Any]:
        return mapping(self.document.get("stages"))

    def definition(self, name: str) -> Mapping[str, Any]:
        """What dvc.yaml says of a stage, generated ones (``train@a``) included, as a template."""
        stages = self.stages
        found = mapping(stages.get(name) or stages.get(name.partition("@")[0]))
        return mapping(found["do"]) if "do" in found else found


@dataclass(frozen=True)
class Tracked:
    """All of one DVC repository. ``external`` are outs that are not in the workspace."""

    config: Config
    outs: tuple[Out, ...] = ()
    pipelines: tuple[PipelineFile, ...] = ()
    stage_files: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The ``*.dvc`` files, by path, parsed."""
    external: tuple[tuple[str, str], ...] = ()
    """(path or URL as written, file that names it)."""
    nested: tuple[str, ...] = ()
    """Other DVC repositories below this one."""
    ignores: tuple[str, ...] = ()
    """The ``.dvcignore`` files."""


def find_dvc(project: Path, workspace: Path) -> Path | None:
    """The ``.dvc`` folder nearest to the project, at or above it, not above the workspace."""
    top = Path(os.path.abspath(workspace))  # noqa: PTH100
    folder = Path(os.path.abspath(project))  # noqa: PTH100
    while True:
        if (folder / ".dvc").is_dir():
            return folder / ".dvc"
        if folder == top or folder == folder.parent:
            return None
        folder = folder.parent


def read(workspace: Path, project: Path) -> Tracked | None:
    """Everything that the project's DVC repository tracks; None where there is no repository.

    Raises UsageError where one of its files is not YAML.
    """
    dvc = find_dvc(project, workspace)
    if dvc is None:
        return None
    top = os.path.abspath(workspace)  # noqa: PTH100
    root = os.path.relpath(dvc.parent, top).replace(os.sep, "/")
    names, nested, ignores = _listed(Path(top), "" if root == "." else root)
    pipelines = tuple(
        _pipeline_file(Path(top), name, dvc)
        for name in names
        if posixpath.basename(name) == "dvc.yaml"
    )
    stage_files = {name: load(Path(top) / name) for name in names if name.endswith(".dvc")}
    outs: list[Out] = []
    external: list[tuple[str, str]] = []
    for name, document in stage_files.items():
        _collect(_outs_of_file(name, document), outs, external)
    for pipeline in pipelines:
        _collect(_outs_of_lock(pipeline), outs, external)
    return Tracked(
        config=read_config(dvc),
        outs=tuple(sorted(outs, key=lambda out: (out.path, out.declared_in))),
        pipelines=pipelines,
        stage_files=stage_files,
        external=tuple(sorted(external)),
        nested=nested,
        ignores=ignores,
    )


def _listed(workspace: Path, root: str) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """DVC's files below the root, those that git ignores left out, as DVC itself leaves them."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    words += ["--", *(f":(glob){_escape(root)}**/{name}" for name in _PATTERNS)]
    listed = process.run(words, cwd=workspace).stdout.split(b"\0")
    names = sorted({os.fsdecode(name) for name in listed if name})
    own = f"{root}/.dvc/config".lstrip("/")
    nested = tuple(
        posixpath.dirname(posixpath.dirname(name))
        for name in names
        if name.endswith("/.dvc/config") and name != own
    )
    below = tuple(f"{folder}/" for folder in nested)
    mine = [name for name in names if not name.startswith(below) and (workspace / name).is_file()]
    ignores = tuple(name for name in mine if name.endswith(".dvcignore"))
    found = [name for name in mine if name.endswith(("dvc.yaml", ".dvc"))]
    return found, nested, ignores


_PATTERNS = ("*.dvc", "dvc.yaml", ".dvcignore", ".dvc/config")


def _escape(root: str) -> str:
    return re.sub(r"([\\*?\[\]])", r"\\\1", root) + "/" if root else ""


def load(path: Path) -> Mapping[str, Any]:
    """A YAML mapping, every scalar as text: ``path: no`` is a path, and an md5 never a number."""
    try:
        document = yaml.load(path.read_bytes(), Loader=_LOADER)
    except OSError as error:
        raise ReproError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{path} is not YAML: {reason}", f"see: dvc status {path}") from error
    if document is None or document == "":
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a file of DVC: it has no keys", "see: dvc status")
    return document


def mapping(node: Any) -> Mapping[str, Any]:
    """The node where it is a mapping, else an empty one."""
    return node if isinstance(node, dict) else {}


def sequence(node: Any) -> list[Any]:
    """The node where it is a list, else an empty one."""
    return node if isinstance(node, list) else []


def text(node: Any) -> str | None:
    """The scalar as text; None for a null in any of YAML's spellings."""
    return node if isinstance(node, str) and node not in ("", "~", "null", "Null", "NULL") else None


def flag(node: Any, default: bool) -> bool:
    """A boolean as DVC (YAML 1.2) reads it."""
    return default if text(node) is None else node.lower() == "true"


def _number(node: Any) -> int | None:
    try:
        return int(node)
    except (TypeError, ValueError):
        return None


def _pipeline_file(workspace: Path, name: str, dvc: Path) -> PipelineFile:
    document = load(workspace / name)
    lock_path = workspace / (name.removesuffix(".yaml") + ".lock")
    lock = load(lock_path) if lock_path.is_file() else {}
    # DVC 1 had the stages at the top
    entries = mapping(lock.get("stages")) if "schema" in lock or "stages" in lock else lock
    stages = mapping(document.get("stages"))

    def lives(stage: str) -> bool:
        return stage in stages or (
            "@" in stage
            and not {"foreach", "matrix"}.isdisjoint(mapping(stages.get(stage.rpartition("@")[0])))
        )

    # DVC leaves the entry of a removed stage where it is, and does not look at it again
    living = {stage: mapping(entry) for stage, entry in entries.items() if lives(stage)}
    found = PipelineFile(name, document, living)
    # the lock's paths are relative to a folder that only dvc.yaml names
    if any("${" in (text(found.definition(stage).get("wdir")) or "") for stage in living):
        found = replace(found, document=dvc_templates.resolve(workspace / name, dvc))
    return found


def _collect(
    found: Iterator[Out | tuple[str, str]], outs: list[Out], external: list[tuple[str, str]]
) -> None:
    for item in found:
        if isinstance(item, Out):
            outs.append(item)
        else:
            external.append(item)


def _outs_of_file(name: str, document: Mapping[str, Any]) -> Iterator[Out | tuple[str, str]]:
    folder = join(posixpath.dirname(name), text(document.get("wdir")) or ".") or ""
    sources = (mapping(mapping(dep).get("repo")) for dep in sequence(document.get("deps")))
    imported = next((text(repo.get("url")) for repo in sources if repo), None)
    stage = name if text(document.get("cmd")) else None
    for item in sequence(document.get("outs")):
        yield _out(mapping(item), folder, name, stage, mapping(item), imported)


def _outs_of_lock(pipeline: PipelineFile) -> Iterator[Out | tuple[str, str]]:
    declared_in = pipeline.path.removesuffix(".yaml") + ".lock"
    for name, entry in pipeline.lock.items():
        definition = pipeline.definition(name)
        where = text(definition.get("wdir")) or "."
        folder = join(pipeline.folder, where)
        flags = output_flags(definition)
        for item in sequence(entry.get("outs")):
            item = mapping(item)
            path = text(item.get("path")) or ""
            if folder is None:
                yield (posixpath.join(where, path), declared_in)
            else:
                yield _out(item, folder, declared_in, name, flags_of(path, flags), None)


def output_flags(definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The outputs that a stage's definition names, each with its flags (``cache: false`` …)."""
    found: dict[str, Mapping[str, Any]] = {}
    for section in ("outs", "metrics", "plots"):
        for item in sequence(definition.get(section)):
            if isinstance(item, str):
                found[item] = {}
            else:
                found.update((path, mapping(flags)) for path, flags in mapping(item).items())
    return found


def flags_of(path: str, flags: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The flags of a path that may have been written as a template."""
    for written, found in flags.items():
        if posixpath.normpath(written) == posixpath.normpath(path):
            return found
        if "${" in written and template(written).fullmatch(path):
            return found
    return {}


def template(written: str) -> re.Pattern[str]:
    """What ``data/${item.name}.csv`` can become."""
    parts = re.split(r"\$\{[^}]*\}", written)
    return re.compile("(.+)".join(re.escape(part) for part in parts))


def _out(
    item: Mapping[str, Any],
    folder: str,
    declared_in: str,
    stage: str | None,
    flags: Mapping[str, Any],
    imported: str | None,
) -> Out | tuple[str, str]:
    written = text(item.get("path")) or ""
    path = join(folder, written)
    if path is None or not path:
        return (written, declared_in)
    files = sequence(item.get("files"))
    listing = tuple(
        sorted(
            (str(mapping(one).get("relpath")), text(mapping(one).get("md5")) or "") for one in files
        )
    )
    return Out(
        path=path,
        declared_in=declared_in,
        stage=stage,
        hash=(text(item.get("md5")) or "").lower() or None,
        legacy=text(item.get("hash")) != "md5",
        size=_number(item.get("size")),
        files=_number(item.get("nfiles")),
        remote=text(flags.get("remote")),
        cached=flag(flags.get("cache"), True),
        pushed=flag(flags.get("push"), True),
        executable=flag(item.get("isexec"), False),
        imported=imported,
        listing=listing if files else None,
    )


def join(folder: str, path: str) -> str | None:
    """A workspace-relative path; None where it leads out of the workspace, or is a URL."""
    if posixpath.isabs(path) or re.match(r"\w[\w+.-]*://", path):
        return None
    found = posixpath.normpath(posixpath.join(folder, path))
    if found == ".." or found.startswith("../"):
        return None
    return "" if found == "." else found
