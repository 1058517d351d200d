"""Keys for the caches of a pipeline: the same as long as the runs need the same environments and data."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass

from repro import canonical
from repro.environment import recipe
from repro.project import Project
from repro.store import Run


@dataclass(frozen=True)
class Keys:
    """32 hex digits each, of nothing but what was recorded: not of the order of the runs."""

    environments: str
    """Of the recipes and of this machine's architecture."""
    data: str
    """Of the hashes that DVC has for what the runs read."""
    images: tuple[str, ...] = ()
    """What the Docker engine calls the environments once they are built; not those of which only a replay
    can tell."""

    @property
    def lines(self) -> str:
        """``name=value`` lines, as a pipeline's outputs and variables are written."""
        images = " ".join(self.images)
        return f"environments={self.environments}\ndata={self.data}\nimages={images}\n"


def keys(project: Project, runs: Iterable[Run]) -> Keys:
    """The keys of these runs. Raises ReproError where a lock is not in the store."""
    found = list(runs)
    environments = {environment_key(project, run) for run in found}
    data = {item.hash for run in found for item in run.manifest.definition.data}
    return Keys(
        canonical.key([platform.machine(), str(recipe.VERSION), *sorted(environments)]),
        canonical.key(sorted(data)),
        tuple(sorted({name for run in found if (name := _image(project, run))})),
    )


def environment_key(project: Project, run: Run) -> str:
    """Of what one run's environment is built from. Not the key of the built one, which is known only once
    the source is restored: where packages are installed from the source, all of it counts here."""
    manifest = run.manifest
    names = ("environment/requirements.lock", "environment/requirements-unhashed.txt")
    locks = [item for name in names if (item := manifest.content(name))]
    return recipe.render(
        manifest.definition,
        "".join(project.store.read(item).decode("utf-8") for item in locks),
        workspace=manifest.provenance.workspace or recipe.WORKSPACE,
        source_digest=manifest.definition.source.tree,
    ).key


def _image(project: Project, run: Run) -> str:
    """The name of the environment's image, from the recipe that was recorded; empty where it has none."""
    recorded = run.manifest.content("environment/Dockerfile")
    content = project.store.read(recorded) if recorded else b""
    key = re.search(rb"^# key: sha256:([0-9a-f]{32})[0-9a-f]{32}$", content, re.MULTILINE)
    return f"repro-env:{key[1].decode()}" if key else ""
