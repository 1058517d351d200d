"""Where a command that is recorded is executed: on this machine, watched, or inside an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from repro import packing, process, watching
from repro.capturing import host, ingredients
from repro.capturing.ingredients import Ingredients
from repro.engines.base import Job, Ready, Site
from repro.environment import index, recipe
from repro.manifest import Definition, Environment, EnvironmentKind, Image
from repro.pinning import Pins, pin, pin_image
from repro.process import Execution, Sink
from repro.progress import Progress
from repro.project import Project
from repro.sessions import Session
from repro.watching.nouns import Mode, Unwatched, Watch

if TYPE_CHECKING:
    from repro.engines.docker import DockerEngine


@dataclass(frozen=True)
class Where:
    """What the caller asks for. ``image`` None: the project's own Dockerfile if it names one, else here."""

    environ: Mapping[str, str]
    image: str | None = None
    watch: Mode | None = None


@dataclass(frozen=True)
class Arena:
    """What executes the command, and what pins its environment meanwhile."""

    execute: Callable[[Sink], Execution]
    pin: Callable[[], Pins]
    environ: Mapping[str, str]
    """The variables that the command sees."""
    engine: str
    isolation: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the inside of an image, by the fields of Host."""
    watch: Watch = field(default_factory=Unwatched)


def arena(
    project: Project, parts: Ingredients, where: Where, session: Session, progress: Progress
) -> Arena:
    """Where the command is executed: on this machine, watched, or in an image. Raises ReproError where an
    image cannot be had."""
    if where.image or project.config.dockerfile:
        return _image_arena(project, parts, where, session, progress)
    environ = {"PYTHONUNBUFFERED": "1", **where.environ}
    here = project.workspace / parts.working_directory
    mode = where.watch or project.config.watch
    watch = watching.choose(mode, session.folder("watch"), environ)

    def execute(sink: Sink) -> Execution:
        argv, env = watch.wrapped(ingredients.argv_here(parts.command), environ, here)
        return process.execute(argv, cwd=here, env=env, sink=sink)

    return Arena(
        execute,
        lambda: pin(project, parts, session, where.environ),
        environ,
        "host",
        "none",
        watch=watch,
    )


def _image_arena(
    project: Project, parts: Ingredients, where: Where, session: Session, progress: Progress
) -> Arena:
    from repro.engines.docker import DockerEngine  # loaded only where a run needs it

    engine = DockerEngine(where.environ)
    ready, image, kind = _image(engine, project, parts, where, session, progress)

    def execute(sink: Sink) -> Execution:
        job = Job(
            parts.command.argv,
            project.workspace,
            str(project.workspace),
            session,
            parts.working_directory,
            env={"PYTHONUNBUFFERED": "1", **parts.env},
            network=project.config.network,
            gpus=bool(host.describe(where.environ).gpus),
            as_owner=True,
        )
        return engine.execute(ready, job, sink)

    def pin_it() -> Pins:
        return pin_image(engine, ready, image, kind, session)

    return Arena(execute, pin_it, parts.env, engine.version(), engine.isolation, ready.facts)


def _image(
    engine: DockerEngine,
    project: Project,
    parts: Ingredients,
    where: Where,
    session: Session,
    progress: Progress,
) -> tuple[Ready, Image, EnvironmentKind]:
    """The image to run in: pulled where it is not here, or built from the project's Dockerfile."""
    kind = EnvironmentKind.IMAGE if where.image else EnvironmentKind.DOCKERFILE
    workspace = project.workspace
    if where.image:
        image = engine.images.resolve(where.image, pull=True)
    else:
        dockerfile = project.inside(str(project.config.dockerfile))
        workspace = session.path / "context"
        packs, _ = packing.store_packs(
            parts.source, project.workspace, session.path / "source", project.store
        )
        packing.restore(
            parts.source.source, packs, project.store, workspace, branch=None, remotes={}
        )
        image = Image(
            dockerfile, dockerfile=dockerfile, bases=engine.images.bases(workspace / dockerfile)
        )
    plan = recipe.render(
        Definition(parts.source.source, (), Environment(kind, image), parts.command)
    )
    site = Site(workspace, str(project.workspace), session, index.sources(where.environ))
    ready = engine.prepare(plan, site, progress)
    return ready, replace(image, id=ready.handle), kind
