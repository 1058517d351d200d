"""Puts a run together from what was captured, and stores it: blobs first, the manifest last, so that
a run that is listed is whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import repro
from repro import clock, outputs, packing, redacting, watching
from repro.capturing import ingredients, result_findings
from repro.capturing.files import Scan
from repro.capturing.ingredients import Ingredients
from repro.environment import recipe
from repro.manifest import (
    Definition,
    Descriptor,
    EnvironmentKind,
    Finding,
    Manifest,
    Policy,
    Provenance,
    Redaction,
    Result,
    Severity,
)
from repro.observing import Observed
from repro.pinning import Pins
from repro.project import Project
from repro.sessions import Session
from repro.store import Run


@dataclass(frozen=True)
class Capture:
    """All that one recording has found."""

    parts: Ingredients
    pins: Pins
    result: Result
    scan: Scan
    """The project before the run; where none was observed, as it is."""
    written: frozenset[str]
    recorded: frozenset[str]
    """The files of source and data."""
    observed: Observed = field(default_factory=Observed)
    redacted: tuple[Redaction, ...] = ()
    """What was taken out of the logs."""
    redact: bool = False
    """Take secrets out of the manifest as well."""


def store(project: Project, capture: Capture, session: Session, name: str | None) -> Run:
    """Store the run, under a name if one is given."""
    manifest = _manifest(project, capture)
    contents, concerns = _contents(project, capture, manifest.definition, session)
    outputs.keep(
        project.store, project.workspace, capture.result.outputs, project.config.outputs_cap
    )
    manifest = replace(
        manifest, contents=contents, findings=_sorted((*manifest.findings, *concerns))
    )
    run = project.store.add(manifest)
    if name is not None:
        project.store.set_name(name, run.id)
    return run


def _manifest(project: Project, capture: Capture) -> Manifest:
    """All of it but for the contents, which are made from what it says."""
    parts, pins = capture.parts, capture.pins
    manifest = Manifest(
        definition=_definition(project, capture),
        result=capture.result,
        created=clock.now(),
        provenance=_provenance(project, parts, pins),
        policy=_policy(project, parts),
        findings=_findings(capture),
        redacted=capture.redacted,
        tool=f"repro {repro.__version__}",
    )
    return _redacted(project, manifest) if capture.redact else manifest


def _redacted(project: Project, manifest: Manifest) -> Manifest:
    """Before anything is made of the definition: the recipe, too, is written down."""
    from repro import scanning

    done = redacting.redacted(manifest, scanning.parse(list(project.config.allowed_secrets)))
    redactions = (*done.redactions, *manifest.redacted)
    concerns = [*done.manifest.findings, *redacting.findings(done.manifest, done.redactions)]
    if done.left:
        concerns.append(
            Finding(
                Severity.RISKS,
                "outputs",
                f"looks like a secret and cannot be redacted: {'; '.join(map(str, done.left[:5]))}",
                "an export refuses it",
            )
        )
    return replace(done.manifest, redacted=redactions, findings=_sorted(concerns))


def _policy(project: Project, parts: Ingredients) -> Policy:
    expected = ingredients.expected(project, parts)
    return Policy(
        tolerances=project.tolerances,
        metrics=expected.metrics,
        outputs=expected.outputs,
        ignored_outputs=expected.ignored,
        network=project.config.network,
        log_patterns=project.config.log.patterns,
        log_ignored=project.config.log.ignore,
    )


def _definition(project: Project, capture: Capture) -> Definition:
    parts, environment = capture.parts, capture.pins.environment
    if environment.kind is EnvironmentKind.PACKAGES:
        environment = replace(environment, tools=recipe.tools(capture.observed.tools))
    return Definition(
        source=parts.source.source,
        data=parts.data.items,
        environment=environment,
        command=ingredients.with_stages(project, parts.command),
        working_directory=parts.working_directory,
        env=parts.env,
        params=parts.params,
        inputs=capture.observed.inputs.items,
        services=capture.observed.services,
    )


def _contents(
    project: Project, capture: Capture, definition: Definition, session: Session
) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    store, parts, pins = project.store, capture.parts, capture.pins
    taken, concerns = packing.store_ingredients(parts, project, session)
    found = [*taken, *capture.observed.inputs.kept]
    plan = recipe.render(
        definition, pins.lock.text if pins.lock else "", workspace=project.workspace.as_posix()
    )
    for name, content in plan.files.items():
        found.append(store.put_bytes(content.encode(), f"environment/{name}", "text/plain"))
    return tuple(sorted(found, key=lambda item: item.path)), concerns


def _provenance(project: Project, parts: Ingredients, pins: Pins) -> Provenance:
    found, probe = parts.interpreter, pins.probe
    known = Provenance(
        project=project.prefix,
        workspace=project.workspace.as_posix(),
        lockfile=pins.lockfile,
        interpreter=str(found.path) if found and found.path else None,
        interpreter_found=found.how if found else None,
        prefix=probe.prefix
        if probe and (probe.prefix != probe.base_prefix or pins.environment.conda)
        else None,
    )
    return parts.provenance(known)


def _findings(capture: Capture) -> tuple[Finding, ...]:
    """All findings but those on the contents."""
    found = [
        *capture.parts.findings,
        *capture.pins.findings,
        *result_findings.of_result(capture.result),
        *capture.observed.findings,
        *result_findings.of_scan(capture.scan, _known(capture), capture.written),
    ]
    return _sorted(found)


def _sorted(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, each once."""
    order = list(Severity)
    return tuple(
        sorted(dict.fromkeys(found), key=lambda item: (order.index(item.severity), item.subject))
    )


def _known(capture: Capture) -> frozenset[str]:
    """The files that are part of the record, or are known not to be; where every file was watched, it is known
    of every file whether the run read it."""
    if capture.observed.method in watching.SEES_ALL:
        return frozenset(capture.scan.files)
    taken = {item.path for item in capture.observed.inputs.items}
    return capture.recorded | taken | frozenset(capture.parts.source.skipped)
