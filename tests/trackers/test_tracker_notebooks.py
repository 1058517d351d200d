"""Executed notebooks: what their cells printed."""

from __future__ import annotations

import json

import pytest

from repro.manifest import SourceState
from repro.trackers import notebooks

pytest.importorskip("repro.log_metrics", exc_type=ImportError)


def notebook(*outputs: object, key: str = "cells") -> bytes:
    cells = [{"cell_type": "markdown", "source": "loss: 9.5"}]
    cells += [{"cell_type": "code", "outputs": [output]} for output in outputs]  # type: ignore[dict-item]
    if key == "worksheets":
        return json.dumps({"worksheets": [{"cells": cells}]}).encode()
    return json.dumps({key: cells}).encode()


STREAM = {"output_type": "stream", "name": "stdout", "text": ["loss: 0.25\n", "acc: 0.5\n"]}


@pytest.mark.parametrize("key", ["cells", "worksheets"])
def test_what_cells_print_is_read_like_a_log(key: str) -> None:
    result = {"output_type": "execute_result", "data": {"text/plain": "auc: 0.75"}}
    found = notebooks.read(notebook(STREAM, result, key=key), "out.ipynb")
    assert found.state is SourceState.READ
    assert {item.name: item.value for item in found.metrics} == {
        "loss": 0.25,
        "acc": 0.5,
        "auc": 0.75,
    }
    assert {item.source for item in found.metrics} == {"out.ipynb"}


def test_a_cell_that_ended_in_an_error_is_named() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no"}
    found = notebooks.read(notebook(STREAM, error), "s")
    assert found.detail == "code cell 2 ended in ValueError"
    assert found.metrics


def test_a_notebook_that_printed_nothing_is_empty() -> None:
    assert notebooks.read(notebook(), "s").state is SourceState.EMPTY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no",
        b"[]",
        b"{}",
        b'{"cells": 3}',
        b'{"worksheets": [3]}',
        b"[" * 200_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_notebook_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError) as caught:
        notebooks.read(content, "s")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "output",
    [
        3,
        None,
        {},
        {"output_type": "stream"},
        {"output_type": "stream", "text": [1, None]},
        {"output_type": "execute_result", "data": 3},
        {"output_type": "execute_result", "data": {"text/plain": {"a": 1}}},
        {"output_type": "stream", "text": "\ud800"},
    ],
)
def test_outputs_of_another_shape_are_passed_over(output: object) -> None:
    assert notebooks.read(notebook(output), "s").state is SourceState.EMPTY
