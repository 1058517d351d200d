"""Builds an environment image: a container from the base, the recipe's commands in it, then a commit.

Packages are installed without a builder, by uv with one shared download cache mounted. It needs no
BuildKit, is several times faster than `docker build` with pip, and what the build may use (proxies,
credentials, certificates) exists only in the environment of those commands, so no trace of it can stay
in the image.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import docker
from docker.models.containers import Container
from docker.types import Mount

from repro.engines import uv as tools
from repro.engines.base import Site
from repro.engines.docker import conda_inside, facts, networks, programs
from repro.engines.docker.client import explained, telling
from repro.engines.docker.container import created
from repro.engines.docker.images import Images
from repro.environment.recipe import VENV, NoInterpreter, Recipe
from repro.errors import Unreplayable
from repro.manifest import Finding, Image
from repro.progress import Progress

REPOSITORY = "repro-env"
"""Local name of the environment images; their tag is the recipe's key."""
CACHE_VOLUME = "repro-uv-cache"


def tag(recipe: Recipe) -> str:
    """What tells the image of a recipe from the others of REPOSITORY."""
    return recipe.key.removeprefix("sha256:")[:32]


class _NoCompiler(Unreplayable):
    """A package has only its source, and nothing here compiles it."""


class Builder:
    """Builds in one engine; the containers of its builds are removed aside."""

    def __init__(
        self, client: docker.DockerClient, images: Images, environ: Mapping[str, str]
    ) -> None:
        self._client, self._images, self._environ = client, images, environ
        self._aside = ThreadPoolExecutor(max_workers=1)
        self._removals: list[Future[None]] = []

    def settle(self) -> None:
        """Wait until the containers of builds are gone: seconds, as they hold thousands of files."""
        while self._removals:
            self._removals.pop().result()

    def machine(self) -> str:
        """The engine's processor, as uname says it; empty where it does not say."""
        return str(self._client.info().get("Architecture", ""))

    def built(
        self, recipe: Recipe, base: Image, site: Site, progress: Progress
    ) -> tuple[Image, tuple[Finding, ...]]:
        """The image, and what is to be said of it. Raises Unreplayable, NoInterpreter where the base has
        no Python of the recipe's version and none could be downloaded."""
        progress.step(f"building the environment: {recipe.summary}")
        options = self._options(recipe, site, base)
        with created(self._client, site.session, options, self._later) as container:
            container.start()
            lacking = programs.started(container, recipe, site)
            how = self._install(container, recipe, site, progress)
            _compile(container)
            # an image that lacks something must not be found by its key
            suffix = "-lacking" if lacking else ""
            image = self._committed(container, recipe, base, tag(recipe) + suffix)
        return image, (*lacking, *how)

    def _install(
        self, container: Container, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Finding, ...]:
        env = tools.build_environment(site.sources)
        compiled: tuple[Finding, ...] = ()
        steps, how = self._conda(container, recipe, env, progress)
        if site.sources.offline:
            networks.cut(self._client, container)
        for command in steps:
            progress.detail(" ".join(command))
            words = tools.told(command, site.sources)
            try:
                _exec(container, words, env)
            except _NoCompiler:
                progress.detail("installing a compiler")
                compiled = programs.compiler(self._client, container, site, env)
                _exec(container, words, env)
        return (*compiled, *how)

    def _conda(
        self, container: Container, recipe: Recipe, env: Mapping[str, str], progress: Progress
    ) -> tuple[Sequence[tuple[str, ...]], tuple[Finding, ...]]:
        """conda's packages installed, where the recipe has any; the steps that are left."""
        if not recipe.conda:
            return recipe.commands(), ()
        chosen = conda_inside.installer(container, self._environ, self.machine())
        first, *steps = recipe.commands(micromamba=chosen.micromamba)
        progress.detail(" ".join(first))
        conda_inside.install(container, chosen, first, env)
        return steps, (chosen.finding,)

    def _committed(self, container: Container, recipe: Recipe, base: Image, under: str) -> Image:
        said = facts.asked(container)
        with explained("committing the environment"):
            made = self._client.api.commit(
                container.id,
                repository=REPOSITORY,
                tag=under,
                pause=False,
                changes=[
                    *(f"ENV {name}={value}" for name, value in recipe.variables.items()),
                    *self._as_in(base),
                    f"LABEL org.repro.key={recipe.key}",
                    f"LABEL {facts.LABEL}={json.dumps(json.dumps(said))}",
                ],
            )
        return Image(f"{REPOSITORY}:{tag(recipe)}", id=made["Id"])

    def _as_in(self, base: Image) -> tuple[str, ...]:
        """Instructions that give the environment its base's own start, not that of the build."""
        config = self._images.config(base)
        return (
            # an empty one would leave that of the build's container in place
            *(f"ENTRYPOINT {json.dumps(start)}" for start in [config.get("Entrypoint")] if start),
            f"CMD {json.dumps(config.get('Cmd') or ['python3'])}",
            f"USER {config.get('User') or 'root'}",
        )

    def _later(self, removal: Callable[[], None]) -> None:
        self._removals.append(self._aside.submit(removal))

    def _options(self, recipe: Recipe, site: Site, base: Image) -> dict[str, Any]:
        return {
            "image": base.id,
            **(
                {"entrypoint": ["sleep"], "command": ["86400"]}
                if self._images.config(base).get("Entrypoint")
                else {"command": ["sleep", "86400"]}
            ),
            "user": "0:0",
            "mounts": self._mounts(recipe, site),
            "network_mode": networks.mode(
                offline=site.sources.offline,
                loopback=tools.uses_loopback(
                    site.sources, *(item.url or "" for item in recipe.conda)
                ),
                # packages of conda do not come along: they are fetched as programs are
                programs=bool(recipe.tools or recipe.conda),
            ),
        }

    def _mounts(self, recipe: Recipe, site: Site) -> list[Mount]:
        folder = site.session.folder(f"recipe-{os.urandom(3).hex()}")
        for name, content in recipe.files.items():
            (folder / name).write_text(content, "utf-8")
        shown = [("/repro/uv", tools.linux_uv(self.machine())), ("/repro/in", folder)]
        shown += [(str(path), path) for path in site.sources.mounts]
        if site.sources.ca_bundle:
            shown.append((tools.CA_INSIDE, site.sources.ca_bundle))
        mounts = [Mount(there, str(here), type="bind", read_only=True) for there, here in shown]
        mounts.append(Mount("/repro/cache", CACHE_VOLUME, type="volume"))
        if recipe.conda:
            mounts += conda_inside.mounts(self._environ, self.machine())
        if recipe.needs_source:
            mounts.append(Mount(site.inside, str(site.workspace), type="bind"))
        return mounts


def _exec(container: Container, command: tuple[str, ...], env: Mapping[str, str]) -> None:
    with explained("building the environment"):
        code, output = container.exec_run(list(command), environment=dict(env))
    if code and command[1] == "venv":
        raise NoInterpreter(telling(output))
    if code and programs.wants_compiler(output):
        raise _NoCompiler(
            f"the environment could not be built for want of a compiler: {telling(output)}",
            "name an image that has one: `image:` in repro.yaml",
        )
    if code:
        raise Unreplayable(
            f"the environment could not be built: `{' '.join(command[:4])} …` failed: "
            f"{telling(output)}",
            "the whole output is above with --verbose; `repro doctor` checks index and network",
        )


def _compile(container: Container) -> None:
    """Bytecode, once: who runs it later cannot write there, and compiled anew each time. The
    packages' own tests, half of all modules, are left out; what does not compile is no error."""
    words = ("-m", "compileall", "-qq", "-j", "0", "-x", "/tests?/", f"{VENV}/lib")
    with explained("compiling the environment"):
        container.exec_run([f"{VENV}/bin/python", *words])
