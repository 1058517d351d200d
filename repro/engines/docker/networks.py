"""A build's container and the network: there for programs of the distribution, gone before a package's own code
is executed, where all packages are at hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import docker.errors
from docker.models.containers import Container

from repro.engines.docker.client import explained

BRIDGE = "bridge"


def mode(*, offline: bool, loopback: bool, programs: bool) -> str:
    """The network that the container begins with. ``offline``: nothing has to be fetched but ``programs``;
    ``loopback``: an index or a proxy is on this machine's own, which only ``host`` reaches."""
    if offline and not programs:
        return "none"
    return "host" if loopback else BRIDGE


def cut(client: docker.DockerClient, container: Container) -> None:
    """Take it off the network. One that has this machine's own cannot be taken off."""
    container.reload()
    with explained("taking the build off the network"):
        for name in container.attrs["NetworkSettings"]["Networks"]:
            if name not in ("none", "host"):
                client.networks.get(name).disconnect(container, force=True)


@contextlib.contextmanager
def connected(client: docker.DockerClient, container: Container) -> Iterator[None]:
    """On the network for the length of the block."""
    with explained("connecting the build to the network"):
        with contextlib.suppress(docker.errors.APIError):
            client.networks.get("none").disconnect(container, force=True)
        client.networks.get(BRIDGE).connect(container)
    try:
        yield
    finally:
        cut(client, container)
