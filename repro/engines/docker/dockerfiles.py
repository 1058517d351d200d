"""Images of the project's own Dockerfile: built from its restored source."""

from __future__ import annotations

import docker

from repro.engines import uv as tools
from repro.engines.base import Site
from repro.engines.docker.client import FAULTS, short
from repro.environment.recipe import Recipe
from repro.errors import Unreplayable
from repro.manifest import Finding, Image, Severity
from repro.progress import Progress


def build(
    client: docker.DockerClient, dockerfile: str, tag: str, site: Site, progress: Progress
) -> Image:
    """The image, under this tag. Raises Unreplayable."""
    # the context is a restored source, never the work tree with all that lies around in it
    progress.step(f"building {dockerfile}")
    proxies = {
        name: value for name, value in site.sources.env.items() if name.lower().endswith("_proxy")
    }
    try:
        for line in client.api.build(
            path=str(site.workspace), dockerfile=dockerfile, tag=tag, rm=True, forcerm=True, decode=True,
            buildargs=proxies, network_mode="host" if tools.uses_loopback(site.sources) else None,
        ):  # fmt: skip
            if "error" in line:
                raise Unreplayable(
                    f"{dockerfile} could not be built: {line['error'].strip()}",
                    f"build it by hand to see more: docker build -f {dockerfile} .",
                )
            if text := line.get("stream", "").strip():
                progress.detail(text)
        return Image(dockerfile, id=client.images.get(tag).id, dockerfile=dockerfile)
    except FAULTS as error:
        raise Unreplayable(f"{dockerfile} could not be built: {short(error)}") from error


def moved(recipe: Recipe, image: Image) -> tuple[Finding, ...]:
    """What is to be said where it is another image than the recorded one."""
    if recipe.image.id not in (None, image.id):
        return (
            Finding(
                Severity.RISKS,
                "image",
                f"{recipe.image.dockerfile} was built anew: image {str(image.id)[:19]}, recorded "
                f"{str(recipe.image.id)[:19]}",
                "a Dockerfile that installs without pins builds something else each time",
            ),
        )
    return ()
