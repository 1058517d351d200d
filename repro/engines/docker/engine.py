"""The Docker Engine as an engine: images, environments, containers put together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker.errors

from repro.engines.base import Job, Ready, Site
from repro.engines.docker import archives, container
from repro.engines.docker.client import connect, explained
from repro.engines.docker.environments import Environments
from repro.engines.docker.images import Images
from repro.environment.recipe import VENV, Recipe
from repro.errors import Unreplayable
from repro.manifest import EnvironmentKind, Finding, Image
from repro.process import Execution, Sink
from repro.progress import Progress


class DockerEngine:
    """A Docker Engine, as DOCKER_HOST or the current docker context names it."""

    name = "docker"
    isolation = "container"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._client = connect(environ)
        self.images = Images(self._client)
        self._environments = Environments(self._client, self.images, environ)

    def version(self) -> str:
        with explained("asking for its version"):
            about = self._client.version()
        return f"Docker {about.get('Version', '?')} (API {about.get('ApiVersion', '?')})"

    def place(self, workspace: Path, recorded: str) -> str:
        return recorded

    def adopt(self, workspace: Path, user: int | None = None) -> None:
        """A replay of root's is not root inside, and must be able to write into its workspace."""
        container.give_all(workspace, user)

    def prepare(self, recipe: Recipe, site: Site, progress: Progress) -> Ready:
        clock = time.monotonic()
        with explained("making the environment"):
            image, reused, findings = self._image(recipe, site, progress)
            known = self._environments.facts_of(image)
        return Ready(
            str(image.id),
            reused,
            time.monotonic() - clock,
            image,
            findings,
            VENV if recipe.kind is EnvironmentKind.PACKAGES else None,
            known,
        )

    def _image(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        """What this engine has; what came with the run; what can be pulled or built, in this order."""
        if recipe.of_machine:
            raise Unreplayable(
                "nothing is known of the run's environment: it ran programs of its machine, no Python, and "
                "names no image that has them",
                "on that machine: --engine venv; anywhere: record it in an image (repro run --image REF, or a "
                "Dockerfile named in repro.yaml)",
            )
        unusable: tuple[Finding, ...] = ()
        if site.carried and not self._environments.has(recipe):
            progress.step("loading the image that came with the run")
            image, said = archives.carried(self._client, site.carried)
            if image:
                return image, True, said
            unusable = said
        match recipe.kind:
            case EnvironmentKind.IMAGE:
                found, findings = self.images.recorded(recipe.image, progress)
                return found, True, (*unusable, *findings)
            case EnvironmentKind.DOCKERFILE:
                made = self._environments.from_dockerfile(recipe, site, progress)
            case EnvironmentKind.PACKAGES:
                made = self._environments.from_packages(recipe, site, progress)
        return made[0], made[1], (*unusable, *made[2])

    def save(self, ready: Ready) -> Iterator[bytes]:
        """The image of an environment in the form of `docker save`."""
        return archives.save(self._client, ready.handle)

    def execute(self, ready: Ready, job: Job, sink: Sink) -> Execution:
        with explained("asking what it is"):
            options = container.options(self._client, ready, job)
        try:
            with container.created(self._client, job.session, options) as made:
                running = container.Running(self._client, made, job.limit)
                return running.to_end(sink, job.stop)
        finally:
            self._environments.settle()

    def remove_containers(self, session_name: str) -> None:
        """Remove what a killed repro left: the containers that carry its session's name."""
        begin = f"/{container.prefix(session_name)}"
        with explained("removing containers"):
            for found in self._client.api.containers(all=True):
                if any(name.startswith(begin) for name in found.get("Names") or ()):
                    with contextlib.suppress(docker.errors.NotFound):
                        self._client.api.remove_container(found["Id"], force=True, v=True)
