"""repro accept."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from repro.cli import terminal


@click.command("accept")
@click.argument("run", default="latest")
@click.option(
    "--because", default="", metavar="TEXT", help="Why: stands in the file for reviewers."
)
@click.option("--name", default="", help="What to call the baseline; default: the run's name.")
@click.option("--replay", default="", metavar="ID", help="Which replay; default: the newest.")
@click.option("--as-recorded", is_flag=True, help="The record itself instead of a replay of it.")
@click.option("--this-host", is_flag=True,
              help="Only for machines of this architecture and GPU model.")  # fmt: skip
@click.option("--from", "origin", default="", metavar="REF",
              help="Where others, and CI, pull the run from (see repro push).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was accepted as JSON.")
def accept_command(
    run: str,
    because: str,
    name: str,
    replay: str,
    as_recorded: bool,
    this_host: bool,
    origin: str,
    as_json: bool,
) -> int:
    """Take what a replay of RUN yielded as the baseline that `repro verify` holds it to.

    The result becomes a run of its own, and repro-baselines.yaml says which, since when, by whom, why and
    what changed; the baseline before it is kept there. Commit the file: it is reviewed like code.

    The replay is one of this store, see `repro history RUN`.
    """
    from repro import accepting, runs
    from repro.cli.opening import open_project
    from repro.report import accepted as report

    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    request = accepting.Request(because, name, replay, as_recorded, this_host, origin)
    done = accepting.accept(project, found, request)
    if as_json:
        click.echo(report.as_json(done), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(done, colour=colour, width=terminal.width()), nl=False)
    return 0
