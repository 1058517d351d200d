"""What a command read from its standard input is named: a replay has nothing to give it there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.capturing.standard_input import Position, findings, position


def said(before: Position | None, after: Position | None) -> list[str]:
    return [item.message for item in findings(before, after)]


def test_a_file_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        before = position(descriptor)
        assert said(before, position(descriptor)) == []
        os.read(descriptor, 4)
        (message,) = said(before, position(descriptor))
    finally:
        os.close(descriptor)
    assert "a file of 8 bytes" in message


def test_a_pipe_that_was_read() -> None:
    out, into = os.pipe()
    try:
        os.write(into, b"12345")
        before = position(out)
        os.write(into, b"67")  # more has come, and nobody read it
        assert said(before, position(out)) == []
        os.read(out, 7)
        (message,) = said(before, position(out))
    finally:
        os.close(out)
        os.close(into)
    assert "a pipe" in message


@pytest.mark.parametrize("path", ["/dev/null", "/"])
def test_nothing_to_read(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert position(descriptor) is None
    finally:
        os.close(descriptor)


def test_what_cannot_be_told() -> None:
    assert position(10**6) is None
    some = Position(True, 0, 9)
    assert said(None, some) == said(some, None) == said(some, Position(False, 3)) == []
    assert said(Position(True, 5, 9), some) == []
