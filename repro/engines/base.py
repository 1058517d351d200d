"""What an engine is: something that makes an environment stand and executes a command in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from repro.environment.index import PackageSources
from repro.environment.recipe import Recipe
from repro.manifest import Finding, Image
from repro.process import Execution, Sink
from repro.progress import Progress
from repro.sessions import Session


@dataclass(frozen=True)
class Ready:
    """An environment that stands: an image id, or the folder of a venv."""

    handle: str
    reused: bool
    """Known by its key, nothing was built."""
    seconds: float
    image: Image | None = None
    findings: tuple[Finding, ...] = ()
    environment: str | None = None
    """Where the Python environment lies, as the command sees it; None: the image is all of it."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What is known of the inside, by the fields of manifest.Host: distribution, libc, python, blas."""


@dataclass(frozen=True)
class CarriedImage:
    """The environment's image as it came with a run from elsewhere."""

    id: str
    """Digest of its configuration."""
    architecture: str
    """As Docker names it: ``amd64``, ``arm64``."""
    layers: tuple[str, ...]
    """The digests of its layers, unpacked, in order."""
    archive: Callable[[], Iterator[bytes]]
    """A stream in the form of `docker save`, verified on the way."""

    @staticmethod
    def name_of(id: str) -> str:
        """What an engine calls it: by its content and never by a recipe's key, so that it can stand in
        for no other run's environment."""
        return f"repro-carried:{id.removeprefix('sha256:')[:32]}"

    @property
    def name(self) -> str:
        return self.name_of(self.id)


@dataclass(frozen=True)
class Site:
    """Where a build happens: the restored source, the path it has inside, and what it may use."""

    workspace: Path
    inside: str
    session: Session
    sources: PackageSources
    carried: CarriedImage | None = None
    """The image that came with the run: taken where this machine has not built the environment itself."""


@dataclass(frozen=True)
class Job:
    """A command to execute. The workspace is a folder here and ``inside`` there."""

    argv: tuple[str, ...]
    workspace: Path
    inside: str
    """Absolute POSIX path under which the command sees the workspace."""
    session: Session
    working_directory: str = ""
    """Relative to the workspace."""
    env: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    cpus: int | None = None
    """Visible CPUs; None: all."""
    memory: int | None = None
    """Bytes; None: no limit."""
    gpus: bool = False
    uv: bool = False
    """The command calls `uv run` somewhere inside: it finds a uv that uses the environment as it is."""
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Folders and files of this machine, by the absolute path at which the command sees them."""
    home: Path | None = None
    """Its home folder; None: an empty one of its own."""
    stop: threading.Event | None = None
    """Ends it at once when it is set: what is wanted of it is there."""
    sealed: Mapping[str, Path] = field(default_factory=dict)
    """As ``mounts``, but it cannot write there."""
    as_owner: bool = False
    """Run as the owner of the workspace, even if that is root: for recording in an image."""
    hostname: str | None = None
    """None: one of the engine's own."""
    user: int | None = None
    """uid and gid inside; None: the caller's, or an unprivileged one."""
    home_inside: str | None = None
    """The path at which the command sees its home folder; None: the engine's own choice."""
    init: bool = True
    """An init process stands above the command; without, the command is process 1 itself."""
    fixed_addresses: bool = False
    """The command may switch off the randomisation of its memory addresses."""
    limit: float | None = None
    """Seconds after which it is ended; None: never."""


class Engine(Protocol):
    """Chosen by name from ``engines.ENGINES``."""

    name: str
    isolation: str
    """What stands between the command and this machine: ``container`` or ``none``."""

    def version(self) -> str:
        """For a person. Raises EngineError where the engine does not answer."""

    def place(self, workspace: Path, recorded: str) -> str:
        """The absolute POSIX path that the command sees the workspace under; ``recorded`` where it can."""

    def adopt(self, workspace: Path, user: int | None = None) -> None:
        """Make a restored workspace the command's own, before it is looked at; ``user`` as in a Job."""

    def prepare(self, recipe: Recipe, site: Site, progress: Progress) -> Ready:
        """Build the environment, or reuse it where its key is known. Raises EngineError."""

    def execute(self, ready: Ready, job: Job, sink: Sink) -> Execution:
        """Run a command in it; its containers are gone afterwards, whatever happens."""
