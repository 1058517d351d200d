"""repro push and repro pull."""

from __future__ import annotations

import os
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli.opening import open_project, open_store


@click.command("push")
@click.argument("run")
@click.argument("target")
@click.option("--with", "parts", default="", metavar="PARTS",
              help="Bring along as well, with commas between: data, packages, image, outputs.")  # fmt: skip
@click.option("--complete", is_flag=True, help="Bring along all that a replay needs.")
@click.option("--allow-secrets", is_flag=True, help="Push although something looks like a secret.")
@click.option("--redact", is_flag=True,
              help="Push without the values of what looks like a secret, as a run of its own.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
@click.option("-v", "--verbose", is_flag=True, help="What is done in between.")
def push_command(
    run: str,
    target: str,
    parts: str,
    complete: bool,
    allow_secrets: bool,
    redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Bring RUN to TARGET, where others pull it from. What is there already is not sent again.

    TARGET is a folder (./runs), a URL that fsspec knows (s3://bucket/runs), or a repository of a registry
    (HOST/REPOSITORY[:TAG]). Prints what `repro pull` takes.
    """
    from repro import exporting, exporting_secrets, pushing, runs
    from repro.bundles.metering import size
    from repro.errors import UsageError
    from repro.manifest import REDACTED

    options = exporting.Options.of(parts, complete)
    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    progress = terminal.Lines(verbose=verbose, quiet=quiet)
    if redact and allow_secrets:
        raise UsageError("--redact and --allow-secrets contradict each other")
    if not allow_secrets and not redact:
        progress.step("looking for secrets")
        exporting_secrets.demand_none(project, found, "pushed", large_outputs=options.outputs)
    done = pushing.push(project, found, target, options, os.environ, progress, redact=redact)
    if not quiet:
        terminal.tell(
            f"repro: pushed run {found.short}: {done.sent} blobs sent ({size(done.sent_bytes)}),"
            f" {done.there} were there ({size(done.there_bytes)})"
            + (
                f", {done.signatures} signature{'s' * (done.signatures > 1)}"
                * bool(done.signatures)
            )
        )
        if done.run != found.id:
            terminal.tell(f"  there as run {done.run[:12]}, which has {REDACTED} for its secrets")
        for line in done.left_out:
            terminal.tell(f"  not inside: {line}")
    click.echo(done.reference)
    return 0


@click.command("pull")
@click.argument("ref")
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
def pull_command(ref: str, quiet: bool) -> int:
    """Take the run REF into the store, verified; an empty folder gets a store.

    REF is FOLDER[:RUN], URL[:RUN] (without RUN the newest), HOST/REPOSITORY:TAG or
    HOST/REPOSITORY@sha256:…. Nothing of it is executed. Prints the run id.
    """
    from repro import pushing
    from repro.cli.export import tell_imported

    project = open_store()
    done = pushing.pull(project.store, ref, terminal.Lines(quiet=quiet))
    if not quiet:
        tell_imported(done, "pulled")
    click.echo(done.run.id)
    return 0
