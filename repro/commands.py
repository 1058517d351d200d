"""The recorded command, as a replay's environment can execute it.

What was recorded names things of the recording machine: the interpreter of a virtual environment, a
launcher such as `uv run` or `poetry run`, DVC for a pipeline. A replay has one environment, whose
commands come first on PATH; here its names are put in their place.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from repro.capturing import launchers, scripts, wrappers
from repro.manifest import Manifest, Stage

_VALUED = {
    "uv": launchers.UV_VALUED,
    "pixi": launchers.PIXI_VALUED,
    **dict.fromkeys(("poetry", "pipenv", "pdm", "hatch", "rye"), launchers.PROJECT_VALUED),
    **dict.fromkeys(("conda", "mamba", "micromamba"), launchers.CONDA_VALUED),
}
"""Launchers, each with its options that take a value in the next word."""
_FOLDER = {
    launchers.UV_VALUED: ("--directory",),
    launchers.PIXI_VALUED: (),
    launchers.PROJECT_VALUED: ("-C", "--directory"),
    launchers.CONDA_VALUED: ("--cwd",),
}
"""The options among them that name the folder to run in."""


def translated(
    manifest: Manifest, environment: str | None, inside: str, restored: Path | None = None
) -> tuple[str, ...]:
    """The words to execute. ``environment`` is where the replay's Python environment lies, as the
    command sees it; None: the recorded image is the environment, and every name in it holds.
    ``inside`` is where it sees the workspace. ``restored`` is where that lies here: names of commands that
    stand in the project's own file are looked up there."""
    stages = manifest.definition.command.stages
    if stages:
        words = _script(stages, manifest.definition.working_directory)
    else:
        words = manifest.definition.command.argv
    return translated_line(manifest, words, environment, inside, restored)


def translated_line(
    manifest: Manifest,
    words: tuple[str, ...],
    environment: str | None,
    inside: str,
    restored: Path | None = None,
) -> tuple[str, ...]:
    """The same for other words than the recorded command."""
    where = manifest.provenance
    recorded = where.workspace or inside
    here = tuple(relocated(word, recorded, inside) for word in words)
    if environment is None:
        return here
    if words and words[0] == where.interpreter:
        return (f"{environment}/bin/python", *here[1:])
    if where.prefix:
        # a path into the recorded environment may stand anywhere: argv[0], a shell line, an option
        prefix = relocated(where.prefix, recorded, inside)
        here = tuple(relocated(word, f"{prefix}/bin", f"{environment}/bin") for word in here)
    return without_launcher(here, _folders(restored, manifest.definition.working_directory))


def _folders(restored: Path | None, working_directory: str) -> tuple[Path, ...]:
    """The folder in which the command runs and those above it, none outside of the workspace."""
    if restored is None:
        return ()
    inner = PurePosixPath(working_directory)
    return tuple(restored / folder for folder in (inner, *inner.parents))


def relocated(text: str, recorded: str, inside: str) -> str:
    """The text with a recorded path, and what lies below it, at its place in the replay."""
    if recorded == inside:
        return text
    return re.sub(rf"(?<![\w./-]){re.escape(recorded)}(?![\w.-])", lambda _: inside, text)


def without_launcher(words: tuple[str, ...], folders: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """The command behind `uv run`, `poetry run`, `conda run`: a replay has its environment already.
    ``folders``: where the project's file may lie, the nearest first."""
    if not words:
        return words
    tool = PurePosixPath(words[0]).name
    if wrapped := wrappers.unwrap(tool, words, Path()):
        # env, nice, time … stand before it, and stay
        inner = wrapped.argv
        if not inner or words[-len(inner) :] != inner:
            return words
        return (*words[: -len(inner)], *without_launcher(inner, folders))
    if tool not in _VALUED:
        return words
    rest = list(words[1:])
    given = dict(launchers.options(rest, _VALUED[tool]))
    if rest[:1] != ["run"]:
        return words
    rest.pop(0)
    given |= dict(launchers.options(rest, _VALUED[tool]))
    if not rest:
        return words
    command = _as_uv_runs_it(tuple(rest), given) if tool == "uv" else tuple(rest)
    command = scripts.behind(tool, command, folders) or command
    folder = next((given[name] for name in _FOLDER[_VALUED[tool]] if name in given), "")
    return ("sh", "-c", 'cd "$0" && exec "$@"', folder, *command) if folder else command


def _as_uv_runs_it(command: tuple[str, ...], given: Mapping[str, str]) -> tuple[str, ...]:
    if not {"-m", "--module"}.isdisjoint(given):
        return ("python", "-m", *command)
    if command[0].endswith((".py", ".pyw")) or not {"-s", "--script"}.isdisjoint(given):
        return ("python", *command)
    return command


def _script(stages: tuple[Stage, ...], working_directory: str) -> tuple[str, ...]:
    """A pipeline, stage by stage: `dvc repro` would skip what it knows, and compare nothing."""
    up = posixpath.relpath(".", working_directory or ".")
    return ("sh", "-ec", "\n".join(line for stage in stages for line in _stage(stage, up)))


def _stage(stage: Stage, up: str) -> list[str]:
    folder = posixpath.join(up, stage.working_directory)
    lines = [f"echo {shlex.quote(f'stage {stage.name}')} >&2"]
    for command in stage.commands:
        lines.append(f"(cd {shlex.quote(folder)} && sh -c {shlex.quote(command)})")
    return lines
