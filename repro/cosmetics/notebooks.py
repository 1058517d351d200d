"""Notebooks: source, outputs and execution counts count; when it ran and what cells are called do not."""

from __future__ import annotations

import re
from typing import Any

from repro.cosmetics import json_trees
from repro.cosmetics.json_trees import Mark, Pairs, Spans
from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.shapes import ADDRESS, HEX, UUID

FORM = "notebook/1"

_ADDRESS = re.compile(ADDRESS, re.ASCII)
_CELL_ID = re.compile(f"{HEX}{{8}}|{UUID}", re.ASCII)
_TIMES = {
    "papermill": frozenset(("start_time", "end_time", "duration")),
    "ExecuteTime": frozenset(("start_time", "end_time")),
    "execution": frozenset(
        (
            "iopub.execute_input", "iopub.status.busy", "iopub.status.idle",
            "shell.execute_reply", "shell.execute_reply.started",
        )
    ),
}  # fmt: skip
"""What papermill, JupyterLab and an extension of Jupyter leave in ``metadata``."""


def digest(part: Part) -> str:
    """The digest of a notebook. Raises Unfit where it is not one of format 4."""
    tree = json_trees.parse(json_trees.read(part, ("nbformat",)))
    if not isinstance(tree, Pairs) or ("nbformat", json_trees.Number("4")) not in tree:
        raise Unfit("no notebook of format 4")
    tally = Tally(FORM)
    tally.add(json_trees.encode(Pairs((key, _top(key, value)) for key, value in tree)))
    return tally.digest()


def _top(key: str, value: Any) -> Any:
    if key == "metadata":
        return _metadata(value)
    if key == "cells" and isinstance(value, list) and not isinstance(value, Pairs):
        return [_cell(cell) for cell in value]
    return value


def _cell(cell: Any) -> Any:
    if not isinstance(cell, Pairs):
        return cell
    return Pairs((key, _cell_value(key, value)) for key, value in cell)


def _cell_value(key: str, value: Any) -> Any:
    if key == "id" and isinstance(value, str) and _CELL_ID.fullmatch(value):
        return Mark("cell id")
    if key == "metadata":
        return _metadata(value)
    return _without_addresses(value) if key == "outputs" else value


def _metadata(value: Any) -> Any:
    if not isinstance(value, Pairs):
        return value
    return Pairs(
        (key, _without_times(inner, _TIMES[key]) if key in _TIMES else inner)
        for key, inner in value
    )


def _without_times(value: Any, names: frozenset[str]) -> Any:
    if not isinstance(value, Pairs):
        return value
    # null counts: a cell that was not run is another than one that was
    return Pairs(
        (key, Mark("time") if key in names and _is_value(inner) else inner) for key, inner in value
    )


def _is_value(node: Any) -> bool:
    return isinstance(node, str | json_trees.Number)


def _without_addresses(node: Any) -> Any:
    if isinstance(node, Pairs):
        return Pairs((key, _without_addresses(value)) for key, value in node)
    if isinstance(node, list):
        return [_without_addresses(value) for value in node]
    if isinstance(node, str) and (pieces := _ADDRESS.split(node))[1:]:
        return Spans(Mark("address") if at % 2 else piece for at, piece in enumerate(pieces))
    return node
