"""What goes into a run, gathered before its command starts and settled after it ended."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro.capturing import (
    command_line,
    data,
    dvc_pipeline,
    interpreter,
    leftovers,
    params,
    result_findings,
    source,
    variables,
)
from repro.capturing.digests import Digests
from repro.capturing.dvc_pipeline import Declared
from repro.capturing.interpreter import Found
from repro.capturing.results import Collected, Expected
from repro.errors import UsageError
from repro.manifest import Command, Descriptor, Finding, Param, Provenance, Severity
from repro.project import Project
from repro.sessions import Session

WRITTEN_BY_DVC = ("**/dvc.lock", "**/.gitignore", "**/.dvc/**")
"""What `dvc repro` rewrites for itself: bookkeeping, no output of the training."""


@dataclass(frozen=True)
class Ingredients:
    """Everything that is taken down before the command starts."""

    command: Command
    working_directory: str
    """Relative to the workspace."""
    source: source.Snapshot
    data: data.DataSnapshot
    declared: Declared
    params: tuple[Param, ...]
    env: dict[str, str]
    """The allowed variables only."""
    interpreter: Found | None
    image: str | None = None
    """The image that the command itself runs in, where it is not this machine."""
    findings: tuple[Finding, ...] = ()
    kept: tuple[Descriptor, ...] = ()
    """Data that only the store has now."""

    @property
    def is_pipeline(self) -> bool:
        return is_pipeline(self.command)

    def provenance(self, known: Provenance) -> Provenance:
        """What is known, with where the source and the data are from."""
        return replace(
            known,
            branch=self.source.branch,
            remotes=dict(self.source.remotes),
            pushed=self.source.pushed,
            subject=self.source.subject,
            changed=self.source.changed,
            skipped=self.source.skipped,
            tags=self.source.tags,
            data=dict(self.data.places),
        )


def is_pipeline(command: Command) -> bool:
    """Whether the command stands for the stages of dvc.yaml."""
    return command.argv[:2] == ("dvc", "repro")


def targets(command: Command) -> tuple[str, ...]:
    """The stages that `dvc repro` was asked for by name; none: all."""
    return tuple(word for word in command.argv[2:] if not word.startswith("-"))


def with_stages(project: Project, command: Command) -> Command:
    """The command; with the stages that it stands for, where it does."""
    if not is_pipeline(command):
        return command
    stages = dvc_pipeline.pipeline(project.workspace, project.folder, targets(command))
    return replace(command, stages=stages)


def command(
    project: Project, argv: tuple[str, ...], start: Path, environ: Mapping[str, str]
) -> tuple[Command, Path]:
    """What to execute and where: the words given, else those of repro.yaml, else the pipeline."""
    if argv:
        here = start.resolve()
        return Command(command_line.understood(argv, here, environ)), here
    folder = project.folder / (project.config.working_directory or ".")
    if project.config.command:
        if not folder.is_dir():
            raise UsageError(f"repro.yaml: working_directory: there is no folder {folder}")
        here = folder.resolve()
        return Command(command_line.understood(project.config.command, here, environ)), here
    if (project.folder / "dvc.yaml").exists():
        return Command(("dvc", "repro")), project.folder
    raise UsageError(
        "no command: neither given, nor in repro.yaml, nor a dvc.yaml with a pipeline",
        "repro run -- python train.py",
    )


def gather(
    project: Project,
    command: Command,
    start: Path,
    environ: Mapping[str, str],
    session: Session,
    *,
    image: str | None = None,
    observed: bool = True,
) -> Ingredients:
    """Source, data, parameters and variables as they are now. Raises ReproError, NotFound where the
    command does not exist."""
    workspace = project.workspace
    if not start.is_relative_to(workspace):
        raise UsageError(f"{start} is outside the git work tree {workspace}")
    found = None if image else _interpreter(project, command, start, environ)
    declared = dvc_pipeline.declared(workspace, project.folder)
    snapshot = source.snapshot(
        workspace, session.folder("source"), untracked_cap=project.config.untracked_cap
    )
    with Digests(project.store.cache / "digests.sqlite") as digests:
        taken = data.snapshot(
            workspace,
            project.folder,
            digests,
            exclude=frozenset(declared.made) if is_pipeline(command) else frozenset(),
        )
    if observed:
        # what was not there was not read; restored, the replay would see more than the run did
        items = tuple(item for item in taken.items if item.path not in taken.absent)
        taken = replace(taken, items=items)
    kept = _keep(project, taken)
    values, concerns = _params(project, declared)
    relative = start.relative_to(workspace).as_posix()
    return Ingredients(
        command,
        "" if relative == "." else relative,
        snapshot,
        taken,
        declared,
        values,
        _allowed(environ, project.config.env),
        found,
        image,
        (*snapshot.findings, *taken.findings, *concerns, *_interpreter_findings(found)),
        kept,
    )


def _keep(project: Project, taken: data.DataSnapshot) -> tuple[Descriptor, ...]:
    """Copy what no DVC cache has into the store, before the run can overwrite it."""
    kept = []
    for own in taken.own:
        role = f"data/files/{own.md5}"
        descriptor = project.store.recall(role, role, "application/octet-stream")
        if descriptor is None:
            descriptor = project.store.put_file(Path(own.path), role)
            project.store.remember(role, descriptor)
        kept.append(descriptor)
    return tuple(kept)


def _interpreter(
    project: Project, command: Command, start: Path, environ: Mapping[str, str]
) -> Found | None:
    if not is_pipeline(command):
        return interpreter.find(command.argv, start, environ)
    # the pipeline's stages name the interpreter; dvc itself may live in another environment
    for stage in dvc_pipeline.pipeline(project.workspace, project.folder, targets(command)):
        for line in stage.commands:
            found = interpreter.find(("sh", "-c", line), start, environ)
            if found.path:
                return found
    return None


def _interpreter_findings(found: Found | None) -> tuple[Finding, ...]:
    if found is None or found.path is None:
        return ()
    if found.certain:
        return ()
    return (
        Finding(
            Severity.RISKS,
            "packages",
            f"the interpreter is a guess: {found.path} ({found.how})",
            "its packages were recorded; name it in the command to be sure",
        ),
    )


def _params(project: Project, declared: Declared) -> tuple[tuple[Param, ...], tuple[Finding, ...]]:
    named = [(project.inside(path), None) for path in project.config.params]
    usual = [project.inside(name) for name in params.USUAL]
    staged = [(path, names or None) for path, names in declared.params]
    return params.read(project.workspace, [*staged, *named], usual)


_PASSWORD = re.compile(r"://[^/\s]*@")
"""In an address: such a value goes nowhere unasked."""


def _allowed(environ: Mapping[str, str], patterns: tuple[str, ...]) -> dict[str, str]:
    def fits(name: str, wanted: tuple[str, ...]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)

    return {
        name: value
        for name, value in sorted(environ.items())
        if fits(name, patterns) or (fits(name, variables.UNASKED) and not _PASSWORD.search(value))
    }


def argv_here(command: Command) -> tuple[str, ...]:
    """The words to execute on this machine."""
    if is_pipeline(command) and not shutil.which("dvc"):
        return (sys.executable, "-m", "dvc", *command.argv[1:])
    return command.argv


def expected(project: Project, parts: Ingredients) -> Expected:
    """What should come out, as repro.yaml and dvc.yaml say it."""
    settings = project.config
    metrics = tuple(project.inside(path) for path in settings.metrics)
    outputs = tuple(project.inside(path) for path in settings.outputs)
    ignored = tuple(project.inside(path) for path in settings.ignored_outputs)
    if not parts.is_pipeline:
        # a stage's metrics are this command's only if it writes them
        return Expected(metrics, outputs, ignored, known_metrics=parts.declared.metrics)
    return Expected(
        (*metrics, *(path for path in parts.declared.metrics if path not in metrics)),
        (*outputs, *(path for path in parts.declared.made if path not in outputs)),
        (*ignored, *WRITTEN_BY_DVC),
        vouched=frozenset(parts.declared.made),
    )


def settle(project: Project, parts: Ingredients, collected: Collected) -> Ingredients:
    """The ingredients once it is known what the run wrote.

    What lay there untracked, or changed, and was then rewritten by the run is what an earlier run
    left: a result, not source. It is taken out, so that the second recording of the same thing has
    the same definition as the first.
    """
    moved = collected.changes
    written = frozenset(moved.written) - moved.touched  # a chmod of untracked code leaves it code
    leftover = leftovers.find(parts.source, written, _products(project, parts))
    concerns = (*parts.findings, *result_findings.of_collected(project.workspace, collected))
    if not leftover:
        return replace(parts, findings=concerns)
    return replace(
        parts,
        source=leftovers.remove(parts.source, leftover),
        findings=(
            *concerns,
            Finding(
                Severity.NOTE,
                "source",
                f"left over from before and rewritten by the run, so taken as its output: "
                f"{', '.join(leftover)}",
                "if the run reads them first (resuming from a checkpoint), commit them or add them to DVC",
            ),
        ),
    )


def recorded(parts: Ingredients) -> frozenset[str]:
    """The files that source and data hold, relative to the workspace."""
    paths = set(source.files(parts.source))
    for item in parts.data.items:
        paths.add(item.path)
        listing = parts.data.listings.get(item.path)
        if listing:
            paths.update(f"{item.path}/{entry['relpath']}" for entry in json.loads(listing))
    return frozenset(paths)


def _products(project: Project, parts: Ingredients) -> tuple[str, ...]:
    """Patterns of tracked paths that are results by declaration: their changes are no source."""
    declared = (*project.config.metrics, *project.config.outputs)
    own = tuple(project.inside(path) for path in declared)
    if not parts.is_pipeline:
        return (*own, *parts.declared.metrics)
    return (*own, *parts.declared.made, *WRITTEN_BY_DVC)
