"""What the commands share when they speak: colour, progress, the command's own output."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import IO

import click

from repro.progress import Progress


def use_colour(stream: IO[str]) -> bool:
    """Colour is for a person at a terminal, and NO_COLOR is a wish."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or os.environ.get("CI"):
        return False
    return stream.isatty()


def width() -> int:
    """Columns of the terminal; 100 where there is none, so that logs keep tables whole."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    said = os.environ.get("COLUMNS", "")
    return int(said) if re.fullmatch("[0-9]{1,5}", said) and int(said) else 100


def complain(message: str, hint: str = "") -> None:
    """One line that says what is wrong and, below it, what to try."""
    colour = use_colour(sys.stderr)
    prefix = click.style("error:", fg="red", bold=True) if colour else "error:"
    click.echo(f"{prefix} {printable(message)}", err=True)
    if hint:
        click.echo(f"  try: {printable(hint)}", err=True)


def tell(message: str) -> None:
    """A line for the person, on stderr: stdout belongs to the command, or to the document."""
    click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """Text whose control characters and lone surrogates cannot drive a terminal."""
    return "".join(
        character
        if character in "\n\t"
        or (character.isprintable() and not "\ud800" <= character <= "\udfff")
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class Lines(Progress):
    """Progress as plain lines on stderr: short, and the same in a CI log."""

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self._verbose, self._quiet = verbose, quiet

    def step(self, text: str) -> None:
        if not self._quiet:
            prefix = click.style("repro:", fg="cyan") if use_colour(sys.stderr) else "repro:"
            click.echo(f"{prefix} {printable(text)}", err=True)

    def detail(self, text: str) -> None:
        if self._verbose and not self._quiet:
            click.echo(f"  {printable(text)}", err=True)


class Onward:
    """The command's output, passed on as it comes."""

    def __init__(self, *, all_to_stderr: bool = False) -> None:
        self._out = sys.stderr if all_to_stderr else sys.stdout

    def stdout(self, chunk: bytes) -> None:
        _pass(self._out, chunk)

    def stderr(self, chunk: bytes) -> None:
        _pass(sys.stderr, chunk)


def _pass(stream: IO[str], chunk: bytes) -> None:
    try:
        stream.buffer.write(chunk)  # type: ignore[attr-defined]
        stream.flush()
    except (BrokenPipeError, ValueError):
        pass  # nobody listens any more; the log has it
