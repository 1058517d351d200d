"""Replays a run: restores it, builds its environment, executes it again, compares, and stores that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro import canonical, clock, commands, engines, outputs, packing, sessions
from repro.capturing import data, dvc_config, files, host, results
from repro.capturing.results import Expected
from repro.comparison import Comparison, compare_results, control, unreplayable
from repro.engines.base import Engine, Job, Ready, Site
from repro.environment import index, recipe
from repro.errors import Corrupt, Interrupted, NotFound, Unreplayable
from repro.logs import Log
from repro.manifest import (
    REPLAY_SCHEMA,
    Definition,
    Finding,
    Manifest,
    PackageOrigin,
    Policy,
    Result,
    Severity,
    SourceState,
    from_document,
    parse,
    to_document,
)
from repro.process import Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.recording import outcome
from repro.report import json as comparison_document
from repro.sessions import Session
from repro.store import Run, Store, remove_tree


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


@dataclass(frozen=True)
class Replay:
    """One replay of a run. ``result`` is None where it could not be executed."""

    id: str
    run_id: str
    engine: str
    isolation: str
    result: Result | None
    comparison: Comparison
    findings: tuple[Finding, ...] = ()
    kept: Path | None = None
    """The workspace, where the caller asked to keep it."""
    reused: bool = False
    """The environment was known."""
    build_seconds: float = 0.0


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
    controls = _results(project.store, run.id)

    def play() -> Replay:
        with sessions.session(project.store, keep=lambda: options.keep) as session:
            stage = _Stage(project, run, options, environ, session, engine, version)
            return stage.played(sink, progress)

    done = play()
    if (
        options.control
        and done.result
        and control.is_needed(done.comparison, done.result, controls)
    ):
        progress.step("it differs: replaying once more, to see whether two replays agree")
        second = _stored(project.store, play())
        controls = (second.result,) if second.result else ()
    if done.result:
        again = f"repro replay {run.short} --control"
        policy = _policy(project, run.manifest)
        comparison = control.explained(done.comparison, done.result, controls, policy, again)
        done = replace(done, comparison=comparison)
    return _stored(project.store, done)


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
        return self.engine.place(self.workspace, self.recorded)

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
        self._restore_source(progress)
        restored = self._restore_data(progress)
        self.engine.adopt(self.workspace)
        ready = self._prepare(progress)
        progress.step("executing")
        result = self._execute(ready, sink)
        comparison = compare_results(
            self.manifest.result,
            result,
            _policy(self.project, self.manifest),
            outputs.reader(self.project.store),
        )
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

    def _restore_source(self, progress: Progress) -> None:
        progress.step("restoring the source")
        provenance = self.manifest.provenance
        packing.restore(
            self.manifest.definition.source,
            self.manifest.contents,
            self.project.store,
            self.workspace,
            branch=provenance.branch,
            remotes=provenance.remotes,
            tags=provenance.tags,
        )

    def _restore_data(self, progress: Progress) -> tuple[Finding, ...]:
        items = self.manifest.definition.data
        if not items:
            return ()
        progress.step(f"restoring {len(items)} data item{'s' * (len(items) > 1)}")
        report = data.restore(items, self.workspace, self._sources())
        return tuple(
            Finding(Severity.RISKS, "data", f"a damaged copy was passed over: {path}", "dvc fetch")
            for path in report.corrupt
        )

    def _sources(self) -> data.Sources:
        store = self.project.store
        blobs = {item.path: item for item in self.manifest.contents}

        def blob(md5: str) -> Path | None:
            item = blobs.get(f"data/files/{md5}")
            return store.verified(item) if item else None

        listings = {
            item.path: store.read(blobs[role])
            for item in self.manifest.definition.data
            if (role := f"data/listings/{item.path}") in blobs
        }
        dvc = data.find_dvc(self.project.folder, self.project.workspace)
        settings = dvc_config.read_config(dvc) if dvc else None
        return data.Sources(
            blob,
            listings,
            caches=(settings.cache,) if settings else (),
            remotes=tuple(settings.remotes.values()) if settings else (),
            dvc=dvc,
            download=store.cache / "downloads",
        )

    def _prepare(self, progress: Progress) -> Ready:
        names = ("environment/requirements.lock", "environment/requirements-unhashed.txt")
        locks = [item for name in names if (item := self.manifest.content(name))]
        plan = recipe.render(
            self.manifest.definition,
            "".join(self.project.store.read(item).decode("utf-8") for item in locks),
            workspace=self.inside,
            source_digest=_source_digest(self.manifest, self.workspace),
        )
        site = Site(self.workspace, self.inside, self.session, self._package_sources())
        return self.engine.prepare(plan, site, progress)

    def _package_sources(self) -> index.PackageSources:
        # the restored source names its own indexes, as the project did when it was recorded
        return index.sources(
            self.environ,
            projects=[self.workspace / self.manifest.provenance.project, self.workspace],
        )

    def _execute(self, ready: Ready, sink: Sink) -> Result:
        folder = self.workspace / self.manifest.provenance.project
        _clear_stage_outputs(self.manifest.definition, self.workspace)
        _link_environment(self.manifest, self.workspace, ready.environment)
        before = files.scan(self.workspace, folder)
        log = Log(self.session.folder("log"), sink)
        job = self._job(ready)
        execution = self.engine.execute(ready, job, log)
        if execution.interrupted:
            raise Interrupted("the replay was interrupted; nothing was stored")
        after = files.scan(self.workspace, folder)
        collected = results.collect(self.workspace, before, after, _expected(self.manifest))
        outputs.keep(self.project.store, self.workspace, collected.outputs)
        return Result(
            observed=True,
            outcome=outcome(execution),
            exit_code=execution.exit_code,
            started=clock.iso(execution.started),
            ended=clock.iso(execution.started + execution.duration),
            duration=round(execution.duration, 3),
            peak_memory=execution.peak_memory,
            host=replace(
                host.describe(
                    job.env, cpus=job.cpus, engine=self.version, isolation=self.engine.isolation
                ),
                **ready.facts,
            ),
            metrics=collected.metrics,
            metric_sources=collected.sources,
            outputs=collected.outputs,
            missing_outputs=collected.missing_outputs,
            deleted=collected.changes.deleted,
            logs=log.store(self.project.store),
        )

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
        )


def _source_digest(manifest: Manifest, workspace: Path) -> str:
    """What an editable or local install reads, so that its environment is known again: the projects'
    build files; a project whose setup.py does more than declare counts whole."""
    locations = [
        package.location or "."
        for package in manifest.definition.environment.packages
        if package.origin in (PackageOrigin.EDITABLE, PackageOrigin.LOCAL)
    ]
    if any(item.origin is PackageOrigin.LOCAL for item in manifest.definition.environment.packages):
        return manifest.definition.source.tree
    found = {}
    for location in locations:
        folder = workspace / location
        if (folder / "setup.py").exists():
            return manifest.definition.source.tree
        for name in recipe.build_files():
            if (folder / name).is_file():
                found[f"{location}/{name}"] = canonical.digest_file(folder / name)
    return canonical.digest_bytes(canonical.dumps(found))


def _policy(project: Project, manifest: Manifest) -> Policy:
    """The recorded policy; tolerances that the project has now count instead of the recorded ones,
    because they are learned after the run."""
    current = project.config.tolerances
    return replace(manifest.policy, tolerances=current) if current else manifest.policy


def _results(store: Store, run_id: str) -> tuple[Result, ...]:
    """What earlier replays of the run yielded."""
    records = (
        parse(content, REPLAY_SCHEMA, "a replay record") for content in store.replays(run_id)
    )
    return tuple(
        from_document(Result, record["result"], "a replay record")
        for record in records
        if record.get("result")
    )


def _clear_stage_outputs(definition: Definition, workspace: Path) -> None:
    """As DVC does before a stage runs, so that nothing left over can pass for its output."""
    inputs = {item.path for item in definition.data}
    for stage in definition.command.stages:
        for output in stage.outputs:
            path = workspace / output
            if output in inputs or not path.resolve().is_relative_to(workspace.resolve()):
                continue
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)
            else:
                path.unlink(missing_ok=True)


def _link_environment(manifest: Manifest, workspace: Path, environment: str | None) -> None:
    """Where the recorded environment lay inside the project (`.venv`), scripts may name it: it leads to
    the replay's own."""
    prefix, recorded = manifest.provenance.prefix, manifest.provenance.workspace
    if environment is None or not prefix or not recorded:
        return
    relative = os.path.relpath(prefix, recorded)
    if relative.startswith("..") or relative == ".":
        return
    link = workspace / relative
    if not link.exists() and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(environment)


def _expected(manifest: Manifest) -> Expected:
    """What the record says came out; nothing is vouched for, everything has to be written anew."""
    policy = manifest.policy
    read = (item.path for item in manifest.result.metric_sources if item.state is SourceState.READ)
    return Expected(policy.metrics, policy.outputs, policy.ignored_outputs, tuple(read))


def _stored(store: Store, done: Replay) -> Replay:
    record = canonical.dumps(
        {
            "schema": REPLAY_SCHEMA,
            "run": done.run_id,
            "created": clock.now(),
            "engine": done.engine,
            "isolation": done.isolation,
            "environment": {"reused": done.reused, "build_seconds": round(done.build_seconds, 3)},
            "result": to_document(done.result) if done.result else None,
            "findings": to_document(done.findings),
            "comparison": comparison_document.document(done.comparison),
        }
    )
    return replace(done, id=store.add_replay(done.run_id, record))


def summaries(store: Store, run_id: str) -> list[str]:
    """One phrase for each replay of a run, newest first."""
    records = [
        parse(content, REPLAY_SCHEMA, "a replay record") for content in store.replays(run_id)
    ]
    records.sort(key=lambda record: str(record.get("created")), reverse=True)
    return [
        f"{record['comparison']['verdict']} ({record['engine']}, {str(record['created'])[:16]})"
        for record in records
    ]
