"""repro verify."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import click

from repro.cli import terminal

_UNITS = {"s": 1, "m": 60, "h": 3600}


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", value)
    if not value or not parts:
        raise click.BadParameter(f"expected a time such as 90s, 20m or 1h30m, found {value!r}")
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


@click.command("verify")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("-n", "replays", type=click.IntRange(1, 1000), default=1, show_default=True,
              help="Replays of each run; all are compared with the record and with each other.")  # fmt: skip
@click.option("-j", "jobs", type=click.IntRange(1),
              help="Replays at the same time; default: 1, in a cluster as many as it has room for.")  # fmt: skip
@click.option("--scheduler", metavar="URL",
              help="Replay on the workers of a Dask cluster: dask://HOST:PORT, dask+tls://HOST:PORT, "
              "dask:///PATH/scheduler.json.")  # fmt: skip
@click.option("--via", default="", metavar="TARGET",
              help="With --scheduler: push the runs there (folder, URL, registry), for workers that do not "
              "see this folder.")  # fmt: skip
@click.option("--engine", type=click.Choice(["docker", "venv"]), default="docker", show_default=True,
              help="What executes them; venv gives no isolation.")  # fmt: skip
@click.option("--network/--no-network", default=None, help="Let the commands reach the network.")
@click.option("--cpus", type=click.IntRange(min=1), help="CPUs each sees; default: as recorded.")
@click.option("--gpus/--no-gpus", default=None, help="Give GPUs; default: if the run had some.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first that does not pass.")
@click.option("--within", callback=_span, metavar="TIME",
              help="A time limit, e.g. 20m: what was not reached is named, and is no pass.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the verification as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the report.")
def verify_command(
    runs: tuple[str, ...],
    replays: int,
    jobs: int | None,
    scheduler: str | None,
    via: str,
    engine: str,
    network: bool | None,
    cpus: int | None,
    gpus: bool | None,
    fail_fast: bool,
    within: float | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Replay each RUN, several times if asked, and hold all results to the record and to each other.

    Ends with 0 when every run passed, 1 when one is different, 3 when one failed, could not be replayed
    or was not reached.
    """
    from repro import runs as finding
    from repro import verifying
    from repro.cli.opening import open_project
    from repro.replaying import Options
    from repro.report import verification as report
    from repro.report import verification_json
    from repro.verifying import Chosen, Request, Verified
    from repro.verifying.workers import Workers

    project = open_project()
    chosen = [Chosen(finding.resolve(project, name, Path.cwd()), name) for name in runs]
    options = Options(engine, network=network, cpus=cpus, gpus=gpus)
    request = Request(replays, jobs or 1, options, fail_fast, within)
    progress = terminal.Lines(quiet=quiet)

    def say(label: str, step: str) -> None:
        progress.step(f"{label}: {step}")

    def watch(item: Verified) -> None:
        progress.step(report.line(item))

    if scheduler is not None:
        from repro.verifying import cluster

        wish = cluster.Wish(scheduler, jobs, via)
        wanted = [item.run for item in chosen]
        with cluster.opened(project, wanted, wish, os.environ, say, progress) as place:
            found = verifying.verify(project, chosen, request, place, watch)
        found = replace(found, notes=(*found.notes, *place.notes))
    elif via:
        raise click.UsageError("--via is for --scheduler")
    else:
        with Workers(request.jobs, os.environ, say) as workers:
            found = verifying.verify(project, chosen, request, workers, watch)
    if as_json:
        click.echo(verification_json.render(found), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, colour=colour, width=terminal.width()), nl=False)
    return found.exit_code
