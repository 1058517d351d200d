"""The requirements format: what pip and uv read, and what repro's own lock is written in; and the nouns
that every other format of a lock is read into."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from repro.capturing.distributions import normalised
from repro.manifest import PackageOrigin


class Manager(str, Enum):
    """Whose packages they are: each has names and versions of its own."""

    PYTHON = "python"
    CONDA = "conda"
    R = "R"


@dataclass(frozen=True)
class Requirement:
    """One entry. ``name`` is normalised; it is empty where only a path or URL is given."""

    name: str
    text: str
    """The entry without its hashes and comments."""
    version: str | None = None
    """The exact version, when it is pinned to one."""
    hashes: tuple[str, ...] = ()
    """``sha256:…``"""
    marker: str = ""
    url: str | None = None
    editable: bool = False
    constraint: bool = False
    """From a ``-c`` file: says which version, not that it is wanted."""
    where: str = ""
    """``file:line``"""
    specifier: str = ""
    """Which versions it leaves: ``>=1,<2``; in conda's own words for conda's packages."""
    extras: tuple[str, ...] = ()
    manager: Manager = Manager.PYTHON
    origin: PackageOrigin | None = None
    """Where a lock says that it comes from; None: not said."""
    revision: str | None = None
    """The commit, of a repository."""
    build: str | None = None
    """Which build of the version, of a conda package."""
    optional: bool = False
    """Only for an extra or a group: that it is not installed says nothing."""
    group: str = ""
    """Of a dependency: the extra or group of the package that it is for; empty: always."""
    requires: tuple[Requirement, ...] = ()
    """Its own dependencies, where the lock has them."""

    def applies(self, markers: Mapping[str, str]) -> bool | None:
        """Whether its marker holds in that environment; None where this cannot be told."""
        if not self.marker:
            return True
        try:
            from packaging.markers import InvalidMarker, Marker, UndefinedComparison
            from packaging.version import InvalidVersion
        except ImportError:
            return None
        # which extras and groups were asked for is not told: all of what is optional may be there
        named = set(re.findall(r"""["']([^"']+)["'] in \w+""", self.marker))
        asked = named if self.optional else set()
        chosen: dict[str, str | set[str]] = {
            **markers, "extra": "", "extras": asked, "dependency_groups": asked,
        }  # fmt: skip
        try:
            return Marker(self.marker).evaluate(chosen)  # type: ignore[arg-type]
        except (
            InvalidMarker, InvalidVersion, UndefinedComparison, KeyError, TypeError, ValueError,
            RecursionError,
        ):  # fmt: skip
            return None


@dataclass(frozen=True)
class Requirements:
    """What a requirements file says, its includes read too; or a lock of any other format."""

    entries: tuple[Requirement, ...]
    unread: tuple[str, ...] = ()
    """Lines and included files that could not be read, each with its reason."""
    complete: bool = False
    """It names the dependencies of the dependencies too: what it does not name is not of the project."""
    roots: tuple[Requirement, ...] = ()
    """What the project itself asks for, where the format tells: the rest is needed by way of these only."""


def read(path: Path) -> Requirements:
    """A requirements file and all it includes. Raises OSError where ``path`` cannot be read."""
    unread: list[str] = []
    entries = tuple(
        _entries(path, path.read_text("utf-8-sig", "replace"), False, {path.resolve()}, unread)
    )
    return Requirements(entries, tuple(unread))


def parse(text: str) -> tuple[Requirement, ...]:
    """The entries of a text that includes nothing, such as repro's own lock."""
    return tuple(_entries(Path("requirements.lock"), text, False, set(), []))


def within(text: str, path: Path) -> Requirements:
    """The requirements that a file of another format holds; what they include counts from its folder."""
    unread: list[str] = []
    return Requirements(tuple(_entries(path, text, False, set(), unread)), tuple(unread))


def single(text: str) -> Requirement | None:
    """One requirement, as it stands in a dependency list (PEP 508); None where it names nothing."""
    found = parse(text.replace("\n", " "))
    return found[0] if len(found) == 1 and found[0].name else None


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and content of each line, continuations joined, comments and blank lines left out."""
    start, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        # a comment ends at its own line, also in the middle of a continued one
        body = re.sub(r"(^|\s)#.*$", "", line)
        if body.endswith("\\"):
            parts.append(body[:-1])
            continue
        if line.lstrip().startswith("#") and parts:
            continue
        parts.append(body)
        if joined := " ".join(part.strip() for part in parts).strip():
            yield start, joined
        start, parts = 0, []
    if joined := " ".join(part.strip() for part in parts).strip():
        yield start, joined


_OPTION = re.compile(r"(-[a-zA-Z]|--[a-z-]+)[=\s]*(.*)$")
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)$", re.DOTALL
)
_HASH = re.compile(r"\s--hash[=\s]+([a-z0-9]+:[0-9a-fA-F]+)")
_WHEEL = re.compile(r"[^#]*/[A-Za-z0-9_.]+-([^-/]+)-[^/]+\.whl(?:#.*)?$")
_PIN = re.compile(r"\(?\s*={2,3}\s*([^\s,;*)]+)\s*\)?$")


def _entries(
    path: Path, text: str, constraint: bool, seen: set[Path], unread: list[str]
) -> Iterator[Requirement]:
    for number, line in logical_lines(text):
        where = f"{path.name}:{number}"
        if not line.startswith("-"):
            yield _entry(line, where, constraint)
            continue
        match = _OPTION.match(line)
        option, value = (match.group(1), match.group(2).strip()) if match else (line, "")
        if option in ("-r", "--requirement", "-c", "--constraint"):
            included = (path.parent / os.path.expandvars(value)).resolve()
            if included in seen:
                continue
            seen.add(included)
            try:
                inner = included.read_text("utf-8-sig", "replace")
            except OSError as error:
                unread.append(f"{where}: {value} ({error.strerror})")
                continue
            yield from _entries(included, inner, constraint or "c" in option[:3], seen, unread)
        elif option in ("-e", "--editable"):
            egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", value)
            name = normalised(egg.group(1)) if egg else ""
            yield Requirement(name, line, url=value, editable=True, where=where)


def _entry(line: str, where: str, constraint: bool) -> Requirement:
    hashes = tuple(_HASH.findall(line))
    text = re.sub(r"\s--[a-z-]+[=\s]+\S+", "", line).strip()
    # in `name @ url ; marker` a semicolon in the URL itself has no blank before it
    body, _, marker = text.partition(" ;") if "@" in text else text.partition(";")
    match = _ENTRY.match(body.strip())
    named = re.match(r"[\w.-]+\s*(\[[^\]]*\])?\s*@", body.strip())
    bare = re.match(r"(\w+\+)?\w+://|[./]", body) or body.endswith((".whl", ".tar.gz"))
    if not match or (bare and not named):
        wheel = re.match(r"(?:.*/)?([A-Za-z0-9_.]+)-([^-/]+)-[^/]+\.whl$", body.strip())
        name = normalised(wheel.group(1)) if wheel else ""
        version = wheel.group(2) if wheel else None
        return Requirement(
            name,
            text,
            version,
            hashes,
            marker.strip(),
            body.strip(),
            constraint=constraint,
            where=where,
        )
    name, rest = normalised(match.group("name")), match.group("rest").strip()
    url = rest[1:].strip() if rest.startswith("@") else None
    pin = _PIN.match(rest) or _WHEEL.match(url or "")
    version = pin.group(1) if pin else None
    return Requirement(
        name,
        text,
        version,
        hashes,
        marker.strip(),
        url,
        constraint=constraint,
        where=where,
        specifier="" if url else re.sub(r"^\((.*)\)$", r"\1", rest).strip(),
        extras=_extras(match.group("extras")),
    )


def _extras(brackets: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (brackets or "").strip("[]").split(",") if item.strip())
