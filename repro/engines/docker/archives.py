"""Whole images out of an engine and into it, as streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import docker
import docker.errors

from repro.canonical import CHUNK
from repro.engines.base import CarriedImage
from repro.engines.docker.client import FAULTS, explained, short
from repro.errors import Unreplayable
from repro.manifest import Finding, Image, Severity


def save(client: docker.DockerClient, id: str) -> Iterator[bytes]:
    """The image in the form of `docker save`. Raises EngineError."""
    with explained("saving an image"):
        yield from client.api.get_image(id, chunk_size=CHUNK)


def carried(
    client: docker.DockerClient, wanted: CarriedImage
) -> tuple[Image | None, tuple[Finding, ...]]:
    """The image that came with a run: known by its content, or loaded now; None, and a finding that says
    why, where this engine cannot use it. Raises EngineError, Unreplayable."""
    with explained("asking for its architecture"):
        here = str(client.version().get("Arch", ""))
    if here != wanted.architecture:
        return None, (_unusable(wanted, here),)
    if not _is(client, wanted):
        _load(client, wanted)
        if not _is(client, wanted):
            raise Unreplayable(
                "the image that came with the run is another one once it is loaded",
                "import the bundle again; `repro replay --verbose` says more",
            )
    with explained("looking up the loaded image"):
        id = client.images.get(wanted.name).id
    return Image(wanted.name, id=id), (_foreign(wanted),)


def _load(client: docker.DockerClient, wanted: CarriedImage) -> None:
    try:
        for line in client.api.load_image(wanted.archive()):
            if isinstance(line, dict) and "error" in line:
                raise Unreplayable(
                    f"the image that came with the run cannot be loaded: {str(line['error']).strip()[:400]}"
                )
    except FAULTS as error:
        raise Unreplayable(
            f"the image that came with the run cannot be loaded: {short(error)}"
        ) from error


def _is(client: docker.DockerClient, wanted: CarriedImage) -> bool:
    """Whether the engine has it: the name says it, and its layers prove it."""
    try:
        found: dict[str, Any] = client.images.get(wanted.name).attrs
    except docker.errors.ImageNotFound:
        return False
    except FAULTS:
        return False
    return tuple(found.get("RootFS", {}).get("Layers") or ()) == wanted.layers


def _foreign(wanted: CarriedImage) -> Finding:
    return Finding(
        Severity.NOTE,
        "image",
        f"the environment is the image that came with the run in its bundle ({wanted.id[:19]}); it was "
        "not built here from the recorded packages",
        "trust it as far as you trust who made the bundle",
    )


def _unusable(wanted: CarriedImage, here: str) -> Finding:
    return Finding(
        Severity.RISKS,
        "image",
        f"the image that came with the run is for {wanted.architecture}, this engine runs {here}: the "
        "environment was built anew",
        "replay on a machine of that architecture",
    )
