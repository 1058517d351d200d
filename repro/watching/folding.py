"""What of the seen is an input or an output worth recording? Pure: looks at names only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from repro.watching.nouns import Access, Seen
from repro.watching.places import (
    HOME_NOISE,
    PSEUDO,
    SHARED_LIBRARY,
    SKIPPED_INSIDE,
    SYSTEM,
    within,
)

_CACHED = re.compile(r"(.*/)__pycache__/([^/]+?)\.[a-z]+-?[0-9]+(?:\.opt-\w+)?\.pyc$", re.DOTALL)
_INSTALLED = re.compile(r"\.(?:dist|egg)-info/|/conda-meta/")
_PACKAGES = re.compile(
    r"/(?:site-packages|dist-packages|conda-meta|node_modules|lib/python[23]\.\d+)/"
)
_OWNER = re.compile(r"(.*?)/lib(?:64)?/(?:python|pypy)3\.\d+/site-packages/", re.DOTALL)
_ENVIRONMENT = re.compile(r"(?:bin|lib|lib64|include|share|etc|conda-meta)/|pyvenv\.cfg$")
"""What of a folder is an environment, where the workspace lies in that folder too."""


@dataclass(frozen=True)
class Scene:
    """What lies where. Every path absolute and real, folders without a slash at their end."""

    workspace: str
    """The git work tree."""
    interpreters: tuple[str, ...]
    """Prefixes: sys.prefix, base_prefix, site-packages folders, the user's site."""
    home: str
    temporary: tuple[str, ...]
    ours: tuple[str, ...]
    """The store and the session's folder: no part of the run."""
    caches: tuple[str, ...] = ()
    """Folders for data of libraries that variables name, beside the home folder."""
    known: tuple[str, ...] = ()
    """Caches whose content is recorded by other means: DVC's, which links lead into."""


@dataclass(frozen=True)
class Folded:
    """Sorted. ``inside`` relative to the workspace, all others absolute."""

    inside: tuple[str, ...] = ()
    """Read first; without version control, caches of bytecode and environments."""
    outside: tuple[str, ...] = ()
    """Read first, no part of the interpreter, its packages or the system, not below home."""
    home: tuple[str, ...] = ()
    """The same below home: data that libraries keep there."""
    written_outside: tuple[str, ...] = ()
    written_home: tuple[str, ...] = ()
    written_environment: tuple[str, ...] = ()
    """Into the interpreter's own folders and its packages'."""
    installed: tuple[str, ...] = ()
    """Written, and part of what packages are known by: the run changed its own environment."""
    appended: tuple[str, ...] = ()
    """Inside, and only ever appended to. Not those that were read first: they are inputs."""
    modules: tuple[str, ...] = ()
    """Those of ``outside`` and ``home`` that are Python's source."""
    environments: tuple[str, ...] = ()
    """Relative: environments in the workspace whose packages were touched, beside the interpreter's own."""


class Place(Enum):
    NOWHERE = 0
    """Nothing to record: ours, the kernel's, or recorded by other means."""
    INSIDE = 1
    OUTSIDE = 2
    HOME = 3
    TEMPORARY = 4
    ENVIRONMENT = 5
    SYSTEM = 6
    CACHE = 7
    """As home, though elsewhere: a variable names it."""


def fold(seen: Seen, scene: Scene) -> Folded:
    """Inputs are what was read before it was written. Python's bytecode stands for its source."""
    made = {access.path for access in seen.accesses if access.first == "write"}
    read: dict[Place, set[str]] = {place: set() for place in Place}
    written: dict[Place, set[str]] = {place: set() for place in Place}
    others: set[str] = set()
    for access in seen.accesses:
        path = source_of(access.path)
        place = place_of(path, scene)
        if _is_input(access, place) and path not in made:
            read[place].add(path)
        if access.written and path == access.path:
            written[place].add(path)
        if place is Place.ENVIRONMENT and (owner := _other(path, scene)):
            others.add(owner)
    cut = len(scene.workspace.rstrip("/")) + 1
    elsewhere = read[Place.OUTSIDE] | read[Place.TEMPORARY] | read[Place.CACHE]
    return Folded(
        inside=tuple(sorted(path[cut:] for path in read[Place.INSIDE])),
        outside=tuple(sorted(elsewhere)),
        home=tuple(sorted(read[Place.HOME])),
        written_outside=tuple(sorted(written[Place.OUTSIDE] | written[Place.SYSTEM])),
        written_environment=tuple(sorted(written[Place.ENVIRONMENT])),
        installed=tuple(sorted(filter(_INSTALLED.search, written[Place.ENVIRONMENT]))),
        written_home=tuple(sorted(written[Place.HOME] | written[Place.CACHE])),
        appended=tuple(
            sorted(
                access.path[cut:]
                for access in seen.accesses
                if access.appended
                and access.first == "write"
                and place_of(access.path, scene) is Place.INSIDE
            )
        ),
        modules=tuple(
            sorted(path for path in elsewhere | read[Place.HOME] if path.endswith(".py"))
        ),
        environments=tuple(sorted(path[cut:] for path in others)),
    )


def _other(path: str, scene: Scene) -> str:
    """The environment in the workspace that the path is a package's of, where it is not the interpreter's."""
    if not within(path, (scene.workspace,)) or not (match := _OWNER.match(path)):
        return ""
    return "" if match[1] == scene.workspace or match[1] in scene.interpreters else match[1]


def _is_input(access: Access, place: Place) -> bool:
    # a file of passage that is read and written was, as far as one can tell, made by the run (a lock)
    passing = place in (Place.TEMPORARY, Place.CACHE)
    return access.first == "read" and not (passing and access.written)


def source_of(path: str) -> str:
    """The module that a file of bytecode was made from: an import reads the bytecode alone."""
    match = _CACHED.match(path)
    return f"{match.group(1)}{match.group(2)}.py" if match else path


def place_of(path: str, scene: Scene) -> Place:
    """Where it lies, the narrowest first."""
    if within(path, (*scene.ours, *PSEUDO, *scene.known)) or "/__pycache__/" in path:
        return Place.NOWHERE
    if _in_environment(path, scene):
        return Place.ENVIRONMENT
    if within(path, (scene.workspace,)):
        return (
            Place.NOWHERE if SKIPPED_INSIDE.search(path[len(scene.workspace) :]) else Place.INSIDE
        )
    if SHARED_LIBRARY.search(path):
        return Place.SYSTEM
    for folder in sorted((scene.home, *scene.temporary, *scene.caches), key=len, reverse=True):
        if folder in ("", "/") or not within(path, (folder,)):
            continue
        if folder in scene.caches:
            return Place.CACHE
        if folder != scene.home:
            return Place.TEMPORARY
        return Place.NOWHERE if HOME_NOISE.match(path[len(folder) :]) else Place.HOME
    return Place.SYSTEM if within(path, SYSTEM) else Place.OUTSIDE


def _in_environment(path: str, scene: Scene) -> bool:
    if _PACKAGES.search(path):
        return True
    for prefix in scene.interpreters:
        if prefix in ("", "/") or not within(path, (prefix,)):
            continue
        if not within(scene.workspace, (prefix,)):
            return True
        # an environment made in the project's own folder, or a project in the environment's
        if _ENVIRONMENT.match(path[len(prefix) + 1 :]) and not (
            scene.workspace != prefix and within(path, (scene.workspace,))
        ):
            return True
    return False
