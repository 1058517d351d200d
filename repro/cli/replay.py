"""repro replay."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli import variables as variables_of
from repro.cli.opening import open_project, open_store


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from repro.config_values import size

    try:
        return None if value is None else size(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("replay")
@click.argument("run", default="latest")
@click.option("--engine", type=click.Choice(["docker", "venv"]), default="docker", show_default=True,
              help="What executes it; venv gives no isolation.")  # fmt: skip
@click.option("--network/--no-network", default=None, help="Let the command reach the network.")
@click.option(
    "--cpus", type=click.IntRange(min=1), help="CPUs the command sees; default: as recorded."
)
@click.option("--memory", metavar="SIZE", callback=_size, help="Memory limit, e.g. '8 GB'.")
@click.option("--gpus/--no-gpus", default=None, help="Give it GPUs; default: if the run had some.")
@variables_of.option
@click.option("--keep", is_flag=True, help="Keep the restored workspace, and say where it is.")
@click.option(
    "--control",
    is_flag=True,
    help="Where it differs: replay a second time, to tell whether the training itself repeats.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Also write the report as Markdown.")  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="Show every equal metric and output as well.")
@click.option("-q", "--quiet", is_flag=True, help="Not the command's output, only the verdict.")
@click.option("-v", "--verbose", is_flag=True, help="What the build does.")
def replay_command(
    run: str,
    engine: str,
    network: bool | None,
    cpus: int | None,
    memory: int | None,
    gpus: bool | None,
    variables: tuple[str, ...],
    keep: bool,
    control: bool,
    as_json: bool,
    markdown: Path | None,
    show_all: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Restore RUN (default: latest), rebuild its environment, execute it again, and compare.

    RUN may be a bundle: a file that `repro export` wrote is imported first, in an empty folder too, and what
    `repro push` printed (FOLDER:RUN, URL:RUN, HOST/REPOSITORY:TAG) is pulled.
    Else it is an id or a unique prefix, a name, latest, latest~2, a git revision, mlflow:ID, or the path of
    a file that the run yielded. Ends with 0 when the verdict is identical or equivalent, 1 when it is
    different, 3 when the replay failed or was not possible.
    """
    from repro import importing, pushing, redacting, replaying, runs
    from repro.logs import Silent
    from repro.report import json as report_json
    from repro.report import markdown as report_markdown
    from repro.report import replay as report_replay

    progress = terminal.Lines(verbose=verbose, quiet=quiet)
    is_reference = pushing.is_reference(run)
    if is_reference or importing.is_bundle(Path(run)):
        project = open_store()
        if is_reference:
            imported = pushing.pull(project.store, run, progress)
        else:
            imported = importing.import_bundle(project.store, Path(run), progress)
        found = imported.run
        for line in imported.notes:
            terminal.tell(f"  note: {line}")
    else:
        project = open_project()
        found = runs.resolve(project, run, Path.cwd())
    env = redacting.given(variables, os.environ)
    options = replaying.Options(engine, network, keep, cpus, memory, gpus, env, control)
    sink = Silent() if quiet else terminal.Onward(all_to_stderr=True)
    done = replaying.replay(project, found, options, os.environ, sink, progress)
    heading = report_replay.heading(found, done)
    if markdown:
        markdown.write_text(report_markdown.render(done.comparison, heading), "utf-8")
    if as_json:
        click.echo(report_json.render(done.comparison, heading), nl=False)
    else:
        click.echo(
            report_replay.render(
                found,
                done,
                colour=terminal.use_colour(sys.stdout),
                width=terminal.width(),
                all=show_all,
            ),
            nl=False,
        )
    return done.comparison.verdict.exit_code
