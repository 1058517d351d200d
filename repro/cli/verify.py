"""repro verify."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import click

from repro.cli import places, terminal
from repro.cli import reports as reporting
from repro.cli import variables as variables_of
from repro.cli.places import Where
from repro.cli.reports import Reports
from repro.cli.selection import selected


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
              help="Replays at the same time, as far as processors and memory allow; default: 1, in a "
              "cluster as many as it has room for.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1), metavar="K",
              help="Only the first K steps of the recorded series; stops once they are written.")  # fmt: skip
@click.option("--resume", type=click.IntRange(1), metavar="K",
              help="K steps and K more, continued from the checkpoint, must equal 2K at once.")  # fmt: skip
@click.option("--changed", "since", metavar="REV", is_flag=False, flag_value="HEAD", default=None,
              help="Only those that files changed since REV (--changed=REV; without: HEAD) can affect, and with "
              "the source as it is now.")  # fmt: skip
@click.option("--current", is_flag=True, help="With source, data and parameters as they are now.")
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
@variables_of.option
@click.option("--fail-fast", is_flag=True, help="Stop at the first that does not pass.")
@click.option("--within", callback=_span, metavar="TIME",
              help="A time limit, e.g. 20m: what was not reached is named, and is no pass.")  # fmt: skip
@click.option("--self-test", "with_self_test", is_flag=True,
              help="Also change one ingredient of each run, and demand that it turns red.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the verification as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the report.")
@click.option("--cache-key", is_flag=True,
              help="Replay nothing: print keys for a pipeline's caches of environments and data.")  # fmt: skip
@reporting.options
def verify_command(
    runs: tuple[str, ...],
    replays: int,
    jobs: int | None,
    steps: int | None,
    resume: int | None,
    since: str | None,
    current: bool,
    scheduler: str | None,
    via: str,
    engine: str,
    network: bool | None,
    cpus: int | None,
    gpus: bool | None,
    variables: tuple[str, ...],
    fail_fast: bool,
    within: float | None,
    with_self_test: bool,
    as_json: bool,
    quiet: bool,
    cache_key: bool,
    reports: Reports,
) -> int:
    """Replay each RUN, several times if asked, and hold all results to the record and to each other.

    Without RUN: the baselines of the project (see `repro accept`). With --current each is replayed in its
    recorded environment with the source, data and parameters of the work tree: does this change leave the
    results as they were?

    Ends with 0 when every run passed, 1 when one is different, 3 when one failed, could not be replayed
    or was not reached.
    """
    from repro import caching, verifying
    from repro.cli.opening import open_project
    from repro.replaying import Options
    from repro.report import verification as report
    from repro.report import verification_json
    from repro.verifying import Request, Verified, self_test

    if not cache_key:
        reports.begin()
    project = open_project()
    if resume is not None and (steps is not None or with_self_test):
        raise click.UsageError("--resume is a check of its own: without --steps and --self-test")
    if resume is not None and project.config.resume is None:
        raise click.UsageError(
            "--resume: repro.yaml does not say how the training is continued; its key is resume: "
            "{start: …, continue: …}, see specs/config.md"
        )
    if scheduler and (resume or current or since is not None):
        raise click.UsageError(
            "--scheduler replays runs as they were recorded: without --resume, --current and --changed"
        )
    if scheduler and variables:
        from repro.verifying.cluster import NoSecrets

        raise NoSecrets
    if via and not scheduler:
        raise click.UsageError("--via is for --scheduler")
    progress = terminal.Lines(quiet=quiet)
    selection = selected(project, runs, since, progress)
    chosen = selection.chosen
    if cache_key:
        needed = [item.run for item in chosen]
        click.echo(caching.keys(project, needed).lines, nl=False)
        return 0
    options = Options(
        engine,
        network=network,
        cpus=cpus,
        gpus=gpus,
        env=variables_of.given(variables, [item.run for item in chosen]),
        steps=steps,
        resume=resume,
        current=current or since is not None,
    )
    where = Where(jobs, scheduler, via)
    allowed, why = where.fitting(chosen)
    request = Request(replays, allowed, options, fail_fast, within)

    def watch(item: Verified) -> None:
        progress.step(report.line(item))

    if not chosen:
        found = verifying.Verification((), 0.0, unaffected=since is not None)
    else:
        with places.opened(where, project, chosen, allowed, progress) as place:
            found = verifying.verify(project, chosen, request, place, watch)
            if with_self_test and not found.stopped:
                tests = self_test.self_test(
                    project, chosen, request, place, self_test.steady(found)
                )
                found = replace(found, self_tests=tests)
        found = replace(found, notes=(*found.notes, *place.notes))
    notes = (*selection.notes, *([why] if why else []))
    found = replace(found, notes=(*notes, *found.notes))
    if as_json:
        click.echo(verification_json.render(found), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, colour=colour, width=terminal.width()), nl=False)
    reports.finish(found)
    return found.exit_code
