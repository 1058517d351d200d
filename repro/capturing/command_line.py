"""What the words after `repro run` stand for: a program and its arguments, a shell line, a notebook."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from repro import process
from repro.capturing.shell import Scene
from repro.errors import UsageError
from repro.shell_words import shell_line

_SHELL = re.compile(r"[\s;&|<>$`()*?{}]")
"""What makes one word a line for a shell, unless there is a program of that name."""
_PARAMETER = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def understood(argv: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The words to execute. Raises UsageError where a notebook's parameters cannot be read."""
    if not argv:
        return argv
    if len(argv) == 1 and _is_line(argv[0], Scene(folder, environ)):
        return shell_line(argv[0])
    if argv[0].endswith(".ipynb"):
        return _notebook(argv, folder)
    return argv


def demand_papermill(
    argv: tuple[str, ...], interpreter: Path | None, environ: Mapping[str, str]
) -> None:
    """Raises UsageError where a notebook is to be executed and its Python cannot."""
    if interpreter is None or argv[1:3] != ("-m", "papermill"):
        return
    done = process.run([interpreter, "-c", _MISSING], env=environ, timeout=60, check=False)
    if missing := done.stdout.decode("utf-8", "replace").split():
        raise UsageError(
            f"a notebook is executed by papermill, and {interpreter} does not have {' and '.join(missing)}",
            f"{interpreter} -m pip install {' '.join(missing)}",
        )


_MISSING = """
import importlib.util
print(*(name for name in ("papermill", "ipykernel") if importlib.util.find_spec(name) is None))
"""


def executed_notebook(path: str) -> str:
    """Where papermill leaves the notebook with its outputs; the notebook itself stays as it is."""
    return f"{path.removesuffix('.ipynb')}.executed.ipynb"


def _is_line(word: str, scene: Scene) -> bool:
    return bool(_SHELL.search(word)) and scene.which(word) is None


def _notebook(argv: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    path = argv[0]
    if not (folder / path).is_file():
        raise UsageError(f"there is no notebook {path} in {folder}", "check its name")
    words = ["python", "-m", "papermill", path, executed_notebook(path)]
    # as Jupyter does: relative paths in a notebook start from its folder
    words += ["--cwd", os.path.dirname(path) or ".", "-k", "python3"]  # noqa: PTH120
    rest = list(argv[1:])
    while rest:
        option = rest.pop(0)
        given = rest.pop(0) if option in ("-p", "--param") and rest else option
        match = _PARAMETER.fullmatch(given.removeprefix("-p").removeprefix("--param="))
        if not match:
            raise UsageError(
                f"a notebook takes parameters only, and {given!r} is none",
                f"repro run {path} -p epochs=3 -p rate=0.1",
            )
        words += ["-p", match[1], match[2]]
    return tuple(words)
