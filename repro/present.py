"""A recorded training with the source and the data as they are now: what a change makes of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repro import manifest as manifests
from repro import packing
from repro.capturing import ingredients, leftovers, secrets
from repro.capturing.ingredients import Ingredients
from repro.errors import UsageError
from repro.manifest import Descriptor, Manifest
from repro.project import Project
from repro.sessions import Session
from repro.store import Run


def as_it_is(project: Project, run: Run, environ: Mapping[str, str], session: Session) -> Run:
    """The run with another definition: command, environment and variables as recorded, source, data and
    parameters of the work tree. It keeps its id, which is the record's, and its result.

    Raises UsageError where this is not the run's project, SecretFound as recording does.
    """
    recorded = run.manifest
    if project.prefix != recorded.provenance.project or not (project.workspace / ".git").exists():
        raise UsageError(
            f"run {run.short} was not recorded in this project: its source as it is now is not known",
            "verify it as it was recorded",
        )
    start = project.workspace / recorded.definition.working_directory
    if not start.is_dir():
        raise UsageError(f"the folder {start}, in which the run's command was executed, is gone")
    command = recorded.definition.command
    # the environment is the recorded one: no interpreter is looked for
    parts = ingredients.gather(
        project, command, start, environ, session, image="as recorded", observed=True
    )
    parts = _without_results(parts, recorded)
    secrets.demand_none(parts, project)
    return Run(run.id, _derived(project, recorded, parts, session))


def _without_results(parts: Ingredients, recorded: Manifest) -> Ingredients:
    """What lies there of the run's own outputs is no source, as it was none when it was recorded."""
    written = frozenset(item.path for item in recorded.result.outputs)
    found = leftovers.find(
        parts.source, written, (*recorded.policy.outputs, *recorded.policy.metrics)
    )
    return replace(parts, source=leftovers.remove(parts.source, found)) if found else parts


def _derived(
    project: Project, recorded: Manifest, parts: Ingredients, session: Session
) -> Manifest:
    definition = replace(
        recorded.definition,
        source=parts.source.source,
        data=parts.data.items,
        command=ingredients.with_stages(project, recorded.definition.command),
        params=parts.params,
    )
    return replace(
        recorded,
        definition=definition,
        definition_id=manifests.definition_id(definition),
        contents=_contents(project, recorded, parts, session),
        provenance=parts.provenance(recorded.provenance),
        findings=(*parts.findings,),
    )


def _contents(
    project: Project, recorded: Manifest, parts: Ingredients, session: Session
) -> tuple[Descriptor, ...]:
    taken, _ = packing.store_ingredients(parts, project, session)
    kept = [
        item
        for item in recorded.contents
        if item.media_type != packing.MEDIA_TYPE and not item.path.startswith("data/")
    ]
    found = {item.path: item for item in (*kept, *taken)}
    return tuple(found[path] for path in sorted(found))
