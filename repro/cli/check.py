"""repro check."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal


@click.command("check")
@click.option("--strict", is_flag=True, help="What is on this machine only counts as missing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
def check_command(strict: bool, as_json: bool, runs: tuple[str, ...]) -> int:
    """Ask, without training, whether all that RUNS need is still to be had (default: all runs).

    The commit on its remote, the data on its DVC remote, each package on the index with the recorded
    hash, the image in its registry by its digest. Ends with 0 when all is to be had, with 1 when something
    is lost or could not be told.
    """
    from repro import checking
    from repro import runs as finding
    from repro.checking import Where
    from repro.cli.opening import open_project
    from repro.errors import NotFound
    from repro.report import check as report

    project = open_project()
    if runs:
        chosen = [finding.resolve(project, name, Path.cwd()) for name in runs]
    else:
        chosen = finding.all_of(project)
    if not chosen:
        raise NotFound("no run has been recorded in this project", "repro run -- python train.py")
    progress = terminal.Lines(verbose=False, quiet=as_json)
    found = checking.check(project, chosen, os.environ, progress)
    if as_json:
        click.echo(report.as_json(found), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, colour=colour, width=terminal.width()), nl=False)
    bad = {Where.LOST, Where.UNKNOWN, *([Where.HERE] if strict else [])}
    return int(any(item.where in bad for item in found))
