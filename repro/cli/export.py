"""repro export and repro import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import terminal
from repro.cli.opening import open_project, open_store

if TYPE_CHECKING:
    from repro.importing import Imported


@click.command("export")
@click.argument("run")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with", "parts", default="", metavar="PARTS",
              help="Put in as well, with commas between: data, packages, image, outputs.")  # fmt: skip
@click.option(
    "--complete",
    is_flag=True,
    help="Put in all that a replay needs: no network, no registry, no index, no DVC remote, no clone.",
)
@click.option(
    "--allow-secrets", is_flag=True, help="Export although something looks like a secret."
)
@click.option(
    "--redact",
    is_flag=True,
    help="Export without the values of what looks like a secret, as a run of its own.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
@click.option("-v", "--verbose", is_flag=True, help="What is done in between.")
def export_command(
    run: str,
    file: Path,
    parts: str,
    complete: bool,
    allow_secrets: bool,
    redact: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write RUN into FILE: source, recipe, log, small outputs; on request data, packages, the image.

    FILE is an OCI image layout in a tar (specs/bundle.md). The same run gives the same bytes.
    """
    from repro import exporting, exporting_secrets, runs
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
        exporting_secrets.demand_none(project, found, large_outputs=options.outputs)
    done = exporting.export(project, found, file, options, os.environ, progress, redact=redact)
    if not quiet:
        terminal.tell(f"repro: exported run {found.short} to {file} ({size(done.size)})")
        if done.run != found.id:
            terminal.tell(f"  inside as run {done.run[:12]}, which has {REDACTED} for its secrets")
        for line in done.left_out:
            terminal.tell(f"  not inside: {line}")
    click.echo(done.digest)
    return 0


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
def import_command(file: Path, quiet: bool) -> int:
    """Verify the bundle FILE and take its run into the store; an empty folder gets a store.

    Nothing of the bundle is executed. Prints the run id.
    """
    from repro import importing

    project = open_store()
    progress = terminal.Lines(quiet=quiet)
    done = importing.import_bundle(project.store, file, progress)
    if not quiet:
        tell_imported(done, "imported")
    click.echo(done.run.id)
    return 0


def tell_imported(done: Imported, verb: str) -> None:
    """What came along with a run from elsewhere, and what to know of it."""
    came = [f"{done.data} data files"] * bool(done.data)
    came += [f"{done.packages} packages"] * bool(done.packages)
    came += ["its image"] * done.image
    if done.signatures:
        several = "s" * (done.signatures > 1)
        came.append(f"{done.signatures} signature{several} (not verified: repro verify-signature)")
    how = verb if done.new else "had already, and checked,"
    along = f", with {', '.join(came)}" if came else ""
    terminal.tell(f"repro: {how} run {done.run.short}{along}")
    for line in done.notes:
        terminal.tell(f"  note: {line}")
