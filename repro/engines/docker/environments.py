"""Environment images: known by the recipe's key, or built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker

from repro.engines import conda
from repro.engines.base import Site
from repro.engines.docker import dockerfiles, facts
from repro.engines.docker.building import REPOSITORY, Builder, tag
from repro.engines.docker.images import Images
from repro.environment.recipe import NoInterpreter, Recipe, pinned, relaxed
from repro.errors import Unreplayable
from repro.manifest import EnvironmentKind, Finding, Image
from repro.progress import Progress


class Environments:
    """The environment images of one engine."""

    def __init__(
        self, client: docker.DockerClient, images: Images, environ: Mapping[str, str]
    ) -> None:
        self._client, self._images = client, images
        self._builder = Builder(client, images, environ)

    def settle(self) -> None:
        """Wait until nothing is left of the builds but their images."""
        self._builder.settle()

    def from_packages(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        """The image with a recipe's packages, whether it was known, and what is to be said of it."""
        if known := self._known(recipe):
            return known, True, ()
        conda.check(recipe, self._builder.machine())
        base, concerns = self._images.recorded(recipe.image, progress)
        try:
            image, lacking = self._builder.built(recipe, base, site, progress)
            return image, False, (*concerns, *lacking)
        except NoInterpreter:
            plan, finding = relaxed(recipe)
        progress.detail(finding.message)
        if known := self._known(plan):
            return known, True, (finding,)
        try:
            image, lacking = self._builder.built(plan, base, site, progress)
            return image, False, (*concerns, finding, *lacking)
        except NoInterpreter as error:
            raise Unreplayable(
                f"the base image {recipe.image.reference} has no Python {plan.python_version}, and none "
                "could be downloaded into it",
                "name an image that has it: `image:` in repro.yaml, or REPRO_BASE_IMAGE",
            ) from error

    def from_dockerfile(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        """The image of the project's own Dockerfile: the very one, or one from the same source."""
        wanted = recipe.image
        for name in filter(None, (wanted.id, _name(recipe))):
            if known := self._images.local(name):
                image = Image(wanted.reference, id=known.id)
                return image, True, dockerfiles.moved(recipe, image)
        image = dockerfiles.build(
            self._client, str(wanted.dockerfile), _name(recipe), site, progress
        )
        return image, False, dockerfiles.moved(recipe, image)

    def has(self, recipe: Recipe) -> bool:
        """Whether the environment is in this engine: nothing has to be pulled or built for it."""
        if recipe.kind is EnvironmentKind.PACKAGES:
            return self._known(recipe) is not None
        names = [recipe.image.id, pinned(recipe.image) if recipe.image.digest else None]
        if recipe.kind is EnvironmentKind.DOCKERFILE:
            names = [recipe.image.id, _name(recipe)]
        return any(self._images.local(name) for name in names if name)

    def facts_of(self, image: Image) -> dict[str, Any]:
        """What the image says of its inside; None for what it does not say."""
        label = (self._images.config(image).get("Labels") or {}).get(facts.LABEL)
        found = facts.stated(label) if label else {}
        return {"distribution": None, "libc": None, "blas": None, **found}

    def _known(self, recipe: Recipe) -> Image | None:
        return self._images.local(_name(recipe))


def _name(recipe: Recipe) -> str:
    return f"{REPOSITORY}:{tag(recipe)}"
