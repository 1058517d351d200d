"""repro noise."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import terminal
from repro.cli import variables as variables_of

if TYPE_CHECKING:
    from repro.manifest import Result, Tolerance
    from repro.noise import Noise
    from repro.project import Project
    from repro.verifying import Verified


@click.command("noise")
@click.argument("run", default="latest")
@click.option("-n", "replays", type=click.IntRange(2, 1000), default=10, show_default=True,
              help="Replays; 59 bound 95% of further ones with 95% confidence.")  # fmt: skip
@click.option("-j", "jobs", type=click.IntRange(1), default=1, show_default=True,
              help="Replays at the same time.")  # fmt: skip
@click.option(
    "--engine", type=click.Choice(["docker", "venv"]), default="docker", show_default=True
)
@variables_of.option
@click.option(
    "--write", is_flag=True, help="Put the tolerances into repro.yaml, with their evidence."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
def noise_command(
    run: str,
    replays: int,
    jobs: int,
    engine: str,
    variables: tuple[str, ...],
    write: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Replay RUN several times, and measure how far its metrics scatter.

    For each metric that does: the spread, the standard deviation, the largest distance in units in the
    last place, and the smallest tolerance that holds all replays, with the confidence that it deserves.
    Ends with 0, with 1 where something differs that no tolerance can hold, with 3 where a replay did not
    run to its end.
    """
    from repro import clock, noise, runs, tolerating, verifying
    from repro.cli.opening import open_project
    from repro.config import NAME
    from repro.replaying import Options
    from repro.report import noise as report
    from repro.report import verification
    from repro.verifying import Chosen, Request
    from repro.verifying.workers import Workers

    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    progress = terminal.Lines(quiet=quiet)
    env = variables_of.given(variables, [found])
    request = Request(replays, jobs, Options(engine, env=env))
    with Workers(
        jobs, os.environ, lambda label, step: progress.step(f"{label}: {step}")
    ) as workers:
        done = verifying.verify(project, [Chosen(found)], request, workers)
    variables_of.tell(env)
    results = _results(project, done.runs[0])
    if results is None:
        colour = terminal.use_colour(sys.stderr)
        terminal.tell(verification.render(done, colour=colour, width=terminal.width()).rstrip())
        return done.exit_code if done.interrupted else 3
    measured = noise.measured(*results, _without_tolerances(project, done.runs[0]))
    lines: tuple[str, ...] = ()
    if write and measured.proposals:
        proposals = [
            _inside(project, item.proposal) for item in measured.proposals if item.proposal
        ]
        evidence = report.evidence(found, measured, clock.now()[:10])
        lines = tolerating.written(project.folder / NAME, proposals, evidence)
    if as_json:
        click.echo(report.as_json(found, measured, lines), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(found, measured, colour=colour, width=terminal.width()), nl=False)
        _say_written(measured, lines, write)
    return int(any(item.kind is noise.Kind.UNUSABLE for item in measured.metrics))


def _results(project: Project, done: Verified) -> tuple[Result, list[Result]] | None:
    """The record and what each replay yielded; None where one did not run to its end."""
    from repro import printed, records, yardstick
    from repro.manifest import Outcome

    run = done.chosen.run
    how = printed.rules(yardstick.policy_now(project, run.manifest))
    found = [
        records.read(project.store, run.id, item.id).result for item in done.replays if item.id
    ]
    whole = [item for item in found if item and item.outcome is Outcome.FINISHED]
    if len(whole) < done.asked:
        return None
    recorded = printed.taken_in(project.store, run.manifest.result, how)
    return recorded, [printed.taken_in(project.store, item, how) for item in whole]


def _without_tolerances(project: Project, done: Verified):  # type: ignore[no-untyped-def]
    """The policy; of its tolerances only those that ignore a metric."""
    from repro import yardstick

    policy = yardstick.policy_now(project, done.chosen.run.manifest)
    return dataclasses.replace(
        policy, tolerances=tuple(item for item in policy.tolerances if item.ignore)
    )


def _inside(project: Project, tolerance: Tolerance) -> Tolerance:
    """With the path as repro.yaml has it: relative to the project."""
    prefix = f"{project.prefix}/"
    if not project.prefix or not tolerance.pattern.startswith(prefix):
        return tolerance
    return dataclasses.replace(tolerance, pattern=tolerance.pattern[len(prefix) :])


def _say_written(measured: Noise, lines: tuple[str, ...], write: bool) -> None:
    if lines:
        click.echo("written into repro.yaml:")
        for line in lines:
            click.echo(terminal.printable(line))
    elif measured.proposals:
        click.echo(
            "repro.yaml has these tolerances already"
            if write
            else "next: --write puts them into repro.yaml"
        )
