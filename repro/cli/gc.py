"""repro gc."""

from __future__ import annotations

import sys

import click

from repro.cli import terminal


@click.command("gc")
@click.option("--delete", is_flag=True, help="Remove it; without, it is only shown.")
@click.option("--cache", is_flag=True, help="Also what can be made again: indexes, downloads.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def gc_command(delete: bool, cache: bool, as_json: bool) -> int:
    """Show what the store `.repro/` holds, and what of it nothing refers to any more.

    Nothing is removed without --delete. Runs are never removed: to give one up, remove its file
    .repro/runs/ID; what only it needed is then found here. Images of environments are the engine's:
    docker image ls repro-env.
    """
    from repro import collecting
    from repro.cli.opening import open_project
    from repro.report import gc as report

    store = open_project().store
    progress = terminal.Lines(verbose=False, quiet=as_json)
    if delete:
        found = collecting.collect(store, cache=cache, progress=progress)
    else:
        found = collecting.survey(store, cache=cache)
    if as_json:
        click.echo(report.as_json(found, store.root, deleted=delete), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, deleted=delete, cache=cache, colour=colour), nl=False)
    return 0
