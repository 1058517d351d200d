"""repro run, repro capture."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import terminal

if TYPE_CHECKING:
    from repro.project import Project
    from repro.store import Run

# from the first word of the command on, everything is the command's, also without `--`
TO_COMMAND = {"allow_interspersed_args": False}


@click.command("run", context_settings=TO_COMMAND)
@click.option("--name", metavar="NAME", help="A name for the run; it moves here from another run.")
@click.option("--image", metavar="REF", help="Execute the command inside this image.")
@click.option(
    "--allow-secrets", is_flag=True, help="Record although something looks like a secret."
)
@click.option(
    "--redact", is_flag=True, help="Record without the values of what looks like a secret."
)
@click.option(
    "--watch",
    metavar="HOW",
    type=click.Choice(["auto", "seccomp", "strace", "python", "off"]),
    help="How to see which files the command reads: auto (the first of seccomp, strace, python that "
    "works), seccomp, strace, python, off.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the run as JSON; the rest goes to stderr."
)
@click.option("-q", "--quiet", is_flag=True, help="Nothing but the command's own output.")
@click.option("-v", "--verbose", is_flag=True, help="Every finding, and what a build prints.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run_command(
    name: str | None,
    image: str | None,
    allow_secrets: bool,
    redact: bool,
    watch: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    command: tuple[str, ...],
) -> int:
    """Execute COMMAND and record it: repro run -- python train.py

    COMMAND may be a program with its arguments, a shell line in quotes ("a.py && b.py"), or a notebook
    with its parameters (train.ipynb -p epochs=3), which papermill executes. Without a command: that of
    repro.yaml, else the pipeline of dvc.yaml.

    Ends with the command's own exit code; a run that fails is recorded as failed.
    """
    from repro import recording
    from repro.errors import UsageError
    from repro.watching.nouns import Mode

    if redact and allow_secrets:
        raise UsageError("--redact and --allow-secrets contradict each other")
    project = _project()
    request = recording.Request(
        command,
        Path.cwd(),
        dict(os.environ),
        name=name,
        image=image,
        allow_secrets=allow_secrets,
        redact=redact,
        watch=Mode(watch) if watch else None,
    )
    progress = terminal.Lines(verbose=verbose, quiet=quiet)
    run = recording.record(project, request, terminal.Onward(all_to_stderr=as_json), progress)
    _report(run, as_json=as_json, quiet=quiet, verbose=verbose)
    interrupted = run.manifest.result.outcome.value == "interrupted"
    return 130 if interrupted else run.manifest.result.exit_code or 0


@click.command("capture", context_settings=TO_COMMAND)
@click.option("--name", metavar="NAME", help="A name for the run; it moves here from another run.")
@click.option(
    "--allow-secrets", is_flag=True, help="Record although something looks like a secret."
)
@click.option(
    "--redact", is_flag=True, help="Record without the values of what looks like a secret."
)
@click.option(
    "--mlflow",
    metavar="RUN_ID",
    help="Take the metrics from this run of MLflow (MLFLOW_TRACKING_URI).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Every finding.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def capture_command(
    name: str | None,
    allow_secrets: bool,
    redact: bool,
    mlflow: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    command: tuple[str, ...],
) -> int:
    """Record a run of COMMAND that has already happened, from what lies on disk.

    Nothing is executed, and the manifest says that the run was not observed.
    """
    from repro import recording
    from repro.errors import UsageError

    if redact and allow_secrets:
        raise UsageError("--redact and --allow-secrets contradict each other")
    request = recording.Request(
        command,
        Path.cwd(),
        dict(os.environ),
        name=name,
        allow_secrets=allow_secrets,
        redact=redact,
        mlflow=mlflow,
    )
    run = recording.capture(_project(), request)
    _report(run, as_json=as_json, quiet=quiet, verbose=verbose)
    return 0


def _project() -> Project:
    from repro.cli.opening import open_project

    return open_project(create=True)


def _report(run: Run, *, as_json: bool, quiet: bool, verbose: bool) -> None:
    from repro.report import run as run_report

    if as_json:
        click.echo(run_report.as_json(run), nl=False)
    elif not quiet:
        text = run_report.recorded(
            run, colour=terminal.use_colour(sys.stderr), width=terminal.width(), all=verbose
        )
        click.echo(text, err=True, nl=False)
