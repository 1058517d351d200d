"""Replays a run: executes it again, compares, and stores that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from repro import (
    dissecting,
    engines,
    outputs,
    present,
    printed,
    records,
    sessions,
    yardstick,
)
from repro.anatomy import ContentDifference
from repro.comparison import (
    Comparison,
    advice,
    compare_manifests,
    control,
    unreplayable,
)
from repro.dissecting import dissected
from repro.dissecting_inside import Pair, open_inside
from repro.engines.base import Engine, Ready
from repro.errors import Corrupt, NotFound, Unreplayable
from repro.executing import Options, Stage
from repro.manifest import (
    Finding,
    Manifest,
    Result,
    Severity,
)
from repro.process import Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.records import Replay, store_replay
from repro.store import Run

_LACKING = frozenset(("command", "env", "inputs", "network"))
"""What findings of a record are about that say what its replays do not have."""

__all__ = ["Options", "attempt", "once", "replay", "yielded"]


def replay(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress = SILENT,
) -> Replay:
    """Execute a recorded run again and compare. What could not be had makes it ``unreplayable``.

    Raises EngineError where the engine does not answer: that says nothing about the run.
    """
    how = printed.rules(yardstick.policy_now(project, run.manifest))
    controls = tuple(
        printed.taken_in(project.store, item, how)
        for item in records.results(project.store, run.id)
    )

    def play() -> Replay:
        return once(project, run, options, environ, sink, progress)

    done = play()
    if (
        options.control
        and done.result
        and control.is_needed(done.comparison, done.result, controls)
    ):
        progress.step("it differs: replaying once more, to see whether two replays agree")
        second = store_replay(project.store, play())
        controls = (second.result,) if second.result else ()
    if done.result:
        again = f"repro replay {run.short} --control"
        policy = yardstick.policy_now(project, run.manifest)
        comparison = control.explained(done.comparison, done.result, controls, policy, again)
        done = replace(done, comparison=comparison)
    return store_replay(project.store, done)


def once(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress = SILENT,
) -> Replay:
    """One replay as it comes: not stored, and not set beside earlier ones. Raises EngineError."""
    engine = engines.make(options.engine, environ)
    return attempt(project, run, options, environ, engine, engine.version(), sink, progress)


def attempt(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    engine: Engine,
    version: str,
    sink: Sink,
    progress: Progress = SILENT,
) -> Replay:
    """The same with an engine that is there already; ``version`` is its own word."""
    with sessions.session(project.store, keep=lambda: options.keep) as session:
        shown = present.as_it_is(project, run, environ, session) if options.current else run
        stage = Stage(project, shown, options, environ, session, engine, version)
        done = _played(stage, sink, progress)
        return _with_changes(done, run.manifest, shown.manifest) if options.current else done


def yielded(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress,
    instead: tuple[tuple[str, ...], ...],
) -> Result:
    """What these commands yield, one after the other, in place of the run's own. Raises Unreplayable,
    NotFound, Corrupt, EngineError."""
    engine = engines.make(options.engine, environ)
    version = engine.version()
    with sessions.session(project.store) as session:
        stage = Stage(project, run, options, environ, session, engine, version)
        return stage.yielded(sink, progress, instead).result


def _with_changes(done: Replay, recorded: Manifest, shown: Manifest) -> Replay:
    """With what went in now and did not then: meant to differ, so it does not count against the verdict."""
    changed = compare_manifests(recorded, shown, recorded.policy).ingredients
    comparison = replace(done.comparison, ingredients=changed)
    if changed:
        comparison = replace(comparison, next_step=advice.next_step(comparison))
    return replace(done, comparison=comparison, manifest=shown)


def _played(stage: Stage, sink: Sink, progress: Progress) -> Replay:
    """The replay, ``unreplayable`` where something that it needs could not be had."""
    try:
        done = _play(stage, sink, progress)
    except (Unreplayable, NotFound, Corrupt) as error:
        reason = unreplayable(str(error), remedy=error.hint)
        engine = stage.engine
        done = Replay("", stage.run.id, engine.name, engine.isolation, None, reason)
    if not stage.options.keep:
        return done
    (stage.session.path / "kept").touch()
    return replace(done, kept=stage.workspace)


def _play(stage: Stage, sink: Sink, progress: Progress) -> Replay:
    yielded = stage.yielded(sink, progress)
    policy, store = yardstick.policy_now(stage.project, stage.manifest), stage.project.store
    recorded = printed.taken_in(store, stage.manifest.result, printed.rules(policy))
    result = printed.taken_in(store, yielded.result, printed.rules(policy))
    comparison = yardstick.compared(
        recorded, result, policy, stage.options.steps, outputs.reader(store)
    )
    if stage.options.trial is None and stage.options.mutation is None:
        comparison = _dissected(stage, comparison, result, yielded.ready, progress)
    return Replay(
        "",
        stage.run.id,
        stage.engine.name,
        stage.engine.isolation,
        result,
        comparison,
        (*yielded.findings, *_warned(stage.manifest, comparison, yielded.findings)),
        reused=yielded.ready.reused,
        build_seconds=yielded.ready.seconds,
        mutated=yielded.mutated,
        image=yielded.ready.image,
    )


def _warned(
    recorded: Manifest, comparison: Comparison, said: tuple[Finding, ...]
) -> Iterator[Finding]:
    """What the record knew that a replay would lack, where one came out otherwise: a likely cause."""
    if not comparison.verdict.passed:
        known = {(item.subject, item.message) for item in said}
        yield from (
            item
            for item in recorded.findings
            if item.severity is not Severity.NOTE
            and item.subject in _LACKING
            and (item.subject, item.message) not in known
        )


def _dissected(
    stage: Stage, comparison: Comparison, result: Result, ready: Ready, progress: Progress
) -> Comparison:
    """With where the outputs differ inside; what can carry code is opened in the container only."""

    def inside(pairs: list[Pair]) -> dict[str, ContentDifference]:
        progress.step(f"opening {len(pairs)} output{'s' * (len(pairs) > 1)} that differ")
        return open_inside(stage.engine, ready, stage.session, pairs)

    return dissected(
        stage.project,
        comparison,
        dissecting.recorded(stage.project),
        dissecting.written(stage.project, stage.workspace, result.outputs),
        inside if stage.engine.isolation == "container" else None,
    )
