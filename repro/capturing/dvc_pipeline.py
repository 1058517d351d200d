"""DVC pipelines: the stages in the order of execution, and what ``dvc.yaml`` declares.

Commands and paths are those of ``dvc.yaml`` as it stands now; ``dvc.lock`` may be of another day.
Templates (``${…}``, foreach, matrix) are resolved first.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro.capturing import dvc_templates
from repro.capturing.dvc_files import (
    PipelineFile,
    Tracked,
    flag,
    join,
    mapping,
    output_flags,
    read,
    sequence,
    text,
)
from repro.errors import UsageError
from repro.manifest import Stage

DEFAULT_PARAMS = "params.yaml"


@dataclass(frozen=True)
class Declared:
    """What DVC's files name as metrics, params, plots and outputs; sorted, workspace-relative."""

    metrics: tuple[str, ...] = ()
    params: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    """(file, names in it); None: the whole file."""
    plots: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    """Stage outputs that are neither metrics nor plots."""
    made: tuple[str, ...] = ()
    """All that stages write, metrics and plots among it; nothing of a frozen stage."""


def pipeline(workspace: Path, project: Path, targets: tuple[str, ...] = ()) -> tuple[Stage, ...]:
    """The stages that ``dvc repro`` in the project's folder would run, makers of inputs first.

    Those of the project's ``dvc.yaml`` (only ``targets``, where some are named), and stages elsewhere
    that they depend on; no frozen ones. Raises UsageError for a cycle, a template that cannot be
    resolved, or a target that is no stage.
    """
    tracked = read(workspace, project)
    if tracked is None:
        return ()
    top = Path(os.path.abspath(workspace))  # noqa: PTH100
    here = _relative(project, top)
    stages: list[Stage] = []
    wanted: list[str] = []
    for document in resolved(tracked, top):
        for name, definition in document.stages.items():
            if flag(mapping(definition).get("frozen"), False):
                continue
            stage = _stage(document, name, mapping(definition), here)
            stages.append(stage)
            if document.folder == here:
                wanted.append(stage.name)
    stages += _single_stages(tracked, here)
    names = {stage.name for stage in stages}
    for target in targets:
        if target not in names:
            raise UsageError(
                f"dvc repro: {target!r} is no stage of this project",
                f"the stages are: {', '.join(sorted(names)) or 'none'}",
            )
    return _ordered(stages, list(targets) or wanted)


def declared(workspace: Path, project: Path) -> Declared:
    """What the ``dvc.yaml`` files in the project's folder and below declare.

    Where there is none, the nearest one above counts.
    """
    tracked = read(workspace, project)
    if tracked is None:
        return Declared()
    top = Path(os.path.abspath(workspace))  # noqa: PTH100
    mine = replace(tracked, pipelines=_near(tracked.pipelines, _relative(project, top)))
    metrics: set[str] = set()
    plots: set[str] = set()
    outputs: set[str] = set()
    made: set[str] = set()
    params: dict[str, set[str] | None] = {}
    for document in resolved(mine, top):
        for definition in document.stages.values():
            definition = mapping(definition)
            folder = _folder(document, definition)
            if not flag(definition.get("frozen"), False):
                made.update(
                    path
                    for path in (join(folder, name) for name in output_flags(definition))
                    if path
                )
            metrics.update(_paths(folder, definition, "metrics"))
            plots.update(_paths(folder, definition, "plots"))
            outputs.update(_paths(folder, definition, "outs"))
            for file, keys in _params(folder, definition):
                _add(params, file, keys)
        metrics.update(_top_level(document, "metrics"))
        plots.update(_top_level_plots(document))
        for file in _top_level(document, "params"):
            _add(params, file, None)
    return Declared(
        metrics=tuple(sorted(metrics)),
        params=tuple(
            (file, None if keys is None else tuple(sorted(keys)))
            for file, keys in sorted(params.items(), key=lambda item: item[0])
        ),
        plots=tuple(sorted(plots)),
        outputs=tuple(sorted(outputs)),
        made=tuple(sorted(made)),
    )


def resolved(tracked: Tracked, top: Path) -> Iterator[PipelineFile]:
    """The pipeline files with every template replaced, foreach and matrix stages spelled out."""
    for document in tracked.pipelines:
        if dvc_templates.has_templates(document.document):
            found = dvc_templates.resolve(top / document.path, tracked.config.root / ".dvc")
            yield replace(document, document=found)
        else:
            yield document


def _relative(project: Path, top: Path) -> str:
    found = os.path.relpath(os.path.abspath(project), top).replace(os.sep, "/")  # noqa: PTH100
    return "" if found == "." else found


def _near(pipelines: Iterable[PipelineFile], here: str) -> tuple[PipelineFile, ...]:
    below = tuple(
        item
        for item in pipelines
        if not here or item.folder == here or item.folder.startswith(f"{here}/")
    )
    if below:
        return below
    above = [item for item in pipelines if not item.folder or here.startswith(f"{item.folder}/")]
    return tuple(sorted(above, key=lambda item: -len(item.folder))[:1])


def _folder(document: PipelineFile, definition: Mapping[str, Any]) -> str:
    written = text(definition.get("wdir")) or "."
    folder = join(document.folder, written)
    if folder is None:
        raise UsageError(
            f"{document.path}: the working directory {written!r} is outside of the workspace"
        )
    return folder


def _stage(document: PipelineFile, name: str, definition: Mapping[str, Any], here: str) -> Stage:
    folder = _folder(document, definition)
    command = definition.get("cmd")
    commands = (command,) if isinstance(command, str) else tuple(map(str, sequence(command)))
    if not any(commands):
        raise UsageError(f"{document.path}: stage {name!r} has no command")
    inputs = [join(folder, path) for path in sequence(definition.get("deps")) if text(path)]
    inputs += [file for file, _ in _params(folder, definition)]
    outputs = [join(folder, path) for path in output_flags(definition)]
    return Stage(
        name=_address(document.path, name, here),
        commands=commands,
        working_directory=folder,
        inputs=tuple(dict.fromkeys(path for path in inputs if path is not None)),
        outputs=tuple(dict.fromkeys(path for path in outputs if path is not None)),
    )


def _address(path: str, name: str | None, here: str) -> str:
    """The stage's name as ``dvc repro`` takes it in the project's folder."""
    file = posixpath.relpath(path, here or ".")
    if name is None:
        return file
    return name if file == "dvc.yaml" else f"{file}:{name}"


def _single_stages(tracked: Tracked, here: str) -> Iterator[Stage]:
    """Stages in ``*.dvc`` files of their own, as DVC 0 and ``dvc run --single-stage`` made them."""
    for path, document in tracked.stage_files.items():
        command = text(document.get("cmd"))
        if command is None or flag(document.get("frozen"), False):
            continue
        folder = join(posixpath.dirname(path), text(document.get("wdir")) or ".") or ""
        yield Stage(
            name=_address(path, None, here),
            commands=(command,),
            working_directory=folder,
            inputs=_paths_of(document, "deps", folder),
            outputs=_paths_of(document, "outs", folder),
        )


def _paths_of(document: Mapping[str, Any], section: str, folder: str) -> tuple[str, ...]:
    written = (text(mapping(item).get("path")) for item in sequence(document.get(section)))
    paths = (join(folder, path) for path in written if path)
    return tuple(path for path in paths if path is not None)


def _params(
    folder: str, definition: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    for item in sequence(definition.get("params")):
        named = {DEFAULT_PARAMS: [item]} if isinstance(item, str) else mapping(item)
        for file, keys in named.items():
            path = join(folder, file)
            if path is not None:
                yield path, tuple(str(key) for key in sequence(keys)) or None


def _add(params: dict[str, set[str] | None], file: str, keys: Iterable[str] | None) -> None:
    """Once the whole of a file is asked for, keys add nothing."""
    known = params.setdefault(file, set())
    params[file] = None if keys is None or known is None else known | set(keys)


def _paths(folder: str, definition: Mapping[str, Any], section: str) -> Iterator[str]:
    for written in output_flags({section: definition.get(section)}):
        path = join(folder, written)
        if path is not None:
            yield path


def _top_level(document: PipelineFile, section: str) -> Iterator[str]:
    for written in sequence(document.document.get(section)):
        path = join(document.folder, written) if isinstance(written, str) else None
        if path is not None:
            yield path


def _top_level_plots(document: PipelineFile) -> Iterator[str]:
    """A plot's name is its file, unless its ``y`` (or ``x``) names the files."""
    for item in sequence(document.document.get("plots")):
        named = {item: None} if isinstance(item, str) else mapping(item)
        for name, settings in named.items():
            axes = [mapping(settings).get("y"), mapping(settings).get("x")]
            files = [file for axis in axes for file in mapping(axis)]
            for written in files or [name]:
                path = join(document.folder, written)
                if path is not None:
                    yield path


# --- order ----------------------------------------------------------------------------------


def _ordered(stages: list[Stage], wanted: list[str]) -> tuple[Stage, ...]:
    """The wanted stages and what they depend on, makers first, else in the order of the file."""
    by_name = {stage.name: stage for stage in stages}
    makers = {stage.name: _makers(stage, stages) for stage in stages}
    done: dict[str, Stage] = {}
    for name in wanted:
        _visit(name, by_name, makers, done)
    return tuple(done.values())


def _makers(stage: Stage, stages: Iterable[Stage]) -> list[str]:
    return [
        other.name
        for other in stages
        if any(_overlap(path, made) for path in stage.inputs for made in other.outputs)
    ]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _visit(
    start: str,
    by_name: Mapping[str, Stage],
    makers: Mapping[str, list[str]],
    done: dict[str, Stage],
) -> None:
    """Depth first, with a stack of its own: a foreach can make thousands of stages in a row."""
    path: dict[str, Iterator[str]] = {}
    if start not in done:
        path[start] = iter(makers[start])
    while path:
        name = next(reversed(path))
        maker = next((item for item in path[name] if item not in done), None)
        if maker is None:
            del path[name]
            done[name] = by_name[name]
        elif maker in path:
            names = list(path)
            circle = [*names[names.index(maker) :], maker]
            raise UsageError(
                f"the DVC pipeline has a cycle: {' -> '.join(reversed(circle))}",
                "a stage cannot depend on its own output: see dvc dag",
            )
        else:
            path[maker] = iter(makers[maker])
