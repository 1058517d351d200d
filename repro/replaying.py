"""Replays a run: restores it, builds its environment, executes it again, compares, and stores that."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from repro import (
    clock,
    commands,
    engines,
    outputs,
    outside,
    preparing,
    printed,
    records,
    restoring,
    services,
    sessions,
)
from repro.bundles import carried
from repro.capturing import files, host, results
from repro.capturing.results import Expected
from repro.comparison import compare_results, control, unreplayable
from repro.engines.base import Engine, Job, Ready
from repro.errors import Corrupt, Interrupted, NotFound, Unreplayable
from repro.logs import Log
from repro.manifest import (
    Manifest,
    Policy,
    Result,
    SourceState,
)
from repro.outside import Outside
from repro.process import Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.recording import outcome
from repro.records import Replay, store_replay
from repro.sessions import Session
from repro.store import Run
from repro.variations import Trial, applying


@dataclass(frozen=True)
class Options:
    """How to replay. None: as it was recorded, or as the project says."""

    engine: str = "docker"
    network: bool | None = None
    keep: bool = False
    cpus: int | None = None
    memory: int | None = None
    """Bytes."""
    gpus: bool | None = None
    control: bool = False
    """Where it differs, and no other replay can tell: replay a second time, and compare the two."""
    trial: Trial | None = None
    """A replay of a probe's: under conditions that differ from the usual."""


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
    engine = engines.make(options.engine, environ)
    version = engine.version()
    how = printed.rules(policy_of(project, run.manifest))
    controls = tuple(
        printed.taken_in(project.store, item, how)
        for item in records.results(project.store, run.id)
    )

    def play() -> Replay:
        return attempt(project, run, options, environ, engine, version, sink, progress)

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
        policy = policy_of(project, run.manifest)
        comparison = control.explained(done.comparison, done.result, controls, policy, again)
        done = replace(done, comparison=comparison)
    return store_replay(project.store, done)


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
    """One execution, compared with the record and not stored. ``version`` is the engine's own word."""
    with sessions.session(project.store, keep=lambda: options.keep) as session:
        stage = _Stage(project, run, options, environ, session, engine, version)
        return stage.played(sink, progress)


@dataclass(frozen=True)
class _Stage:
    """One replay at work: what its steps share."""

    project: Project
    run: Run
    options: Options
    environ: Mapping[str, str]
    session: Session
    engine: Engine
    version: str

    @property
    def manifest(self) -> Manifest:
        return self.run.manifest

    @property
    def workspace(self) -> Path:
        return self.session.path / "workspace"

    @property
    def recorded(self) -> str:
        """The path that the workspace had when it was recorded."""
        return self.manifest.provenance.workspace or "/repro/workspace"

    @property
    def inside(self) -> str:
        trial = self.options.trial
        return (trial.conditions.inside if trial else None) or self.engine.place(
            self.workspace, self.recorded
        )

    def played(self, sink: Sink, progress: Progress) -> Replay:
        """The replay, ``unreplayable`` where something that it needs could not be had."""
        try:
            done = self.play(sink, progress)
        except (Unreplayable, NotFound, Corrupt) as error:
            reason = unreplayable(str(error), remedy=error.hint)
            engine = self.engine
            done = Replay("", self.run.id, engine.name, engine.isolation, None, reason)
        if not self.options.keep:
            return done
        (self.session.path / "kept").touch()
        return replace(done, kept=self.workspace)

    def play(self, sink: Sink, progress: Progress) -> Replay:
        progress.step("restoring the source")
        restoring.restore_source(self.project, self.manifest, self.workspace)
        count = len(self.manifest.definition.data)
        if count:
            progress.step(f"restoring {count} data item{'s' * (count > 1)}")
        restored = restoring.restore_data(
            self.project,
            self.manifest,
            self.workspace,
            carried.of(self.project.store, self.run.id),
        )
        places = self._outside(progress)
        ready = self._prepare(progress)
        trial = self.options.trial
        if trial and trial.conditions.leftovers:
            applying.put_leftovers(trial.conditions.leftovers, self.workspace)
        self._adopt(self.workspace)
        progress.step("executing")
        result = self._execute(ready, places, sink)
        policy, store = policy_of(self.project, self.manifest), self.project.store
        recorded = printed.taken_in(store, self.manifest.result, printed.rules(policy))
        result = printed.taken_in(store, result, printed.rules(policy))
        comparison = compare_results(recorded, result, policy, outputs.reader(store))
        return Replay(
            "",
            self.run.id,
            self.engine.name,
            self.engine.isolation,
            result,
            comparison,
            (*restored, *ready.findings),
            reused=ready.reused,
            build_seconds=ready.seconds,
        )

    def _outside(self, progress: Progress) -> Outside:
        """The home folder and what lies beside the workspace, with the files that the run read."""
        count = len(self.manifest.definition.inputs)
        if count:
            progress.step(f"restoring {count} file{'s' * (count > 1)} beside git and DVC")
        isolated = self.engine.isolation != "none"
        root = self.session.folder("outside") if isolated else None
        places = outside.of(self.manifest, root, self.session.folder("home"))
        outside.restore(self.project, self.manifest, self.workspace, places)
        for path in (places.home, *((root,) if root else ())):
            self._adopt(path)
        return places

    def _adopt(self, folder: Path) -> None:
        trial = self.options.trial
        self.engine.adopt(folder, trial.conditions.user if trial else None)

    def _prepare(self, progress: Progress) -> Ready:
        return preparing.prepare(
            self.project,
            self.run,
            self.workspace,
            self.inside,
            self.engine,
            self.session,
            self.environ,
            progress,
        )

    def _execute(self, ready: Ready, places: Outside, sink: Sink) -> Result:
        folder = self.workspace / self.manifest.provenance.project
        restoring.clear_stage_outputs(self.manifest.definition, self.workspace)
        restoring.link_environment(self.manifest, self.workspace, ready.environment)
        before = files.scan(self.workspace, folder)
        beside = outside.scanned(places)
        log = Log(self.session.folder("log"), sink)
        job = replace(self._job(ready), mounts=places.mounts, home=places.home)
        served = self._stand_in()
        job = served.around(job) if served else job
        job, shim = self._on_trial(job)
        with ThreadPoolExecutor(max_workers=1) as aside:
            # beside the command: to ask a GPU's driver takes a second
            machine = aside.submit(
                host.describe,
                job.env,
                cpus=job.cpus,
                engine=self.version,
                isolation=self.engine.isolation,
            )
            execution = self.engine.execute(ready, job, log)
        if execution.interrupted:
            raise Interrupted("the replay was interrupted; nothing was stored")
        after = files.scan(self.workspace, folder)
        if (trial := self.options.trial) and shim:
            trial.tell(applying.reported(shim, self.inside))
            if trial.keep_written:
                written = files.changes(before, after).written
                applying.keep_leftovers(self.workspace, written, trial.keep_written)
        collected = results.collect(
            self.workspace, before, after, _expected(self.manifest), execution.started
        )
        source, logged = served.logged(execution.started) if served else (None, ())
        elsewhere = outside.written(places, beside, outside.scanned(places))
        outputs.keep(self.project.store, self.workspace, collected.outputs)
        return Result(
            observed=True,
            outcome=outcome(execution),
            exit_code=execution.exit_code,
            started=clock.iso(execution.started),
            ended=clock.iso(execution.started + execution.duration),
            duration=round(execution.duration, 3),
            peak_memory=execution.peak_memory,
            host=replace(machine.result(), **ready.facts),
            metrics=(*collected.metrics, *logged),
            metric_sources=(*collected.sources, *([source] if source else [])),
            outputs=tuple(sorted((*collected.outputs, *elsewhere), key=lambda item: item.path)),
            missing_outputs=collected.missing_outputs,
            deleted=collected.changes.deleted,
            logs=log.store(self.project.store),
        )

    def _on_trial(self, job: Job) -> tuple[Job, Path | None]:
        """The job under the conditions of a probe, and the folder in which its shim reports."""
        trial = self.options.trial
        if not trial:
            return job, None
        shim = self.session.folder("shim")
        job = replace(job, limit=trial.limit)
        return applying.applied(trial.conditions, job, shim), shim

    def _stand_in(self) -> services.StandIn | None:
        """The server that stands in for the one that the command logged to."""
        used = self.manifest.definition.services
        if not used:
            return None
        folder = self.session.folder("service")
        self._adopt(folder)
        return services.stand_in(used, folder, isolated=self.engine.isolation != "none")

    def _job(self, ready: Ready) -> Job:
        definition, recorded = self.manifest.definition, self.manifest.result.host
        network = self.options.network
        gpus = self.options.gpus
        return Job(
            commands.translated(self.manifest, ready.environment, self.inside),
            self.workspace,
            self.inside,
            self.session,
            definition.working_directory,
            env={
                "PYTHONUNBUFFERED": "1",
                **{
                    name: commands.relocated(value, self.recorded, self.inside)
                    for name, value in definition.env.items()
                },
            },
            network=self.manifest.policy.network if network is None else network,
            cpus=host.usable_cpus(self.options.cpus or recorded.cpus),
            memory=self.options.memory,
            gpus=bool(recorded.gpus) if gpus is None else gpus,
            uv="uv run" in (self.manifest.provenance.interpreter_found or ""),
        )


def policy_of(project: Project, manifest: Manifest) -> Policy:
    """The recorded policy; tolerances and rules for the log that the project has now count instead of the
    recorded ones, and outputs that it ignores now are ignored too, because both are learned after the run."""
    current = project.config
    ignored = tuple(project.inside(path) for path in current.ignored_outputs)
    return replace(
        manifest.policy,
        tolerances=project.tolerances or manifest.policy.tolerances,
        log_patterns=current.log.patterns or manifest.policy.log_patterns,
        log_ignored=current.log.ignore or manifest.policy.log_ignored,
        ignored_outputs=tuple(dict.fromkeys((*manifest.policy.ignored_outputs, *ignored))),
    )


def _expected(manifest: Manifest) -> Expected:
    """What the record says came out; nothing is vouched for, everything has to be written anew."""
    policy = manifest.policy
    read = (
        item.path
        for item in manifest.result.metric_sources
        if item.state is SourceState.READ and not item.path.startswith("<")
    )
    return Expected(
        policy.metrics, policy.outputs, policy.ignored_outputs, tuple(read), cache_links=False
    )
