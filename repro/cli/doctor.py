"""repro doctor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
def doctor_command(as_json: bool) -> int:
    """Check that this machine and this project are ready to record and to replay.

    Nothing is changed. Ends with 0 when there is no problem, and with 1 when there is one; warnings
    and what could not be told do not count.
    """
    from repro import diagnosis
    from repro.report import doctor as report

    found = diagnosis.diagnose(Path.cwd(), os.environ)
    if as_json:
        click.echo(report.as_json(found), nl=False)
    else:
        text = report.render(found, colour=terminal.use_colour(sys.stdout), width=terminal.width())
        click.echo(text, nl=False)
    return 0 if found.ready else 1
