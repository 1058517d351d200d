"""Records a run: what went in, the execution itself, what came out.

``record`` executes the command and observes it; ``capture`` takes down a run that has already happened.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import repro
from repro import outputs, packing, process, sessions
from repro.capturing import data, dvc_pipeline, files, host, ingredients, results, secrets, source
from repro.capturing.digests import Digests
from repro.capturing.ingredients import Ingredients
from repro.capturing.results import Collected
from repro.engines.base import Job, Ready, Site
from repro.environment import index, recipe
from repro.logs import Log
from repro.manifest import (
    Command,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Finding,
    Image,
    Manifest,
    Outcome,
    Policy,
    Provenance,
    Result,
    Severity,
    SourceState,
)
from repro.pinning import Pins, pin, pin_image
from repro.process import Execution, Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.sessions import Session
from repro.store import Run, check_name

if TYPE_CHECKING:
    from repro.engines.docker import DockerEngine


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


@dataclass(frozen=True)
class _Arena:
    """What executes the command, and what pins its environment meanwhile."""

    execute: Callable[[Log], Execution]
    pin: Callable[[], Pins]
    engine: str
    isolation: str


def record(project: Project, request: Request, sink: Sink, progress: Progress = SILENT) -> Run:
    """Execute the command, observe it, and store the run. A failed run is recorded as failed.

    The command's output goes to ``sink`` live. Raises ReproError where nothing could be executed;
    once the command ran, the run is recorded whatever became of it.
    """
    command, start = _checked(project, request)
    with (
        sessions.exclusively(project.store, shlex.join(command.argv)),
        sessions.session(project.store) as session,
    ):
        image = request.image or project.config.dockerfile
        parts = ingredients.gather(project, command, start, request.environ, session, image=image)
        if not request.allow_secrets:
            secrets.demand_none(parts, project)
        arena = _arena(project, parts, request, session, progress)
        before = files.scan(project.workspace, project.folder)
        sessions.note_unfinished(session, now(), shlex.join(command.argv))
        log = Log(session.folder("log"), sink)
        with ThreadPoolExecutor(max_workers=1) as aside:
            pins = aside.submit(arena.pin)
            execution = arena.execute(log)
            with ingredients.without_interrupts():
                after = files.scan(project.workspace, project.folder)
                expected = ingredients.expected(project, parts)
                collected = results.collect(project.workspace, before, after, expected)
                pinned = pins.result()
                settled = ingredients.settle(project, parts, collected)
                result = _observed(project, settled, arena, pinned, execution, collected)
                result = replace(result, logs=log.store(project.store))
                return _store(
                    project, request, settled, pinned, result, session, before.environments
                )


def capture(project: Project, request: Request) -> Run:
    """Record a run that has already happened, from what lies on disk; nothing is executed."""
    command, start = _checked(project, request)
    with sessions.exclusively(project.store, "capture"), sessions.session(project.store) as session:
        parts = ingredients.gather(
            project, command, start, request.environ, session, image=request.image, observed=False
        )
        if not request.allow_secrets:
            secrets.demand_none(parts, project)
        after = files.scan(project.workspace, project.folder)
        expected = ingredients.expected(project, parts)
        collected = results.collect(project.workspace, None, after, expected)
        settled = ingredients.settle(project, parts, collected)
        pins = pin(project, parts, session, request.environ)
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
        return _store(project, request, settled, pins, result, session, after.environments)


def _checked(project: Project, request: Request) -> tuple[Command, Path]:
    if request.name is not None:
        check_name(request.name)
    return ingredients.command(project, request.argv, request.start)


def _arena(
    project: Project, parts: Ingredients, request: Request, session: Session, progress: Progress
) -> _Arena:
    if request.image or project.config.dockerfile:
        return _image_arena(project, parts, request, session, progress)
    environ = {"PYTHONUNBUFFERED": "1", **request.environ}
    here = project.workspace / parts.working_directory

    def execute(log: Log) -> Execution:
        return process.execute(
            ingredients.argv_here(parts.command), cwd=here, env=environ, sink=log
        )

    return _Arena(execute, lambda: pin(project, parts, session, request.environ), "host", "none")


def _image_arena(
    project: Project, parts: Ingredients, request: Request, session: Session, progress: Progress
) -> _Arena:
    from repro.engines.docker import DockerEngine  # loaded only where a run needs it

    engine = DockerEngine(request.environ)
    ready, image, kind = _image(engine, project, parts, request, session, progress)

    def execute(log: Log) -> Execution:
        job = Job(
            parts.command.argv,
            project.workspace,
            str(project.workspace),
            session,
            parts.working_directory,
            env={"PYTHONUNBUFFERED": "1", **parts.env},
            network=project.config.network,
            gpus=bool(host.describe(request.environ).gpus),
            as_owner=True,
        )
        return engine.execute(ready, job, log)

    def pin_it() -> Pins:
        return pin_image(engine, ready, image, kind, session)

    return _Arena(execute, pin_it, engine.version(), engine.isolation)


def _image(
    engine: DockerEngine,
    project: Project,
    parts: Ingredients,
    request: Request,
    session: Session,
    progress: Progress,
) -> tuple[Ready, Image, EnvironmentKind]:
    """The image to run in: pulled where it is not here, or built from the project's Dockerfile."""
    kind = EnvironmentKind.IMAGE if request.image else EnvironmentKind.DOCKERFILE
    workspace = project.workspace
    if request.image:
        image = engine.resolve(request.image, pull=True)
    else:
        dockerfile = project.inside(str(project.config.dockerfile))
        workspace = session.path / "context"
        packs, _ = packing.store_packs(
            parts.source, project.workspace, session.path / "source", project.store
        )
        packing.restore(
            parts.source.source, packs, project.store, workspace, branch=None, remotes={}
        )
        image = Image(dockerfile, dockerfile=dockerfile, bases=engine.bases(workspace / dockerfile))
    plan = recipe.render(
        Definition(parts.source.source, (), Environment(kind, image), parts.command)
    )
    site = Site(workspace, str(project.workspace), session, index.sources(request.environ))
    ready = engine.prepare(plan, site, progress)
    return ready, replace(image, id=ready.handle), kind


def _observed(
    project: Project,
    parts: Ingredients,
    arena: _Arena,
    pins: Pins,
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
        started=iso(execution.started),
        ended=iso(execution.started + execution.duration),
        duration=round(execution.duration, 3),
        peak_memory=execution.peak_memory,
        host=host.describe(
            os.environ, probe=pins.probe, engine=arena.engine, isolation=arena.isolation
        ),
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


def _store(
    project: Project,
    request: Request,
    parts: Ingredients,
    pins: Pins,
    result: Result,
    session: Session,
    environments: tuple[str, ...],
) -> Run:
    """Blobs first, the manifest last: a run that is listed is whole."""
    definition = _definition(project, parts, pins)
    contents, concerns = _contents(project, parts, pins, definition, session)
    outputs.keep(project.store, project.workspace, result.outputs)
    manifest = Manifest(
        definition=definition,
        result=result,
        created=now(),
        provenance=_provenance(project, parts, pins),
        policy=Policy(
            tolerances=project.config.tolerances,
            metrics=ingredients.expected(project, parts).metrics,
            outputs=ingredients.expected(project, parts).outputs,
            ignored_outputs=ingredients.expected(project, parts).ignored,
            network=project.config.network,
        ),
        findings=_findings(parts, pins, result, environments, concerns),
        contents=contents,
        tool=f"repro {repro.__version__}",
    )
    run = project.store.add(manifest)
    if request.name:
        project.store.set_name(request.name, run.id)
    return run


def _definition(project: Project, parts: Ingredients, pins: Pins) -> Definition:
    command = parts.command
    if parts.is_pipeline:
        wanted = ingredients.targets(command)
        stages = dvc_pipeline.pipeline(project.workspace, project.folder, wanted)
        command = replace(command, stages=stages)
    return Definition(
        source=parts.source.source,
        data=parts.data.items,
        environment=pins.environment,
        command=command,
        working_directory=parts.working_directory,
        env=parts.env,
        params=parts.params,
    )


def _contents(
    project: Project, parts: Ingredients, pins: Pins, definition: Definition, session: Session
) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    store = project.store
    packs, concerns = packing.store_packs(
        parts.source, project.workspace, session.path / "source", store
    )
    found = list(packs)
    for path, listing in parts.data.listings.items():
        found.append(store.put_bytes(listing, f"data/listings/{path}", "application/json"))
    found += parts.kept
    plan = recipe.render(
        definition, pins.lock.text if pins.lock else "", workspace=project.workspace.as_posix()
    )
    for name, content in plan.files.items():
        found.append(store.put_bytes(content.encode(), f"environment/{name}", "text/plain"))
    return tuple(sorted(found, key=lambda item: item.path)), concerns


def _provenance(project: Project, parts: Ingredients, pins: Pins) -> Provenance:
    taken = parts.source
    return Provenance(
        project=project.prefix,
        workspace=project.workspace.as_posix(),
        branch=taken.branch,
        remotes=dict(taken.remotes),
        pushed=taken.pushed,
        subject=taken.subject,
        changed=taken.changed,
        skipped=taken.skipped,
        data=dict(parts.data.places),
        lockfile=pins.lockfile,
        interpreter=str(parts.interpreter.path)
        if parts.interpreter and parts.interpreter.path
        else None,
        prefix=pins.probe.prefix
        if pins.probe and pins.probe.prefix != pins.probe.base_prefix
        else None,
    )


def _findings(
    parts: Ingredients,
    pins: Pins,
    result: Result,
    environments: tuple[str, ...],
    concerns: tuple[Finding, ...],
) -> tuple[Finding, ...]:
    """All findings, worst first."""
    found = [*parts.findings, *pins.findings, *concerns, *_result_findings(result)]
    if environments:
        found.append(
            Finding(
                Severity.NOTE,
                "outputs",
                f"Python environments inside the project are no outputs: {', '.join(environments)}",
            )
        )
    order = list(Severity)
    return tuple(
        sorted(dict.fromkeys(found), key=lambda item: (order.index(item.severity), item.subject))
    )


_STATES = {
    SourceState.EMPTY: "holds no value",
    SourceState.UNREADABLE: "could not be read",
    SourceState.MISSING: "was not written",
    SourceState.STALE: "was there before and was not written by this run: its values are not recorded",
}


def _result_findings(result: Result) -> list[Finding]:
    found = []
    for item in result.metric_sources:
        if item.state is not SourceState.READ:
            severity = Severity.RISKS if item.declared else Severity.NOTE
            detail = f" ({item.detail})" if item.detail else ""
            found.append(
                Finding(
                    severity,
                    "metrics",
                    f"{item.path} {_STATES[item.state]}{detail}",
                    "make the run write it, or take it out of the declared metrics",
                )
            )
    found.extend(
        Finding(
            Severity.RISKS,
            "outputs",
            f"the declared output {path} was not written",
            "make the run write it, or take it out of repro.yaml",
        )
        for path in result.missing_outputs
    )
    if not result.metrics:
        found.append(
            Finding(
                Severity.RISKS,
                "metrics",
                "no metric was found: a verdict would rest on the outputs alone"
                if result.outputs
                else "neither a metric nor an output was found: there is nothing to compare",
                "name the files under `metrics:` in repro.yaml",
            )
        )
    if result.modified_inputs:
        found.append(
            Finding(
                Severity.RISKS,
                "data",
                f"the run rewrote its own inputs: {_some(result.modified_inputs)}",
                "a second run starts from other files; write to a new path",
            )
        )
    if result.deleted:
        found.append(
            Finding(Severity.NOTE, "outputs", f"the run deleted files: {_some(result.deleted)}")
        )
    return found


def _some(names: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
