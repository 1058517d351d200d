"""repro diff."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli.opening import open_project


@click.command("diff")
@click.argument("a")
@click.argument("b", default="latest")
@click.option("--all", "show_all", is_flag=True, help="Show what is equal as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON.")
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the comparison as Markdown.",
)
def diff_command(a: str, b: str, show_all: bool, as_json: bool, markdown: Path | None) -> int:
    """Show what differs between two runs, A and B (default: latest): code, data, packages, image,
    parameters, command, variables, host, metrics and outputs.

    Ends with 0 when nothing that counts differs, 1 when what went in or what came out differs, 3 when
    one of the runs failed. Tolerances of repro.yaml apply.
    """
    from repro import differing, runs
    from repro.report import diff as report
    from repro.report import markdown as report_markdown

    project = open_project()
    here = Path.cwd()
    found = differing.diff(project, runs.resolve(project, a, here), runs.resolve(project, b, here))
    if markdown:
        text = report_markdown.render(found.comparison, report.heading(found))
        markdown.write_text(text, "utf-8")
    if as_json:
        click.echo(report.as_json(found), nl=False)
    else:
        click.echo(
            report.render(
                found,
                colour=terminal.use_colour(sys.stdout),
                width=terminal.width(),
                all=show_all,
            ),
            nl=False,
        )
    return found.comparison.exit_code
