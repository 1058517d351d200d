"""Looks at a project and proposes a repro.yaml: what was found is set, the rest stands there as an
example. Nothing is written here."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro import plain_yaml
from repro.initialising_entry import Entry
from repro.initialising_keys import KEYS
from repro.initialising_run import learned
from repro.initialising_survey import project_at, survey
from repro.manifest import Manifest
from repro.project import Project

__all__ = ["Entry", "Proposal", "project_at", "propose", "render"]

LINE = 92
"""Columns of a comment."""
HEAD = (
    "What repro cannot see by itself. Every key may be left out; all of them are in specs/config.md. "
    "Options of the command line win over this file, and this file over what repro finds."
)
HINT = (
    "Written by `repro init`. Lines that begin with # and no blank are examples: take the # away."
)


@dataclass(frozen=True)
class Proposal:
    """A repro.yaml that could be written into ``folder``."""

    folder: Path
    entries: tuple[Entry, ...]
    next: tuple[str, ...]
    """The command to go on with."""


def propose(project: Project, run: Manifest | None = None) -> Proposal:
    """What a repro.yaml of this project could say, key by key; ``run``: with what a run has shown."""
    look = survey(project)
    entries = tuple(replace(make(look), key=key) for key, make in KEYS.items())
    entries = learned(entries, run) if run else entries
    by_key = {entry.key: entry for entry in entries}
    ready = by_key["command"].set or bool(look.stages)
    example = by_key["command"].value
    command = shlex.split(example) if isinstance(example, str) else list(example)
    return Proposal(project.folder, entries, ("repro", "run", *([] if ready else ["--", *command])))


def render(proposal: Proposal) -> str:
    """The repro.yaml, with its comments."""
    blocks = ["\n".join([*_comment(HEAD), *_comment(HINT)])]
    blocks += ["\n".join(_entry(entry)) for entry in proposal.entries]
    return "\n\n".join(blocks) + "\n"


def _entry(entry: Entry) -> Iterable[str]:
    yield from _comment(entry.why)
    if entry.seen:
        yield from _comment(f"Found: {entry.seen}.")
    mark = "" if entry.set else "#"
    for line in _assignment(entry):
        yield mark + line


def _comment(text: str) -> Iterable[str]:
    lines = textwrap.wrap(
        plain_yaml.comment(text), LINE, break_long_words=False, break_on_hyphens=False
    )
    return [f"# {line}" for line in lines]


def _assignment(entry: Entry) -> Iterable[str]:
    match entry.value:
        case str():
            # network's is a truth value; what else stands here is text
            plain = entry.key == "network"
            yield f"{entry.key}: {entry.value if plain else plain_yaml.scalar(entry.value)}"
        case tuple() if entry.set:
            yield f"{entry.key}:"
            yield from (f"  - {plain_yaml.scalar(item)}" for item in entry.value)
        case tuple():
            yield f"{entry.key}: [{', '.join(map(plain_yaml.scalar, entry.value))}]"
        case Mapping():
            yield f"{entry.key}:"
            yield from (f"  {name}: {value}" for name, value in entry.value.items())
