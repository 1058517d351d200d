"""Images: what a reference stands for, where it can be had, what was recorded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors

from repro.engines.docker.client import FAULTS, STARTING, short
from repro.errors import EngineError, NotFound, Unreplayable
from repro.manifest import Finding, Image, Severity
from repro.progress import Progress

_NOT_THERE = "check the name, `docker login` where the registry is private, or build it first"


class Images:
    """The images of one engine, and those that it can pull."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def resolve(self, reference: str, *, pull: bool = False) -> Image:
        """What a reference stands for now: its registry digest and, where it is here, its id.

        Raises NotFound where neither the engine nor the registry knows it.
        """
        try:
            found = self._client.images.get(reference)
        except docker.errors.ImageNotFound:
            if not pull:
                return Image(reference, digest=self._registry_digest(reference))
            found = self._pull(reference)
        except FAULTS as error:
            raise EngineError(
                f"cannot look up image {reference}: {short(error)}", STARTING
            ) from error
        return Image(reference, digest=_digest_of(found, reference), id=found.id)

    def _registry_digest(self, reference: str) -> str:
        try:
            return str(self._client.images.get_registry_data(reference).id)
        except FAULTS as error:
            raise NotFound(
                f"image {reference} is neither in the engine nor to be had from its registry: {short(error)}",
                _NOT_THERE,
            ) from error

    def _pull(self, reference: str) -> Any:
        try:
            pulled = self._client.images.pull(reference)
        except FAULTS as error:
            raise NotFound(
                f"image {reference} is not in the engine and cannot be pulled: {short(error)}",
                _NOT_THERE,
            ) from error
        return pulled[0] if isinstance(pulled, list) else pulled

    def bases(self, dockerfile: Path) -> dict[str, str | None]:
        """The images that a Dockerfile starts from, each with its digest where that can be told."""
        try:
            text = dockerfile.read_text("utf-8", "replace")
        except OSError as error:
            raise NotFound(f"there is no Dockerfile {dockerfile.name}: {error.strerror}") from error
        stages = {name.lower() for name in re.findall(r"(?im)^\s*FROM\s+\S+\s+AS\s+(\S+)", text)}
        defaults = dict(re.findall(r"(?im)^\s*ARG\s+(\w+)=[\"']?([^\s\"']+)", text))
        found: dict[str, str | None] = {}
        for written in re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)", text):
            name = _filled(written, defaults)
            if name.lower() in stages or name == "scratch":
                continue
            if "$" in name:
                found[name] = None  # an argument without a default: it says nothing
                continue
            try:
                found[name] = self.resolve(name).digest
            except NotFound:
                found[name] = None
        return found

    def recorded(self, wanted: Image, progress: Progress) -> tuple[Image, tuple[Finding, ...]]:
        """The image that was recorded: by its id, by its digest, and by its name only when nothing
        else is to be had, and then with a finding. Raises Unreplayable."""
        tried = []
        for reference in _references(wanted):
            if found := self._local(reference):
                return self._described(wanted, found)
            tried.append(reference)
        reference = _pinned(wanted)
        progress.detail(f"pulling {reference}")
        try:
            return self._described(wanted, self._pull(reference))
        except NotFound as error:
            places = ", ".join([*dict.fromkeys(tried), f"pulling {reference}"])
            raise Unreplayable(
                f"the image {wanted.reference} could not be had: tried {places} ({error})",
                error.hint,
            ) from error

    def is_here(self, wanted: Image) -> bool:
        """Whether the engine has the recorded image, by its id or its digest."""
        return any(self._local(reference) for reference in _references(wanted))

    def in_registry(self, wanted: Image) -> tuple[bool | None, str]:
        """Whether its registry has it; None where that was not told, and why."""
        try:
            self._client.images.get_registry_data(_pinned(wanted))
        except docker.errors.NotFound:
            return False, ""
        except FAULTS as error:
            return None, short(error)
        return True, ""

    def config(self, image: Image) -> dict[str, Any]:
        """The image's configuration: its variables, labels, entry point."""
        found: dict[str, Any] = self._client.images.get(image.id).attrs.get("Config") or {}
        return found

    def local(self, reference: str) -> Image | None:
        """The image of that name in this engine; None where there is none."""
        found = self._local(reference)
        return Image(reference, id=found.id) if found else None

    def _local(self, reference: str) -> Any:
        try:
            return self._client.images.get(reference)
        except docker.errors.ImageNotFound:
            return None
        except FAULTS as error:
            raise EngineError(f"cannot look up {reference}: {short(error)}", STARTING) from error

    def _described(self, wanted: Image, found: Any) -> tuple[Image, tuple[Finding, ...]]:
        image = Image(wanted.reference, _digest_of(found, wanted.reference), found.id)
        same = wanted.id is None or wanted.id == image.id
        by_digest = wanted.digest is not None and wanted.digest == image.digest
        if same or by_digest:
            return image, ()
        return image, (
            Finding(
                Severity.RISKS,
                "image",
                f"{wanted.reference} is another image now: {str(image.id)[:19]}, recorded was "
                f"{str(wanted.id)[:19]}, which is not to be had",
                "what differs may come from there; push the images of runs that count to a registry",
            ),
        )


def _filled(name: str, defaults: Mapping[str, str]) -> str:
    """With the arguments' defaults in place of their names: ``$BASE``, ``${BASE:-python}``."""

    def value(match: re.Match[str]) -> str:
        return defaults.get(match[1] or match[2]) or match[3] or match[0]

    return re.sub(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})", value, name)


def _references(image: Image) -> list[str]:
    """How the engine may know the image, most exact first."""
    found = [image.id] if image.id else []
    return [*found, _pinned(image)]


def _pinned(image: Image) -> str:
    if not image.digest:
        return image.reference
    return f"{_repository(image.reference)}@{image.digest}"


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def _digest_of(image: Any, reference: str) -> str | None:
    wanted = _repository(reference)
    digests = dict(item.split("@", 1) for item in image.attrs.get("RepoDigests") or ())
    return digests.get(wanted)
