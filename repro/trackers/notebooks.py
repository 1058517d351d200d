"""Executed notebooks: what their cells printed, handed to the reader of logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from repro.manifest import SourceState
from repro.trackers.asides import joined
from repro.trackers.nouns import Found


def read(content: bytes, source: str) -> Found:
    """The numbers in the outputs of a notebook's cells, as a log of that name would yield them.

    Raises ValueError, with one line, where it is no notebook.
    """
    cells = _cells(content)
    try:
        from repro.log_metrics import Rules
        from repro.log_metrics import read as read_log
    except ImportError:
        return Found(SourceState.UNREADABLE, "this repro has no reader of what a notebook prints")
    printed = "\n".join(text for cell in cells for text in _texts(cell))
    reading = read_log(printed.encode("utf-8", "surrogatepass"), source, Rules())
    metrics = tuple(reading.metrics)
    state = SourceState.READ if metrics else SourceState.EMPTY
    return Found(state, joined(*_errors(cells)), metrics)


def _cells(content: bytes) -> list[dict[str, Any]]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no notebook: no JSON") from error
    if not isinstance(document, dict):
        raise ValueError("it is no notebook: it has no cells")
    cells = document.get("cells")
    if cells is None:  # before version 4 the cells stood in work sheets
        sheets = document.get("worksheets")
        sheet = sheets[0] if isinstance(sheets, list) and sheets else {}
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it is no notebook: it has no cells")
    return [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _outputs(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            yield output


def _texts(cell: dict[str, Any]) -> Iterator[str]:
    for output in _outputs(cell):
        match output.get("output_type"):
            case "stream":
                yield _text(output.get("text"))
            case "execute_result" | "display_data" | "pyout":
                data = output.get("data", output)
                if isinstance(data, dict):
                    yield _text(data.get("text/plain", data.get("text")))


def _text(value: Any) -> str:
    """Multi-line text is kept as a list of lines, their ends included."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _errors(cells: list[dict[str, Any]]) -> Iterator[str]:
    for number, cell in enumerate(cells, 1):
        for output in _outputs(cell):
            if output.get("output_type") in ("error", "pyerr"):
                yield f"code cell {number} ended in {str(output.get('ename'))[:80]}"
