"""One execution of a recorded run: restored, its environment built, the command executed, collected."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro import (
    clock,
    commands,
    masking,
    mutating,
    outputs,
    outside,
    preparing,
    printed,
    redacting,
    restoring,
    services,
    yardstick,
)
from repro.bundles import carried
from repro.capturing import files, host, results
from repro.capturing.files import Scan
from repro.comparison.prefix import Name
from repro.engines.base import Engine, Job, Ready
from repro.errors import Interrupted
from repro.logs import Log
from repro.manifest import (
    Finding,
    Manifest,
    Outcome,
    Result,
    Severity,
)
from repro.outside import Outside
from repro.process import Execution, Sink
from repro.progress import Progress
from repro.project import Project
from repro.recording import outcome
from repro.sessions import Session
from repro.stopping import Seen, Stopper
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
    env: Mapping[str, str] = field(default_factory=dict)
    """Values of variables that the record has without theirs."""
    control: bool = False
    """Where it differs, and no other replay can tell: replay a second time, and compare the two."""
    steps: int | None = None
    """Compare only the first so many steps of the recorded series, and stop once they are written."""
    current: bool = False
    """With the source, the data and the parameters as they are now, in the recorded environment."""
    resume: int | None = None
    """Not a replay at all: so many steps and as many more beside the double at once (resuming.py)."""
    mutation: int | None = None
    """With this one of mutating.candidates: whoever asks wants to see red."""
    trial: Trial | None = None
    """A replay of a probe's: under conditions that differ from the usual."""


@dataclass(frozen=True)
class Yielded:
    """One execution, before anything is compared with it."""

    result: Result
    ready: Ready
    findings: tuple[Finding, ...]
    mutated: str


@dataclass(frozen=True)
class Stage:
    """One execution at work: what its steps share."""

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

    def _variables(self) -> dict[str, str]:
        return redacting.restored(self.manifest.definition, self.options.env, self.run.short)

    def _given(self) -> tuple[Finding, ...]:
        if not self.options.env:
            return ()
        return (Finding(Severity.RISKS, "env", redacting.said_of(self.options.env)),)

    def yielded(
        self, sink: Sink, progress: Progress, instead: tuple[tuple[str, ...], ...] = ()
    ) -> Yielded:
        """Restore, build, execute, collect. ``instead``: these commands one after the other, in place of
        the recorded one."""
        wanted = yardstick.wanted(self.project, self.manifest, self.options.steps)
        self._variables()  # before anything is restored for nothing
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
        mutated = self._mutated(progress)
        trial = self.options.trial
        if trial and trial.conditions.leftovers:
            applying.put_leftovers(trial.conditions.leftovers, self.workspace)
        self._adopt(self.workspace)
        progress.step("executing")
        result, masked = self._execute(ready, places, sink, wanted, instead)
        findings = (*restored, *ready.findings, *self._withheld(), *self._given(), *masked)
        return Yielded(result, ready, findings, mutated)

    def _mutated(self, progress: Progress) -> str:
        """What was changed on purpose, if that was asked for."""
        if self.options.mutation is None:
            return ""
        wanted = mutating.candidates(self.manifest)[self.options.mutation]
        said = mutating.applied(wanted, self.workspace)
        progress.step(f"changed on purpose: {said or 'nothing, it could not be'}")
        return said

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

    def _execute(
        self,
        ready: Ready,
        places: Outside,
        sink: Sink,
        wanted: frozenset[Name],
        instead: tuple[tuple[str, ...], ...],
    ) -> tuple[Result, tuple[Finding, ...]]:
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
        stopper = self._stopper(before, log, wanted)
        if stopper:
            job = replace(job, stop=stopper.stop)
        with ThreadPoolExecutor(max_workers=1) as aside, stopper or contextlib.nullcontext():
            # beside the command: to ask a GPU's driver takes a second
            machine = aside.submit(
                host.describe,
                job.env,
                cpus=job.cpus,
                engine=self.version,
                isolation=self.engine.isolation,
            )
            execution = self._executed(ready, job, log, instead)
        if execution.interrupted:
            raise Interrupted("the replay was interrupted; nothing was stored")
        after = files.scan(self.workspace, folder)
        if (trial := self.options.trial) and shim:
            trial.tell(applying.reported(shim, self.inside))
            if trial.keep_written:
                written = files.changes(before, after).written
                applying.keep_leftovers(self.workspace, written, trial.keep_written)
        collected = results.collect(
            self.workspace, before, after, yardstick.expected(self.manifest), execution.started
        )
        source, logged = served.logged(execution.started) if served else (None, ())
        elsewhere = outside.written(places, beside, outside.scanned(places))
        outputs.keep(self.project.store, self.workspace, collected.outputs, opened=False)
        sources, metrics = collected.sources, collected.metrics
        if execution.stopped and stopper and stopper.seen:
            sources, metrics = stopper.seen
        cover = self._cover()
        result = Result(
            observed=True,
            outcome=Outcome.INTERRUPTED if execution.stopped else outcome(execution),
            exit_code=None if execution.stopped else execution.exit_code,
            started=clock.iso(execution.started),
            ended=clock.iso(execution.started + execution.duration),
            duration=round(execution.duration, 3),
            peak_memory=execution.peak_memory,
            host=replace(machine.result(), **ready.facts),
            metrics=(*metrics, *logged),
            metric_sources=(*sources, *([source] if source else [])),
            outputs=tuple(sorted((*collected.outputs, *elsewhere), key=lambda item: item.path)),
            missing_outputs=collected.missing_outputs,
            deleted=collected.changes.deleted,
            logs=log.store(self.project.store, cover.covered),
        )
        return result, tuple(cover.notes)

    @property
    def _is_foreign(self) -> bool:
        return carried.is_foreign(self.project.store, self.run.id)

    @property
    def _network(self) -> bool:
        """What a run from elsewhere asks for is somebody else's wish: it takes a word of ours."""
        asked = self.manifest.policy.network and not self._is_foreign
        return asked if self.options.network is None else self.options.network

    def _withheld(self) -> tuple[Finding, ...]:
        asks = self.manifest.policy.network and self._is_foreign
        if not asks or self.options.network is not None or self.engine.isolation == "none":
            return ()
        return (
            Finding(
                Severity.RISKS,
                "command",
                "it was recorded with the network, and was replayed without: a run from elsewhere is given "
                "it on request only",
                f"repro replay {self.run.short} --network",
            ),
        )

    def _cover(self) -> masking.Cover:
        """Where the recorded log was not masked, a metric keeps the name that it has there."""
        was_masked = any(item.place.startswith("log/") for item in self.manifest.redacted)
        return masking.Cover(
            {**self.environ, **self.options.env},
            self.project.config.allowed_secrets,
            printed.rules(yardstick.policy_now(self.project, self.manifest)),
            values=tuple(self.options.env.values()),
            keep_names=not was_masked,
        )

    def _executed(
        self, ready: Ready, job: Job, log: Log, instead: tuple[tuple[str, ...], ...]
    ) -> Execution:
        """The command; of several the first that fails is the last."""
        if not instead:
            return self.engine.execute(ready, job, log)
        executions: list[Execution] = []
        for words in instead:
            argv = commands.translated_line(
                self.manifest, words, ready.environment, self.inside, self.workspace
            )
            executions.append(self.engine.execute(ready, replace(job, argv=argv), log))
            if executions[-1].exit_code or executions[-1].interrupted:
                break
        return replace(
            executions[-1],
            started=executions[0].started,
            duration=sum(item.duration for item in executions),
        )

    def _stopper(self, before: Scan, log: Log, wanted: frozenset[Name]) -> Stopper | None:
        """What ends the command early, where only its first steps are wanted."""
        if self.options.steps is None:
            return None
        folder = self.workspace / self.manifest.provenance.project
        how = printed.rules(yardstick.policy_now(self.project, self.manifest))
        begun = time.time()

        def look() -> Seen:
            after = files.scan(self.workspace, folder)
            sources, metrics = results.measured(
                self.workspace, before, after, yardstick.expected(self.manifest), begun
            )
            return sources, (*metrics, *printed.so_far(log.texts(), how))

        return Stopper(self.options.steps, wanted, look)

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
        recorded = self.manifest.result.host
        gpus = self.options.gpus
        return Job(
            commands.translated(self.manifest, ready.environment, self.inside, self.workspace),
            self.workspace,
            self.inside,
            self.session,
            self.manifest.definition.working_directory,
            env={
                "PYTHONUNBUFFERED": "1",
                **{
                    name: commands.relocated(value, self.recorded, self.inside)
                    for name, value in self._variables().items()
                },
            },
            network=self._network,
            cpus=host.usable_cpus(self.options.cpus or recorded.cpus),
            memory=self.options.memory,
            gpus=bool(recorded.gpus) if gpus is None else gpus,
            uv="uv run" in (self.manifest.provenance.interpreter_found or ""),
        )
