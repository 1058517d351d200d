"""``setup.cfg`` and ``setup.py``: what of their dependencies can be told without running them."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterable
from pathlib import Path

from repro.capturing.requirements import Requirement, Requirements, single


def config(content: str, path: Path) -> Requirements:
    """``install_requires`` of ``setup.cfg``. Raises ValueError where it is no such file."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(content)
    except configparser.Error as error:
        raise ValueError(str(error).splitlines()[0]) from error
    listed = parser.get("options", "install_requires", fallback="")
    if listed.strip().startswith("file:"):
        return Requirements((), (f"its dependencies stand elsewhere: {listed.strip()}",))
    return _requirements(line for line in listed.replace(";\n", "\n").splitlines() if line.strip())


def script(content: str, path: Path) -> Requirements:
    """``install_requires`` of ``setup.py`` where it is written out: nothing of the file is executed.

    Raises ValueError where it is no Python.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"it is no Python: {error}") from error
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            value = node.value
            if isinstance(value, ast.Name):
                value = constants.get(value.id, value)
            return _written_out(value)
    return Requirements(())


def _written_out(value: ast.expr) -> Requirements:
    try:
        listed = ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return Requirements((), ("its install_requires is computed, and it is not run to tell",))
    if isinstance(listed, str):
        listed = listed.splitlines()
    if not isinstance(listed, list | tuple):
        return Requirements((), ("its install_requires is no list",))
    return _requirements(str(item) for item in listed)


def _requirements(lines: Iterable[str]) -> Requirements:
    found: list[Requirement] = []
    unread: list[str] = []
    for line in lines:
        entry = single(line.strip())
        if entry:
            found.append(entry)
        elif line.strip() and not line.strip().startswith("#"):
            unread.append(f"{line.strip()!r} is no requirement")
    return Requirements(tuple(found), tuple(unread))
