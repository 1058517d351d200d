"""Programs that a base lacks and a build or the run needs, installed as the distribution has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext

import docker
from docker.models.containers import Container

from repro.engines import uv as tools
from repro.engines.base import Site
from repro.engines.docker import networks
from repro.engines.docker.client import explained, telling
from repro.environment import dockerfile
from repro.environment.recipe import Recipe
from repro.errors import Unreplayable
from repro.manifest import Finding, Severity

_C = rb"(?:[\w/-]*-)?(?:gcc|cc|g\+\+|c\+\+)(?:-\d+)?"
_WANTS_COMPILER = re.compile(
    rb"command ['\"]?" + _C + rb"['\"]? failed: No such|unable to execute ['\"]?" + _C
    + rb"|\b" + _C + rb"['\"]?: (?:command )?not found|linker `cc` not found|no acceptable C compiler"
    rb"|No CMAKE_\w+_COMPILER could be found|Unknown compiler\(s\)",
    re.IGNORECASE,
)  # fmt: skip


def wants_compiler(output: bytes) -> bool:
    """Whether a build says that it ended for want of a compiler."""
    return _WANTS_COMPILER.search(output) is not None


def compiler(
    client: docker.DockerClient, container: Container, site: Site, env: Mapping[str, str]
) -> tuple[Finding, ...]:
    """For packages of which there is source only; uv keeps what is built, so it is done once. Raises
    Unreplayable."""
    words = ["/bin/sh", "-c", dockerfile.get(("cc", "c++", "make"))]
    reached = site.sources.offline and not tools.uses_loopback(site.sources)
    network = networks.connected(client, container) if reached else nullcontext()
    with network, explained("installing a compiler"):
        code, said = container.exec_run(words, environment=dict(env))
    if code:
        raise Unreplayable(
            "a package has to be compiled, the base image has no compiler, and none could be installed: "
            f"{telling(said)}",
            "name an image that has one: `image:` in repro.yaml",
        )
    return (
        Finding(
            Severity.NOTE,
            "packages",
            "a package had to be compiled: what was built depends on the compiler of today",
            "keep its wheel beside the code, or in an index of yours",
        ),
    )


def started(container: Container, recipe: Recipe, site: Site) -> tuple[Finding, ...]:
    """Those that the run started; where they cannot be had the command shows whether it can do without."""
    if not recipe.tools:
        return ()
    words = ["/bin/sh", "-c", dockerfile.get(recipe.tools)]
    with explained("installing programs"):
        code, said = container.exec_run(words, environment=tools.build_environment(site.sources))
    if code == 0:
        return ()
    return (
        Finding(
            Severity.RISKS,
            "image",
            f"the image lacks programs that the run started ({', '.join(recipe.tools)}), and they "
            f"could not be installed: {telling(said)}",
            "name an image that has them: `image:` in repro.yaml",
        ),
    )
