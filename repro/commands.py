"""The recorded command, as a replay's environment can execute it.

What was recorded names things of the recording machine: the interpreter of a virtual environment, a
launcher such as `uv run` or `poetry run`, DVC for a pipeline. A replay has one environment, whose
commands come first on PATH; here its names are put in their place.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import PurePosixPath

from repro.capturing.launchers import UV_VALUED
from repro.manifest import Manifest, Stage

_RUNNERS = frozenset({"poetry", "pipenv", "pdm", "hatch", "rye", "pixi"})
_CONDA = frozenset({"conda", "mamba", "micromamba"})
_CONDA_VALUED = frozenset({"-n", "--name", "-p", "--prefix", "--cwd"})


def translated(manifest: Manifest, environment: str | None, inside: str) -> tuple[str, ...]:
    """The words to execute. ``environment`` is where the replay's Python environment lies, as the
    command sees it; None: the recorded image is the environment, and every name in it holds.
    ``inside`` is where it sees the workspace."""
    stages = manifest.definition.command.stages
    if stages:
        words = _script(stages, manifest.definition.working_directory)
    else:
        words = manifest.definition.command.argv
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
    return without_launcher(here)


def relocated(text: str, recorded: str, inside: str) -> str:
    """The text with a recorded path, and what lies below it, at its place in the replay."""
    if recorded == inside:
        return text
    return re.sub(rf"(?<![\w./-]){re.escape(recorded)}(?![\w.-])", lambda _: inside, text)


def without_launcher(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command behind `uv run`, `poetry run`, `conda run`: a replay has its environment already."""
    if len(words) < 3 or words[1] != "run":
        return words
    tool = PurePosixPath(words[0]).name
    if tool in _RUNNERS:
        return _after_options(words[2:], frozenset())
    if tool == "uv":
        return _after_uv(words[2:])
    if tool in _CONDA:
        return _after_options(words[2:], _CONDA_VALUED)
    return words


def _after_uv(words: tuple[str, ...]) -> tuple[str, ...]:
    module = any(word in ("-m", "--module") for word in words[: _first(words, UV_VALUED)])
    rest = _after_options(words, UV_VALUED)
    if module:
        return ("python", "-m", *rest)
    # `uv run train.py` runs the file with the environment's Python
    return ("python", *rest) if rest and rest[0].endswith(".py") else rest


def _after_options(words: tuple[str, ...], valued: frozenset[str]) -> tuple[str, ...]:
    return words[_first(words, valued) :]


def _first(words: tuple[str, ...], valued: frozenset[str]) -> int:
    """Where the command begins behind the options."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return at + 1
        at += 2 if words[at] in valued else 1
    return at


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
