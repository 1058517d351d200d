"""repro history."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from repro.cli import terminal


@click.command("history")
@click.argument("run", default="latest")
@click.option("--json", "as_json", is_flag=True, help="Print the history as JSON.")
def history_command(run: str, as_json: bool) -> int:
    """Show all replays of RUN over time, since when it no longer reproduces, and what changed then.

    All that this store knows of: those that were made here, and on the workers of a cluster from here. A
    bundle brings a run without its replays.
    """
    from repro import history
    from repro import runs as finding
    from repro.cli.opening import open_project
    from repro.report import history as report

    project = open_project()
    found = history.of(project, finding.resolve(project, run, Path.cwd()))
    if as_json:
        click.echo(report.as_json(found), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, colour=colour, width=terminal.width()), nl=False)
    return 0
