"""What the checks look at: found once, whichever of them asks first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from repro import config
from repro.capturing import dvc_pipeline, ingredients, interpreter, packages, probing, source
from repro.capturing.interpreter import Found
from repro.capturing.packages import Inventory
from repro.diagnosis_nouns import Answer, State
from repro.errors import NotFound, ReproError, UsageError
from repro.manifest import Command
from repro.project import Project, find_project
from repro.store import FOLDER, Store

if TYPE_CHECKING:
    from repro.engines.docker import DockerEngine

T = TypeVar("T")


class Shared(Generic[T]):
    """A value, or the error instead of it, that several threads want and one makes."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._made: list[T] = []
        self._error: BaseException | None = None

    def __call__(self) -> T:
        with self._lock:
            if not self._made and self._error is None:
                try:
                    self._made.append(self._make())
                except BaseException as error:
                    self._error = error
        if self._error is not None:
            raise self._error
        return self._made[0]


@dataclass(frozen=True)
class Probe:
    """One check: its place, what it does, and what it means when it takes too long."""

    topic: str
    name: str
    ask: Callable[[Scene], Iterable[Answer]]
    late: State = State.UNKNOWN
    remedy: str = "repro doctor again"


class Scene:
    """This machine, and the project that ``start`` lies in, if any."""

    def __init__(
        self, start: Path, environ: Mapping[str, str], scratch: Path, deadline: float
    ) -> None:
        self.start, self.environ = start.resolve(), environ
        self.deadline, self.patience = deadline, round(deadline - time.monotonic(), 1)
        self.project: Project | None = None
        self.trouble: ReproError | None = None
        """Why there is no project."""
        self.config_error: UsageError | None = None
        self.store: Store | None = None
        """None where it is not made yet, or cannot be opened."""
        self.store_error: ReproError | None = None
        try:
            self._find()
        except ReproError as error:
            self.trouble = error
        self.cache = self.store.cache if self.store else scratch
        """A folder to keep answers in."""
        self.uv = _uv()
        self.engine: Shared[DockerEngine] = Shared(self._engine)
        self.engine_facts: Shared[Mapping[str, Any]] = Shared(self._engine_facts)
        self.command: Shared[Command | None] = Shared(self._command)
        self.found: Shared[Found] = Shared(self._found)
        self.probe: Shared[probing.Probe | None] = Shared(self._probe)
        self.inventory: Shared[Inventory] = Shared(self._inventory)

    def _find(self) -> None:
        workspace = source.find_workspace(self.start)
        folder = find_project(self.start, workspace)
        settings = config.Config()
        try:
            settings = config.load(folder)
        except UsageError as error:
            self.config_error = error
        # not opened as commands do: that would make it
        self.project = Project(workspace, folder, settings, Store(folder / FOLDER))
        if (folder / FOLDER / "format").exists():
            try:
                self.store = Store.open(folder)
            except ReproError as error:
                self.store_error = error

    def needed(self) -> Project:
        """The project; only for checks that are not asked without one."""
        assert self.project is not None
        return self.project

    # --- the engine ---

    def _engine(self) -> DockerEngine:
        from repro.engines.docker import DockerEngine  # takes a while: only the checks wait for it

        return DockerEngine(self.environ)

    def _engine_facts(self) -> Mapping[str, Any]:
        # before the import: two threads that load the package from two ends would lock each other out
        engine = self.engine()
        from repro.engines.docker.client import explained

        with explained("telling of its machine"):
            facts: Mapping[str, Any] = engine._client.info()
        return facts

    # --- the command ---

    @property
    def command_folder(self) -> Path:
        if self.project is None:
            return self.start
        return self.project.folder / (self.project.config.working_directory or ".")

    def _command(self) -> Command | None:
        """What `repro run` would execute; None where nothing is configured."""
        if self.project is None:
            return None
        if not self.project.config.command and not (self.project.folder / "dvc.yaml").exists():
            return None
        return ingredients.command(self.project, (), self.project.folder, self.environ)[0]

    def is_pipeline(self) -> bool:
        """Whether `repro run` would run the stages of dvc.yaml."""
        try:
            command = self.command()
        except ReproError:
            return False  # the command's own check says why
        return command is not None and ingredients.is_pipeline(command)

    def _found(self) -> Found:
        """The interpreter of that command, else the one that `python` means here."""
        command = self.command()
        if command is None:
            try:
                return interpreter.find(("python",), self.command_folder, self.environ)
            except NotFound:
                return interpreter.find(("python3",), self.command_folder, self.environ)
        if not ingredients.is_pipeline(command):
            return interpreter.find(command.argv, self.command_folder, self.environ)
        project = self.needed()
        found = None
        targets = ingredients.targets(command)
        for stage in dvc_pipeline.pipeline(project.workspace, project.folder, targets):
            folder = project.workspace / stage.working_directory
            for line in stage.commands:
                found = interpreter.find(("sh", "-c", line), folder, self.environ)
                if found.path:
                    return found
        return found or Found(None, "the pipeline has no stages", False)

    def _probe(self) -> probing.Probe | None:
        found = self.found()
        if found.path is None:
            return None
        return probing.probe(found.path, self.command_folder, self.environ, self.cache)

    def known_probe(self) -> probing.Probe | None:
        """For the checks that only need it: why there is none, the command's own check says."""
        try:
            return self.probe()
        except ReproError:
            return None

    def _inventory(self) -> Inventory:
        probe = self.probe()
        return packages.inventory(probe, self.needed().workspace) if probe else Inventory(())


def _uv() -> Path | None:
    # here and not in a check's thread: sysconfig, which uv's package asks, does not bear that
    try:
        from repro.engines import uv

        return uv.executable()
    except (ImportError, FileNotFoundError):
        return None
