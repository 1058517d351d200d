"""repro check."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal


@click.command("check")
@click.option("--strict", is_flag=True, help="What is on this machine only counts as missing.")
@click.option(
    "--fix", is_flag=True, help="Copy into the store what can still be saved, then check."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
def check_command(strict: bool, fix: bool, as_json: bool, runs: tuple[str, ...]) -> int:
    """Ask, without training, whether all that RUNS need is still to be had (default: all runs).

    The commit on its remote, the data on its DVC remote, each package on the index with the recorded
    hash, the image in its registry by its digest. Ends with 0 when all is to be had, with 1 when something
    is lost or could not be told.

    With --fix the data, the packages' own files and the environment's image are copied into the store (.repro/),
    so that a replay needs none of these places any more. What could not be saved is said.
    """
    from repro import checking, saving
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
    saved = saving.save(project, chosen, os.environ, progress) if fix else ()
    found = checking.check(project, chosen, os.environ, progress)
    savable = {run.id: saving.savable(project, run) for run in chosen}
    if as_json:
        click.echo(report.as_json(found, savable, saved), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        if fix:
            click.echo(report.saved(saved, terminal.width()) + "\n", nl=False)
        text = report.render(found, colour=colour, width=terminal.width(), savable=savable)
        click.echo(text, nl=False)
    bad = {Where.LOST, Where.UNKNOWN, *([Where.HERE] if strict else [])}
    return int(any(item.where in bad for item in found))
