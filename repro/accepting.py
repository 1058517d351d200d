"""Takes what a replay yielded for what a run should yield from now on, and writes down why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import repro
from repro import baselines, clock, metric_names, printed, records, yardstick
from repro.baselines import Baseline, HostClass
from repro.capturing import revisions
from repro.comparison import Comparison, Status
from repro.errors import NotFound, UsageError
from repro.manifest import Outcome
from repro.project import Project
from repro.records import Replay
from repro.store import Run, check_name

LONGEST = 40
"""Changes that an entry lists; of more it tells how many."""


@dataclass(frozen=True)
class Request:
    """What is accepted, and why."""

    because: str
    name: str = ""
    """Empty: that of the run, else the beginning of its id."""
    replay: str = ""
    """Beginning of a replay's id; empty: the newest."""
    as_recorded: bool = False
    """The record itself, and no replay of it."""
    this_host: bool = False
    """For machines like the one that yielded it, and for no others."""
    origin: str = ""
    """Where others pull it from."""


@dataclass(frozen=True)
class Accepted:
    """What was written down."""

    baseline: Baseline
    run: Run
    """The run that the baseline stands for."""
    previous: Baseline | None
    comparison: Comparison | None
    """Of the run that was accepted for with what is accepted; None where it is the record itself."""


def accept(project: Project, run: Run, request: Request) -> Accepted:
    """Make a run of the replay's result, name it, and put it into the project's baselines.

    Raises UsageError where there is nothing that could be accepted; then nothing is written.
    """
    if not request.because.strip():
        raise UsageError("why is it accepted?", '--because "the learning rate was lowered"')
    known = baselines.load(project.folder)
    name = request.name or _name(project, known, run)
    check_name(name)
    replay = None if request.as_recorded else _replay(project, run, request)
    accepted = _as_run(project, run, replay) if replay else _recorded(run)
    host = HostClass.of(accepted.manifest.result.host) if request.this_host else HostClass()
    previous = known.named(name, host)
    comparison = replay.comparison if replay else None
    baseline = Baseline(
        name,
        accepted.id,
        request.because.strip(),
        revisions.person(project.workspace),
        clock.now(),
        host,
        request.origin,
        previous.run if previous else "",
        replay.id if replay else "",
        comparison.verdict.value if comparison else "",
        tuple(_changes(comparison)) if comparison else (),
    )
    project.store.set_name(name, accepted.id)
    baselines.save(project.folder, known.accepting(baseline))
    return Accepted(baseline, accepted, previous, comparison)


def _name(project: Project, known: baselines.Baselines, run: Run) -> str:
    if found := known.of_run(run.id):
        return found.name
    names = sorted(name for name, identity in project.store.names().items() if identity == run.id)
    return names[0] if names else run.short


def _replay(project: Project, run: Run, request: Request) -> Replay:
    found = records.newest(project.store, run.id)
    if request.replay:
        found = tuple(item for item in found if item.id.startswith(request.replay))
        if not found:
            raise NotFound(
                f"run {run.short} has no replay {request.replay!r}", f"repro show {run.short}"
            )
    if not found:
        raise UsageError(
            f"run {run.short} was never replayed: there is no result to accept",
            f"repro verify {run.short}; or accept the record itself: --as-recorded",
        )
    replay = found[0]
    result = replay.result
    if result is None or result.outcome is not Outcome.FINISHED or result.exit_code:
        why = "was not executed" if result is None else "did not run to its end"
        raise UsageError(
            f"replay {replay.id[:12]} {why}: it is no result to hold others to",
            "choose another one with --replay, or replay the run again",
        )
    if not (result.metrics or result.outputs):
        raise UsageError(f"replay {replay.id[:12]} yielded neither a metric nor an output")
    return replay


def _recorded(run: Run) -> Run:
    result = run.manifest.result
    if result.outcome is not Outcome.FINISHED or not (result.metrics or result.outputs):
        raise UsageError(f"run {run.short} did not finish, or yielded nothing to compare")
    return run


def _as_run(project: Project, run: Run, replay: Replay) -> Run:
    """The same definition with the replay's result: a run like any other."""
    assert replay.result
    manifest = replay.manifest or run.manifest
    how = printed.rules(yardstick.policy_now(project, manifest))
    result = printed.taken_in(project.store, replay.result, how)
    return project.store.add(
        replace(
            manifest,
            result=result,
            created=clock.now(),
            tool=f"repro {repro.__version__}",
        )
    )


def _changes(comparison: Comparison) -> Iterator[str]:
    """What a reviewer wants to see of it."""
    names = metric_names.shown((item.source, item.name) for item in comparison.metrics)
    lines = [
        *(
            f"{name}: {_shown(item.a)} -> {_shown(item.b)}"
            + (f" at step {item.first_step}" if item.first_step is not None else "")
            for name, item in zip(names, comparison.metrics, strict=True)
            if item.status not in (Status.EQUAL, Status.UNKNOWN, Status.IGNORED)
        ),
        *(
            f"{item.path}: {item.status.value}"
            for item in comparison.outputs
            if item.status not in (Status.EQUAL, Status.UNKNOWN, Status.IGNORED)
        ),
        *(
            f"{item.ingredient} {item.name}: {item.detail or 'changed'}".replace("  ", " ")
            for item in comparison.ingredients
        ),
    ]
    yield from lines[:LONGEST]
    if len(lines) > LONGEST:
        yield f"and {len(lines) - LONGEST} more"


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
