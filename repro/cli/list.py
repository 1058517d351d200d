"""repro list."""

from __future__ import annotations

import sys

import click

from repro.cli import terminal
from repro.cli.opening import open_project


@click.command("list")
@click.option("-n", "--number", type=click.IntRange(min=1), default=20, show_default=True,
              help="How many, newest first.")  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="Every run.")
@click.option("--where", "conditions", multiple=True, metavar="CONDITION",
              help="Only runs with e.g. 'test.accuracy>0.9', 'lr=0.1', 'verdict=different', "
              "'outcome=failed'; may be given several times.")  # fmt: skip
@click.option("--sort", metavar="NAME", help="Order by a metric, a parameter, 'duration' or 'created'; "
              "'-NAME' for the other direction.")  # fmt: skip
@click.option(
    "--metric", "columns", multiple=True, metavar="NAME", help="Show this metric or parameter."
)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_command(
    number: int,
    show_all: bool,
    conditions: tuple[str, ...],
    sort: str | None,
    columns: tuple[str, ...],
    as_json: bool,
) -> int:
    """List the runs of this project, newest first.

    Runs and verdicts are those of this store: what others replayed elsewhere is not among them.
    """
    from repro import listing
    from repro.index import Index
    from repro.report import list as report

    project = open_project()
    index = Index(project.store)
    try:
        # without a question about all of them, only those that are shown are read
        asked = show_all or conditions or sort
        found = listing.select(index.rows(-1 if asked else number), conditions, sort)
        total = len(found) if asked else index.count()
        damaged = index.damaged
    finally:
        index.close()
    shown = found if show_all else found[:number]
    if as_json:
        click.echo(report.as_json(shown, total), nl=False)
    else:
        wanted = columns or listing.columns(conditions, sort)
        click.echo(
            report.render(
                shown, total, wanted,
                colour=terminal.use_colour(sys.stdout),
                width=terminal.width() if sys.stdout.isatty() else 1000,
            ),
            nl=False,
        )  # fmt: skip
    for line in damaged:
        terminal.tell(f"damaged, not listed: {line}")
    return 0
