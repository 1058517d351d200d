"""Where in the repository a verified run is at home: a line that a pipeline can point to."""

from __future__ import annotations

import posixpath

from repro.manifest import Definition
from repro.verifying import Chosen

_SCRIPTS = (".py", ".ipynb", ".sh", ".bash", ".r", ".jl", ".lua", ".pl", ".js")
_ELSEWHERE = "repro.yaml"


def script(chosen: Chosen) -> str:
    """Path from the top of the repository, POSIX: the script that the command names, else dvc.yaml of a
    pipeline, else repro.yaml. Never one that leads out of the repository."""
    definition = chosen.run.manifest.definition
    if definition.command.stages:
        return _inside(definition, "dvc.yaml") or _ELSEWHERE
    for word in definition.command.argv:
        if word.lower().endswith(_SCRIPTS) and (found := _inside(definition, word)):
            return found
    return _ELSEWHERE


def _inside(definition: Definition, word: str) -> str:
    """The word as a path of the repository; empty where it is none."""
    path = posixpath.normpath(posixpath.join(definition.working_directory, word))
    # a path that holds such characters is none that a pipeline could point to
    if posixpath.isabs(path) or path.split("/")[0] == ".." or not path.isprintable():
        return ""
    return path
