"""Records a run: what went in, the execution itself, what came out.

``record`` executes the command and observes it; ``capture`` takes down a run that has already happened.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repro import (
    arenas,
    assembling,
    clock,
    interrupts,
    masking,
    observing,
    printed,
    services,
    sessions,
    stage_times,
    tracking,
)
from repro.arenas import Arena, Where
from repro.assembling import Capture
from repro.capturing import (
    command_line,
    data,
    dvc_pipeline,
    earlier,
    files,
    host,
    ingredients,
    network,
    results,
    secrets,
    source,
    standard_input,
)
from repro.capturing.digests import Digests
from repro.capturing.ingredients import Ingredients
from repro.capturing.results import Collected
from repro.errors import ReproError
from repro.logs import Log
from repro.manifest import (
    Command,
    Environment,
    EnvironmentKind,
    Finding,
    Host,
    Outcome,
    Result,
    Severity,
)
from repro.observing import Observed
from repro.pinning import Pins, pin
from repro.process import Execution, Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.store import Run, check_name
from repro.watching.nouns import Mode

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Request:
    """What the caller asks to have recorded. ``argv`` empty: the configured command or pipeline."""

    argv: tuple[str, ...]
    start: Path
    environ: Mapping[str, str]
    name: str | None = None
    image: str | None = None
    """Execute the command inside this image."""
    allow_secrets: bool = False
    redact: bool = False
    """Record without the values of secrets, instead of refusing to."""
    mlflow: str | None = None
    """MLflow's id of the run that already happened; its metrics are taken from there."""
    watch: Mode | None = None
    """How to watch which files the command reads and writes; None: as repro.yaml says."""


def record(project: Project, request: Request, sink: Sink, progress: Progress = SILENT) -> Run:
    """Execute the command, observe it, and store the run. A failed run is recorded as failed.

    The command's output goes to ``sink`` live. Raises ReproError where nothing could be executed;
    once the command ran, the run is recorded whatever became of it.
    """
    command, start = _checked(project, request)
    with (
        sessions.exclusively(project.store, _shown(command, request)),
        sessions.session(project.store) as session,
    ):
        image = request.image or project.config.dockerfile
        parts = ingredients.gather(project, command, start, request.environ, session, image=image)
        if not request.allow_secrets:
            secrets.demand_none(parts, project, redact=request.redact)
        if not image and parts.interpreter:
            command_line.demand_papermill(command.argv, parts.interpreter.path, request.environ)
        where = Where(request.environ, request.image, request.watch)
        arena = arenas.arena(project, parts, where, session, progress)
        before = files.scan(project.workspace, project.folder)
        kept_before = earlier.keep(project.workspace, before, session.folder("earlier"))
        sessions.note_unfinished(session, clock.now(), _shown(command, request))
        log = Log(session.folder("log"), sink)
        with ThreadPoolExecutor(max_workers=1) as aside:
            pins = aside.submit(arena.pin)
            # after the pins and beside the command: to ask a GPU's driver takes a second
            machine = aside.submit(_machine, arena, pins)
            clock_of_stages = stage_times.Clock(log)
            given = standard_input.position()
            execution = arena.execute(clock_of_stages)
            unrecorded = standard_input.findings(given, standard_input.position())
            with interrupts.ignored():
                after = files.scan(project.workspace, project.folder)
                expected = ingredients.expected(project, parts)
                collected = results.collect(
                    project.workspace, before, after, expected, execution.started
                )
                pinned = _pinned(pins)
                settled = ingredients.settle(project, parts, collected)
                recorded = ingredients.recorded(settled)
                seen = observing.observe(
                    arena.watch.seen(),
                    observing.Scene(
                        project,
                        session,
                        pinned.probe,
                        request.environ,
                        settled.env,
                        _shell_line(command),
                        recorded,
                        before,
                        collected.changes,
                        execution.started,
                        kept_before,
                    ),
                )
                result = _observed(project, settled, machine.result(), execution, collected)
                if seen.installed:
                    pinned = _again(arena)
                served = _served(seen, pinned, request, execution)
                seen = replace(
                    seen,
                    services=served.services,
                    findings=(*seen.findings, *served.findings, *unrecorded),
                )
                seen = replace(seen, findings=(*seen.findings, *_reached(project, seen)))
                result = replace(
                    result,
                    metrics=(*result.metrics, *served.metrics),
                    metric_sources=(*result.metric_sources, *served.sources),
                    outputs=tuple(
                        sorted((*result.outputs, *seen.outputs), key=lambda item: item.path)
                    ),
                    watched=seen.method,
                    source_read=seen.source_read,
                )
                stages = clock_of_stages.runs(_stage_names(project, parts))
                cover = masking.Cover(
                    request.environ,
                    project.config.allowed_secrets,
                    project.config.log,
                    words=command.argv,
                )
                kept = cover.uncovered if request.allow_secrets else cover.covered
                logs = log.store(project.store, kept)
                result = replace(result, logs=logs, stages=stages)
                seen = replace(seen, findings=(*seen.findings, *cover.notes))
                result = printed.taken_in(project.store, result, project.config.log)
                written = frozenset(collected.changes.written)
                found = Capture(
                    settled,
                    pinned,
                    result,
                    before,
                    written,
                    recorded,
                    seen,
                    tuple(cover.redactions),
                    request.redact,
                )
                return assembling.store(project, found, session, request.name)


def capture(project: Project, request: Request) -> Run:
    """Record a run that has already happened, from what lies on disk; nothing is executed."""
    command, start = _checked(project, request)
    with sessions.exclusively(project.store, "capture"), sessions.session(project.store) as session:
        parts = ingredients.gather(
            project, command, start, request.environ, session, image=request.image, observed=False
        )
        if not request.allow_secrets:
            secrets.demand_none(parts, project, redact=request.redact)
        after = files.scan(project.workspace, project.folder)
        expected = ingredients.expected(project, parts)
        collected = results.collect(project.workspace, None, after, expected)
        settled = ingredients.settle(project, parts, collected)
        pins = pin(project, parts, session, request.environ)
        seen = Observed()
        if request.mlflow:
            commit = settled.source.source.commit
            tracked = tracking.taken(project, request.mlflow, request.environ, commit)
            collected = _with(collected, tracked)
            seen = Observed(services=tracked.services, findings=tracked.findings)
        result = Result(
            observed=False,
            outcome=Outcome.FINISHED,
            exit_code=None,
            started=None,
            ended=None,
            duration=None,
            peak_memory=None,
            host=host.describe(request.environ, probe=pins.probe),
            metrics=collected.metrics,
            metric_sources=collected.sources,
            outputs=collected.outputs,
            missing_outputs=collected.missing_outputs,
        )
        written = frozenset(item.path for item in collected.outputs)
        recorded = ingredients.recorded(settled)
        found = Capture(
            settled, pins, result, after, written, recorded, seen, redact=request.redact
        )
        return assembling.store(project, found, session, request.name)


def _shown(command: Command, request: Request) -> str:
    """What others may read of it in the store meanwhile."""
    return command.argv[0] if request.redact else shlex.join(command.argv)


def _with(collected: Collected, tracked: tracking.Taken) -> Collected:
    """With the metrics of one run of MLflow's, and with no other of the same place."""
    place = tracked.source.path
    metrics = [item for item in collected.metrics if item.source != place]
    sources = [item for item in collected.sources if item.path != place]
    return replace(
        collected,
        metrics=(*metrics, *tracked.metrics),
        sources=tuple(sorted((*sources, tracked.source), key=lambda item: item.path)),
    )


def _stage_names(project: Project, parts: Ingredients) -> list[str]:
    if not parts.is_pipeline:
        return []
    wanted = ingredients.targets(parts.command)
    return [item.name for item in dvc_pipeline.pipeline(project.workspace, project.folder, wanted)]


def _shell_line(command: Command) -> str:
    shells = ("sh", "bash", "zsh", "dash")
    words = command.argv
    is_shell = len(words) > 2 and Path(words[0]).name in shells and words[1].endswith("c")
    return words[2] if is_shell else ""


def _again(arena: Arena) -> Pins:
    """The pins once more: the run itself installed packages (`uv run` does) while they were taken."""
    try:
        return arena.pin()
    except ReproError as error:
        return _unpinned(error)


def _served(seen: Observed, pinned: Pins, request: Request, execution: Execution) -> services.Used:
    if pinned.environment.kind is not EnvironmentKind.PACKAGES:
        return services.Used()
    packages = pinned.environment.packages
    return services.used(seen.connections, request.environ, packages, execution.started)


def _reached(project: Project, seen: Observed) -> Iterator[Finding]:
    urls = [urlsplit(service.url) for service in seen.services]
    known = [url.port or (443 if url.scheme == "https" else 80) for url in urls]
    allowed = project.config.network
    return network.findings(seen.connections, network.listening(), known, allowed)


def _pinned(pins: Future[Pins]) -> Pins:
    """The pins; where they could not be had the run is recorded all the same, with a finding."""
    try:
        return pins.result()
    except ReproError as error:
        return _unpinned(error)


def _unpinned(error: ReproError) -> Pins:
    finding = Finding(
        Severity.BREAKS, "packages", f"the environment could not be pinned: {error}", error.hint
    )
    return Pins(Environment(EnvironmentKind.PACKAGES, None), findings=(finding,))


def _checked(project: Project, request: Request) -> tuple[Command, Path]:
    if request.name is not None:
        check_name(request.name)
    return ingredients.command(project, request.argv, request.start, request.environ)


def _machine(arena: Arena, pins: Future[Pins]) -> Host:
    """The machine as the command sees it."""
    described = host.describe(
        arena.environ, probe=_pinned(pins).probe, engine=arena.engine, isolation=arena.isolation
    )
    return replace(described, **arena.facts)


def _observed(
    project: Project,
    parts: Ingredients,
    machine: Host,
    execution: Execution,
    collected: Collected,
) -> Result:
    with Digests(project.store.cache / "digests.sqlite") as digests:
        modified = data.unchanged_since(parts.data, project.workspace, digests)
    rewritten = source.rewritten(parts.source, collected.changes.written)
    return Result(
        observed=True,
        outcome=outcome(execution),
        exit_code=execution.exit_code,
        started=clock.iso(execution.started),
        ended=clock.iso(execution.started + execution.duration),
        duration=round(execution.duration, 3),
        peak_memory=execution.peak_memory,
        host=machine,
        metrics=collected.metrics,
        metric_sources=collected.sources,
        outputs=collected.outputs,
        missing_outputs=collected.missing_outputs,
        deleted=collected.changes.deleted,
        modified_inputs=tuple(sorted({*modified, *rewritten})),
    )


def outcome(execution: Execution) -> Outcome:
    """The word for how an execution ended."""
    if execution.interrupted:
        return Outcome.INTERRUPTED
    return Outcome.FAILED if execution.exit_code else Outcome.FINISHED
