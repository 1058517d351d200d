"""Is the image still in its registry, or at least in the engine?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from repro.checking.nouns import Ingredient, Where
from repro.errors import ReproError
from repro.manifest import Image

if TYPE_CHECKING:
    from repro.engines.docker import DockerEngine


class Registry(Protocol):
    """What is asked: the engine's images, or in a test somebody who answers alike."""

    def is_here(self, image: Image) -> bool: ...

    def in_registry(self, image: Image) -> tuple[bool | None, str]: ...


def standing(image: Image, images: Registry) -> Ingredient:
    """Where an image can be had, by its digest; by its name alone it is another one some day."""
    here = images.is_here(image)
    there, why = images.in_registry(image)
    if there and image.digest:
        return Ingredient("image", Where.ELSEWHERE, f"{image.reference} by its digest")
    if there:
        seen = f"{image.reference} by its name only: no digest is recorded, it may be another image by now"
        return Ingredient("image", Where.HERE if here else Where.UNKNOWN, seen, _PUSH)
    if here:
        seen = f"{image.reference} is in the engine" + (
            f", its registry: {why}" if why else " only"
        )
        return Ingredient("image", Where.HERE, seen, _PUSH)
    if there is None:
        return Ingredient("image", Where.UNKNOWN, f"{image.reference}: {why}", "repro doctor")
    return Ingredient(
        "image",
        Where.LOST,
        f"{image.reference} is neither in the engine nor in its registry",
        "name a base that is there: REPRO_BASE_IMAGE, or `image:` in repro.yaml",
    )


_PUSH = "push it to a registry of yours, and record with its digest"


class EngineImages:
    """The engine's, reached when first asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._engine: DockerEngine | None = None
        self._trouble = ""

    def _images(self) -> DockerEngine | None:
        if self._engine is None and not self._trouble:
            try:
                from repro.engines.docker import DockerEngine

                self._engine = DockerEngine(self._environ)
            except ReproError as error:
                self._trouble = str(error)
        return self._engine

    def is_here(self, image: Image) -> bool:
        engine = self._images()
        return engine is not None and engine.images.is_here(image)

    def in_registry(self, image: Image) -> tuple[bool | None, str]:
        engine = self._images()
        return engine.images.in_registry(image) if engine else (None, self._trouble)
