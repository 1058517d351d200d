"""One replay to be made by somebody else, and what they send back: plain documents, as they cross processes
and machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from repro import bugs
from repro.manifest import from_document
from repro.replaying import Options
from repro.variations import Conditions, Seen, Trial


@dataclass(frozen=True)
class Varied:
    """The conditions of one replay of a probe, as they cross to another process of this machine."""

    conditions: dict[str, Any]
    limit: float | None = None
    """Seconds."""

    @classmethod
    def of(cls, conditions: Conditions, limit: float | None) -> Varied:
        leftovers = conditions.leftovers and os.fspath(conditions.leftovers)
        return cls({**asdict(conditions), "leftovers": leftovers}, limit)

    def trial(self, tell: Callable[[Seen], None]) -> Trial:
        """What a replay takes; ``tell`` hears what its shim saw."""
        leftovers = self.conditions["leftovers"]
        known = {**self.conditions, "leftovers": Path(leftovers) if leftovers else None}
        return Trial(Conditions(**known), tell, None, self.limit)


@dataclass(frozen=True)
class Task:
    """Replay this run of that project."""

    project: str
    """Its folder, absolute."""
    run: str
    """The whole id."""
    label: str
    options: Options
    varied: Varied | None = None
    """Of a probe: under conditions that differ from the usual; nothing of it is stored."""

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, document: Any) -> Task:
        return from_document(cls, document, "a task")


@dataclass(frozen=True)
class Outcome:
    """A replay's record, or why there is none."""

    replay: str = ""
    """Id of the record in the run's store; empty where nothing was stored."""
    error: str = ""
    hint: str = ""
    seconds: float = 0.0
    mutated: str = ""
    """What was changed for a self-test; then nothing is stored, and the verdict stands here."""
    verdict: str = ""
    said: str = ""
    """The first reason of that verdict."""
    record: str = ""
    """Its record, for who does not take that verdict on trust, or where nothing is stored."""
    seen: Any = None
    """What a probe's shim reported."""
    comparison: Any = None
    """The document of a comparison that is not with the record."""
    host: str = ""
    """Name of the machine that made it; empty: this one."""
    traceback: str = ""
    """Of a bug in repro: the file that it is kept in, on the machine that met it."""

    @classmethod
    def of_bug(cls, error: Exception, secrets: Iterable[str] = (), seconds: float = 0.0) -> Outcome:
        """What stands for a replay that nobody knew how to bring to an end. Keeps the traceback."""
        if refused := bugs.refusal(error):
            return cls(error=refused[0], hint=refused[1], seconds=seconds)
        path = bugs.kept(error, secrets)
        where = str(path or "")
        return cls("", bugs.said(error, secrets), bugs.hint(path), seconds, traceback=where)


class Place(Protocol):
    """Where replays are made: processes of this machine, or a scheduler's workers."""

    def submit(self, task: Task) -> Future[Outcome]:
        """Begin, or queue it. The future yields an Outcome, whatever becomes of the replay; it is
        cancelled, or yields one with an error, once ``cancel`` was called."""

    def cancel(self) -> None:
        """Stop what is at work, and clear up after it; returns when that is done."""


Say = Callable[[str, str], None]
"""Takes a task's label and what is being done for it."""
