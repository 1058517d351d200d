"""A run's environment, made to stand: the recipe from its manifest, then the engine."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from repro import locks, restoring
from repro.bundles import carried
from repro.capturing.requirements import parse
from repro.engines.base import Engine, Ready, Site
from repro.environment import index, recipe
from repro.environment.index import PackageSources
from repro.environment.recipe import Recipe
from repro.progress import Progress
from repro.project import Project
from repro.sessions import Session
from repro.store import Run, Store


def prepare(
    project: Project,
    run: Run,
    workspace: Path,
    inside: str,
    engine: Engine,
    session: Session,
    environ: Mapping[str, str],
    progress: Progress,
) -> Ready:
    """The environment, known or built. ``workspace`` is the restored source, ``inside`` the path that the
    command will see it under. Raises EngineError, Unreplayable."""
    manifest = run.manifest
    names = ("environment/requirements.lock", "environment/requirements-unhashed.txt")
    locks = [item for name in names if (item := manifest.content(name))]
    plan = recipe.render(
        manifest.definition,
        "".join(project.store.read(item).decode("utf-8") for item in locks),
        workspace=inside,
        source_digest=restoring.source_digest(manifest, workspace),
    )
    # the restored source names its own indexes, as the project did when it was recorded
    sources = index.sources(
        environ,
        projects=[workspace / manifest.provenance.project, workspace],
        foreign=carried.is_foreign(project.store, run.id),
    )
    sources = _with_carried(project, run, plan, session, sources)
    came_along = carried.image_of(project.store, run.id)
    site = Site(workspace, inside, session, sources, came_along)
    if engine.isolation == "none":
        return engine.prepare(plan, site, progress)  # a new one each time, for this session alone
    with _alone(project.store, plan.key, progress):
        return engine.prepare(plan, site, progress)


@contextlib.contextmanager
def _alone(store: Store, key: str, progress: Progress) -> Iterator[None]:
    """Of several replays of one store that need the same environment the first builds it, the others wait."""
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    path = store.root / "locks" / f"environment-{name}"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as lock:
        said = False
        while not locks.acquire(lock):
            if not said:
                progress.step("waiting for another replay, which builds the same environment")
                said = True
            time.sleep(0.1)
        yield


def _with_carried(
    project: Project, run: Run, plan: Recipe, session: Session, sources: PackageSources
) -> PackageSources:
    """With the packages that came with the run; no index is asked where they are all that is needed."""
    files = carried.of(project.store, run.id).below("packages/")
    if not files:
        return sources
    folder = session.folder("packages")
    for name, item in files.items():
        shutil.copyfile(project.store.verified(item), folder / name)
    digests = {item.digest for item in files.values()}
    enough = not plan.unhashed and not plan.needs_source and not plan.conda
    enough &= all(digests & set(entry.hashes) for entry in parse(plan.lock))
    return index.with_folder(sources, folder, alone=enough)
