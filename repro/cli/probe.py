"""repro probe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli import variables as variables_of
from repro.cli.opening import open_project


@click.command("probe")
@click.argument("run", default="latest")
@click.option("--only", metavar="NAMES", default="", help="Vary these only: names with commas.")
@click.option("--skip", metavar="NAMES", default="", help="Vary all but these.")
@click.option("-j", "jobs", type=click.IntRange(1), default=1, show_default=True,
              help="Replays at the same time, where no timing can matter and memory allows.")  # fmt: skip
@variables_of.option
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only what was found.")
@click.option("-v", "--verbose", is_flag=True, help="Also what the training prints.")
def probe_command(
    run: str,
    only: str,
    skip: str,
    jobs: int,
    variables: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Find out what RUN (default: latest) depends on that it should not.

    It is replayed in Docker twice as it is; then with everything varied at once that should not matter
    (hash seed, threads, CPUs, order of files, clock, locale, paths ...); and where that moves a metric or an
    output, one thing after the other. Each that is guilty is named, with its remedy and what that costs.

    None of these replays is stored. Ends with 0 when nothing is guilty, 1 when something is, 3 when the
    run cannot be replayed.
    """
    from repro import probes, replaying, runs, variations
    from repro.logs import Silent
    from repro.probes.probing import Choice
    from repro.report import probe as report

    choice = Choice(variations.named(_names(only)), variations.named(_names(skip)))
    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    progress = terminal.Lines(verbose=verbose, quiet=quiet)
    sink = terminal.Onward(all_to_stderr=True) if verbose and not quiet else Silent()
    options = replaying.Options(env=variables_of.given(variables, [found]))
    said = probes.probe(project, found, options, os.environ, sink, progress, choice, jobs)
    if as_json:
        click.echo(report.as_json(said), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(said, colour=colour, width=terminal.width()), nl=False)
    return said.exit_code


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
