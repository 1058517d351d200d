"""Pins a run's environment: what is installed, a lock of it with hashes, and the image's digest.

None of it depends on what the command does, so it happens while the command runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro.capturing import conda, lockfile, packages, probing
from repro.capturing.ingredients import Ingredients
from repro.capturing.probing import Probe
from repro.engines.base import Engine, Job, Ready
from repro.environment import index, lock, recipe
from repro.environment.lock import Lock
from repro.errors import ReproError
from repro.logs import Silent
from repro.manifest import (
    Environment,
    EnvironmentKind,
    Finding,
    Image,
    Interpreter,
    Package,
    PackageOrigin,
    Severity,
)
from repro.project import Project
from repro.sessions import Session


@dataclass(frozen=True)
class Pins:
    """The environment as it was pinned, with what could not be."""

    environment: Environment
    lock: Lock | None = None
    probe: Probe | None = None
    lockfile: str | None = None
    findings: tuple[Finding, ...] = ()


def pin(project: Project, parts: Ingredients, session: Session, environ: Mapping[str, str]) -> Pins:
    """The environment of a command that runs on this machine."""
    if parts.interpreter is None or parts.interpreter.path is None:
        return _without_python(project, parts, environ)
    start = project.workspace / parts.working_directory
    probe = probing.probe(parts.interpreter.path, start, environ, project.store.cache)
    inventory = packages.inventory(probe, project.workspace)
    projects = [project.folder, project.workspace]
    sources = index.sources(environ, probe.prefix, projects=projects)
    made = lock.make_lock(
        _on_top(probe, inventory.packages),
        Path(probe.executable),
        sources,
        project.store.cache,
        env=environ,
    )
    own = lockfile.find(project.folder, project.config.lockfile)
    image, concerns = _base_image(project, probe.interpreter, environ)
    return Pins(
        Environment(
            EnvironmentKind.PACKAGES,
            image,
            probe.interpreter,
            inventory.packages,
            conda=conda.rebuilt(Path(probe.prefix)),
        ),
        made,
        probe,
        Path(own.path).relative_to(project.workspace).as_posix() if own else None,
        (
            *inventory.findings,
            *made.findings,
            *lockfile.findings(own, project.folder, inventory.packages, probe),
            *lockfile.contradicting(own, [project.folder, start], inventory.packages, probe),
            *_conda(probe),
            *concerns,
            *(() if project.config.image else recipe.base_findings(probe.interpreter, environ)),
        ),
    )


def _on_top(probe: Probe, installed: tuple[Package, ...]) -> tuple[Package, ...]:
    """The packages that a package index is asked for: all but those that conda brings."""
    prefix = Path(probe.prefix)
    if not conda.rebuilt(prefix):
        return installed
    brought = conda.provides(conda.explicit(prefix))
    return tuple(
        item
        for item in installed
        if item.origin is not PackageOrigin.INDEX
        or not conda.is_provided(item.name, item.version, brought)
    )


def _conda(probe: Probe) -> tuple[Finding, ...]:
    """What is to be said of an environment that conda made."""
    prefix = Path(probe.prefix)
    if not conda.is_prefix(prefix):
        return ()
    packages = conda.explicit(prefix)
    if conda.rebuilt(prefix):
        return (*conda.findings(packages, prefix), *conda.activation(prefix))
    return (*conda.findings(packages, prefix), *conda.not_rebuilt(packages))


def _without_python(project: Project, parts: Ingredients, environ: Mapping[str, str]) -> Pins:
    image, concerns = (
        _resolved(project.config.image, environ) if project.config.image else (None, ())
    )
    return Pins(
        Environment(EnvironmentKind.IMAGE, image),
        findings=(
            *concerns,
            Finding(
                Severity.RISKS if image else Severity.BREAKS,
                "packages",
                "the command runs no Python that could be found: nothing of its environment is known",
                "run it in an image (repro run --image REF), or name a Dockerfile in repro.yaml",
            ),
        ),
    )


def _base_image(
    project: Project, python: Interpreter, environ: Mapping[str, str]
) -> tuple[Image, tuple[Finding, ...]]:
    return _resolved(project.config.image or recipe.default_base(python, environ), environ)


def _resolved(reference: str, environ: Mapping[str, str]) -> tuple[Image, tuple[Finding, ...]]:
    try:
        from repro.engines.docker import DockerEngine

        image = DockerEngine(environ).images.resolve(reference)
    except ReproError as error:
        return Image(reference), (
            Finding(
                Severity.RISKS,
                "image",
                f"the base image {reference} is known by its tag only: {error}",
                "a tag may stand for another image later; record with the engine running",
            ),
        )
    if image.digest is None:
        return image, (
            Finding(
                Severity.RISKS,
                "image",
                f"the base image {reference} is on this machine only, it has no registry digest",
                "push it to a registry, so that it can be had elsewhere",
            ),
        )
    return _identified(image), ()


def _identified(image: Image) -> Image:
    """By its digest alone, where a registry has it: an id differs from engine to engine, and is not
    even known before the image was pulled, while the definition is to be the same."""
    return replace(image, id=None) if image.digest else image


_INVENTORY = """
import json, platform, sys
try:
    from importlib.metadata import distributions
except ImportError:
    from importlib_metadata import distributions
found = {}
for item in distributions():
    name = item.metadata["Name"]
    if name:
        found.setdefault(name, item.version)
print(json.dumps([platform.python_version(), platform.python_implementation(), found]))
"""


def pin_image(
    engine: Engine, ready: Ready, image: Image, kind: EnvironmentKind, session: Session
) -> Pins:
    """The environment of a command that runs in an image: the image, and what Python it holds."""
    image = _identified(image)
    concerns = _image_findings(kind, image)
    listing = _inside(engine, ready, session)
    if listing is None:
        return Pins(Environment(kind, image), findings=concerns)
    version, implementation, found = listing
    return Pins(
        Environment(
            kind,
            image,
            Interpreter(version, implementation),
            tuple(
                Package(packages.normalised(name), found[name])
                for name in sorted(found, key=packages.normalised)
            ),
        ),
        findings=concerns,
    )


def _image_findings(kind: EnvironmentKind, image: Image) -> tuple[Finding, ...]:
    if kind is EnvironmentKind.DOCKERFILE:
        return tuple(
            Finding(
                Severity.RISKS,
                "image",
                f"{image.dockerfile} starts from {name}, whose digest is not known",
                f"pin it: FROM {name}@sha256:…",
            )
            for name, digest in sorted(image.bases.items())
            if digest is None
        )
    if image.digest is None:
        return (
            Finding(
                Severity.BREAKS,
                "image",
                f"the image {image.reference} is on this machine only, it has no registry digest",
                "push it to a registry and record with that name, so that it can be had elsewhere",
            ),
        )
    return ()


def _inside(
    engine: Engine, ready: Ready, session: Session
) -> tuple[str, str, dict[str, str]] | None:
    class Kept(Silent):
        said = b""

        def stdout(self, chunk: bytes) -> None:
            self.said += chunk

    sink = Kept()
    empty = session.folder("inventory")
    for python in ("python3", "python"):
        job = Job((python, "-c", _INVENTORY), empty, "/repro/empty", session)
        try:
            if engine.execute(ready, job, sink).exit_code == 0:
                version, implementation, found = json.loads(sink.said)
                return version, implementation, found
        except (ReproError, ValueError):
            continue
    return None
