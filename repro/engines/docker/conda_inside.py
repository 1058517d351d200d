"""conda's packages, installed in the container that becomes an environment."""

from __future__ import annotations

from collections.abc import Mapping

from docker.models.containers import Container
from docker.types import Mount

from repro.engines import conda
from repro.engines.conda import Installer
from repro.engines.docker.client import explained, telling

ROOT = "/repro/cache/micromamba"
"""Where micromamba keeps what it downloads."""


def mounts(environ: Mapping[str, str], machine: str) -> list[Mount]:
    """This machine's micromamba, where a container can run it."""
    found = conda.for_containers(environ, machine)
    if found is None:
        return []
    return [Mount(conda.INSIDE, str(found.resolve()), type="bind", read_only=True)]


def installer(container: Container, environ: Mapping[str, str], machine: str) -> Installer:
    """The base's own micromamba, else this machine's, else py-rattler."""
    with explained("looking for micromamba"):
        code, said = container.exec_run(["/bin/sh", "-c", "command -v micromamba"])
    path = said.decode("utf-8", "replace").strip()
    if code == 0 and path.startswith("/"):
        return Installer(path, "the base image's micromamba")
    if found := conda.for_containers(environ, machine):
        return Installer(conda.INSIDE, conda.described(found))
    return conda.RATTLER


def install(
    container: Container, chosen: Installer, command: tuple[str, ...], env: Mapping[str, str]
) -> None:
    """Raises Unreplayable where it did not come to its end."""
    with explained("installing conda's packages"):
        code, said = container.exec_run(
            list(command), environment={**env, "MAMBA_ROOT_PREFIX": ROOT}
        )
    if code:
        raise conda.failed(chosen, telling(said))
