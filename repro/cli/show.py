"""repro show."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli.opening import open_project


@click.command("show")
@click.argument("run", default="latest")
@click.option(
    "--log", is_flag=True, help="Print what the run printed: its stdout, then its stderr."
)
@click.option("--dockerfile", is_flag=True, help="Print the recipe of its environment.")
@click.option("--all", "show_all", is_flag=True, help="Every metric, parameter and output.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def show_command(run: str, log: bool, dockerfile: bool, show_all: bool, as_json: bool) -> int:
    """Show RUN (default: latest): what went in, what came out, what a replay elsewhere would miss."""
    from repro import attesting, records, runs
    from repro.report import run as report

    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    store = project.store
    if log:
        for item in sorted(found.manifest.result.logs, key=lambda item: item.path, reverse=True):
            sys.stdout.buffer.write(store.read(item))
        sys.stdout.flush()
    elif dockerfile:
        recipe = found.manifest.content("environment/Dockerfile")
        click.echo(store.read(recipe).decode("utf-8") if recipe else "", nl=False)
    elif as_json:
        click.echo(report.as_json(found), nl=False)
    else:
        names = sorted(name for name, identity in store.names().items() if identity == found.id)
        text = report.show(
            found,
            records.summaries(store, found.id),
            names,
            attesting.summaries(store, found.id),
            colour=terminal.use_colour(sys.stdout),
            width=terminal.width(),
            all=show_all,
        )
        click.echo(text, nl=False)
    return 0
