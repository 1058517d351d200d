"""The nouns: the conditions of one replay, and what may be varied about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Conditions:
    """What one replay is given otherwise than usual. Empty: nothing."""

    env: Mapping[str, str] = field(default_factory=dict)
    inside: str | None = None
    """The path at which the command sees the workspace."""
    hostname: str | None = None
    user: int | None = None
    """uid and gid inside."""
    home: str | None = None
    """The path of the home folder inside."""
    cpus: int | None = None
    first_process: bool = False
    """The command is process 1 of its container, with no init above it."""
    fixed_addresses: bool = False
    """Every process gets the same memory addresses in each run."""
    leftovers: Path | None = None
    """A folder of files that an earlier execution wrote, put into the workspace before this one."""
    shim: Mapping[str, Any] = field(default_factory=dict)
    """What Python interpreters are shown; the words are those of variations/shim.py."""


def together(conditions: Iterable[Conditions]) -> Conditions:
    """All of them at once; where two say something of the same thing, the later one counts."""
    merged: dict[str, Any] = {}
    for item in conditions:
        for part in fields(Conditions):
            value = getattr(item, part.name)
            if isinstance(value, Mapping):
                merged[part.name] = {**merged.get(part.name, {}), **value}
            elif value:
                merged[part.name] = value
    return Conditions(**merged)


@dataclass(frozen=True)
class Scene:
    """What is known of a replay before it starts, from which conditions are chosen."""

    env: Mapping[str, str]
    """The run's own variables: what the run has pinned itself stays as it is."""
    inside: str
    cpus: int
    """That the command sees in a control."""
    machine_cpus: int
    gpus: bool
    root: bool
    """Whether repro may give a workspace to any user."""
    movable: bool
    """Whether the environment stands without the workspace's path (no editable install)."""
    leftovers: Path | None = None
    """What the first control wrote."""
    x86: bool = True
    held: bool = False
    """Whatever can be held is held, so a variation is a release, or another value than the held one."""
    foreign: bool = False
    """The run came from elsewhere: it keeps the engine's own confinement."""


@dataclass(frozen=True)
class Held:
    """Why something is not varied, in words."""

    why: str


Choose = Callable[[Scene, int], "Conditions | Held"]
"""The conditions for the n-th attempt (from 0): other values each time where there are any."""


@dataclass(frozen=True)
class Seen:
    """What the shim reported of one replay."""

    interpreters: int = 0
    failures: tuple[str, ...] = ()
    drawn: tuple[tuple[str, str, int], ...] = ()
    """Random numbers without a seed: what was called, the file inside the workspace, the line."""
    unordered: tuple[tuple[str, str, int], ...] = ()
    """Results taken in the order in which they came, likewise."""
    loaders: int = 0
    """Data loaders that were given another number of workers."""


@dataclass(frozen=True)
class Trial:
    """One replay of a probe."""

    conditions: Conditions
    tell: Callable[[Seen], None]
    keep_written: Path | None = None
    """An empty folder, for copies of the files that the command writes."""
    limit: float | None = None
    """Seconds after which the command is ended."""


@dataclass(frozen=True)
class Variation:
    """One thing that a training should not depend on."""

    name: str
    subject: str
    """What it is, as a clause: ``the order in which Python's hashes put sets``."""
    vary: Choose
    remedy: str
    """The exact setting or line."""
    cost: str
    hold: Callable[[Scene], Conditions] | None = None
    """Makes it the same in every replay; None: it is, unless it is varied."""
    python_only: bool = False
    """Varied inside of Python interpreters: other programs see it as it is."""
