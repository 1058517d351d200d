"""The option by which a replay is given what the record does not have: ``--env``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from repro.cli import terminal

if TYPE_CHECKING:
    from repro.store import Run

option = click.option(
    "--env", "variables", metavar="NAME[=VALUE]", multiple=True,
    help="A variable that was redacted; without VALUE: as it is set here.",
)  # fmt: skip


def given(words: tuple[str, ...], runs: Iterable[Run]) -> dict[str, str]:
    """Their values, each of which one of the runs at least has to lack. Raises UsageError."""
    from repro import redacting

    values = redacting.given(words, os.environ)
    redacting.demand_wanted([run.manifest.definition for run in runs], values)
    return values


def tell(values: Iterable[str]) -> None:
    """On stderr, where the report itself has no place for it."""
    from repro import redacting

    if names := sorted(values):
        terminal.tell(f"  note: {redacting.said_of(names)}")
