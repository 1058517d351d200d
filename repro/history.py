"""All replays of one run over time: does it still reproduce, since when not, and what changed then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from repro import records
from repro.comparison import Circumstance
from repro.comparison.circumstances import compare_hosts
from repro.manifest import Finding, Outcome, Tolerance
from repro.project import Project
from repro.records import Replay
from repro.store import Run

_NOT_SET = "exact"


class Standing(str, Enum):
    """What the replays, taken together, say of the run now."""

    REPRODUCES = "reproduces"
    """The newest replay that counts passed."""
    BROKEN = "no longer reproduces"
    """It did once, and the newest replay did not."""
    NEVER = "never reproduced"
    UNKNOWN = "not replayed"


@dataclass(frozen=True)
class Entry:
    """One replay."""

    replay: Replay
    changed: tuple[Circumstance, ...] = ()
    """What differs around it from the replay before it."""

    @property
    def created(self) -> str:
        """When its record was stored: UTC, ISO 8601."""
        return str(self.replay.created)

    @property
    def other_source(self) -> bool:
        """Whether it executed the source of its time, not the recorded one."""
        return self.replay.manifest is not None

    @property
    def is_beginning(self) -> bool:
        """Whether only the first steps of its series were compared."""
        result, reasons = self.replay.result, self.replay.comparison.reasons
        stopped = result is not None and result.outcome is Outcome.INTERRUPTED
        # one that ended before it was stopped is told by its reason alone
        return stopped or any(re.match(r"the first \d+ step", reason) for reason in reasons)

    @property
    def counts(self) -> bool:
        """Whether it says something of the run as a whole: a beginning that agrees does not, nor does what
        another source yielded."""
        return not self.other_source and not (self.passed and self.is_beginning)

    @property
    def passed(self) -> bool:
        return self.replay.comparison.verdict.passed

    @property
    def values(self) -> int:
        """Metrics and outputs that were compared with the record."""
        comparison = self.replay.comparison
        return comparison.metrics_compared + comparison.outputs_compared


@dataclass(frozen=True)
class Turn:
    """The last replay that passed, and the first after it that did not."""

    passed: Entry
    failed: Entry
    changed: tuple[Circumstance, ...]
    """What differs around these two, the likeliest cause first."""
    new: tuple[Finding, ...] = ()
    """What was remarkable on the way to the second one, and not to the first."""


@dataclass(frozen=True)
class History:
    run: Run
    names: tuple[str, ...]
    entries: tuple[Entry, ...]
    """The oldest first."""
    standing: Standing
    turn: Turn | None
    """Where it no longer reproduces."""
    turns: int
    """How often a replay came out other than the one before it, passed or not."""
    damaged: tuple[str, ...]
    """Records that cannot be read: what they said is not in here."""


def of(project: Project, run: Run) -> History:
    """The history of a run, from the records of its replays in the store."""
    found, damaged = records.by_age(project.store, run.id)
    shown = _entries(found)
    entries = tuple(item for item in shown if item.counts)
    names = sorted(name for name, meant in project.store.names().items() if meant == run.id)
    turns = sum(a.passed is not b.passed for a, b in pairwise(entries))
    standing = _standing(entries)
    turn = _turn(entries) if standing is Standing.BROKEN else None
    return History(run, tuple(names), shown, standing, turn, turns, tuple(damaged))


def _entries(found: Sequence[Replay]) -> tuple[Entry, ...]:
    before: list[Replay | None] = [None, *found]
    return tuple(
        Entry(replay, changed(earlier, replay) if earlier else ())
        for replay, earlier in zip(found, before)
    )


def _standing(entries: Sequence[Entry]) -> Standing:
    if not entries:
        return Standing.UNKNOWN
    if entries[-1].passed:
        return Standing.REPRODUCES
    return Standing.BROKEN if any(item.passed for item in entries) else Standing.NEVER


def _turn(entries: Sequence[Entry]) -> Turn:
    last = max(at for at, item in enumerate(entries) if item.passed)
    passed, failed = entries[last], entries[last + 1]
    known = {(item.subject, item.message) for item in passed.replay.findings}
    new = tuple(
        item for item in failed.replay.findings if (item.subject, item.message) not in known
    )
    return Turn(passed, failed, changed(passed.replay, failed.replay), new)


def changed(a: Replay, b: Replay) -> tuple[Circumstance, ...]:
    """What differs around two replays of one run: the machine and its settings, the way it was replayed,
    the tolerances that it was held to. Of one that was not executed only the latter two are known."""
    found: list[Circumstance] = []
    if a.result and b.result:
        found += compare_hosts(a.result.host, b.result.host, unknown=False)
    else:
        if a.engine != b.engine:
            found.append(Circumstance("engine", a.engine, b.engine))
        if a.isolation != b.isolation:
            found.append(Circumstance("isolation", a.isolation, b.isolation))
    if a.reused and not b.reused and b.result:
        found.append(Circumstance("environment", "known", "built again"))
    return (*found, *_tolerances(a, b))


def _tolerances(a: Replay, b: Replay) -> Iterator[Circumstance]:
    """Those of metrics that both have."""
    before, after = (
        {(item.source, item.name): item.tolerance for item in replay.comparison.metrics}
        for replay in (a, b)
    )
    seen = set()
    for key in sorted(before.keys() & after.keys()):
        one, other = _words(before[key]), _words(after[key])
        if one != other:
            name = f"tolerance of {key[1]}"
            if name not in seen:
                yield Circumstance(name, one, other)
            seen.add(name)


def _words(tolerance: Tolerance | None) -> str:
    if tolerance is None:
        return _NOT_SET
    if tolerance.ignore:
        return "ignored"
    return f"absolute {tolerance.absolute!r}, relative {tolerance.relative!r}"
