"""What the asker and a cluster's workers say to each other, and an answer brought into the asker's store.

A worker is another machine: what it sends is looked at before it counts. The record and every blob have to
have the digest by which they are named, the record has to be one of that run, and the comparison is made
anew here, with the tolerances that the project has here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from repro import canonical, manifest, outputs, printed, records, yardstick
from repro.comparison import Verdict
from repro.errors import Corrupt, ReproError
from repro.manifest import Descriptor, Policy, Result, from_document
from repro.project import Project
from repro.records import Replay
from repro.store import Run
from repro.verifying.tasks import Outcome, Task

CAP = 64 * 1000**2
"""Bytes that go through Dask in one piece, either way. What is larger belongs into a shared place."""


@dataclass(frozen=True)
class Request:
    """What a worker is given: the replay to make, and where its run can be had."""

    version: str
    """Of the asker's repro."""
    token: str
    """Name of the asker's session: a worker that sees it held sees the same store."""
    key: str
    """Dask's name for it."""
    task: Task
    via: str = ""
    """What `repro pull` takes; empty: only through Dask."""
    digest: str = ""
    """Of the bundle that lies there."""

    @property
    def topic(self) -> str:
        """Under which the worker tells what it does."""
        return topic(self.token)

    @classmethod
    def of(cls, document: Any) -> Request:
        return from_document(cls, document, "a request")


def topic(token: str) -> str:
    return f"repro-{token}"


def is_compatible(one: str, other: str) -> bool:
    """Whether two versions of repro read logs and compare alike: major and minor are the same."""
    return one.split(".")[:2] == other.split(".")[:2]


class Kind(str, Enum):
    OUTCOME = "outcome"
    UNFIT = "unfit"
    """Another worker has to make it."""
    ABSENT = "absent"
    """The run is not there, and there is no place to take it from."""


class Unfit(Exception):
    """Another worker has to make it. ``wholly``: this one can make none."""

    def __init__(self, reason: str, *, wholly: bool) -> None:
        super().__init__(reason)
        self.wholly = wholly


@dataclass(frozen=True)
class Answer:
    """What a worker says. Bytes travel as they are."""

    kind: Kind
    worker: str
    """Its address, as Dask has it."""
    host: str
    reason: str = ""
    wholly: bool = False
    """Of one that is unfit: for all replays, not only for this one."""
    outcome: Outcome | None = None
    record: bytes = b""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """By digest: what the record names and a comparison reads."""
    shared: bool = False
    """Made in the asker's own store, where record and blobs lie already."""

    @classmethod
    def of(cls, document: Any) -> Answer:
        return from_document(cls, document, "a worker's answer")


# --- what goes along: on the worker ----------------------------------------------------------


def wanted(result: Result | None) -> tuple[Descriptor, ...]:
    """The blobs that a comparison cannot do without: the log, out of which metrics are read."""
    return tuple(result.logs) if result else ()


def welcome(result: Result | None) -> Iterator[Descriptor]:
    """Those that let a report say where two outputs differ."""
    for item in result.outputs if result else ():
        is_text = item.media_type.startswith(outputs.TYPES) and item.link is None
        if is_text and item.size <= outputs.CAP:
            yield item


# --- taken in: at the asker ------------------------------------------------------------------


def taken(project: Project, run: Run, task: Task, answer: Answer) -> Outcome:
    """The outcome, its record in the asker's store. Raises Corrupt where the answer is not sound."""
    outcome = answer.outcome
    if outcome is None:
        raise Corrupt("it names no outcome")
    if outcome.comparison:
        raise Corrupt("it has a comparison that nobody has asked for")
    if task.options.mutation is not None:
        return _changed(project, run, task, answer, outcome)
    if not outcome.replay:
        return replace(outcome, host=answer.host)
    if manifest.run_id(answer.record) != outcome.replay:
        raise Corrupt("the replay's record has another digest than its name")
    found = records.of(answer.record, run.id, outcome.replay)
    _demand_sound(found, task)
    _take_blobs(project, found.result, answer.blobs)
    anew = _compared(project, run, task, found)
    if answer.shared and anew.comparison.verdict is found.comparison.verdict:
        # the worker wrote it to the same disk; on a network's one it may not have shown up here yet
        project.store.add_replay(run.id, answer.record)
        return replace(outcome, host=answer.host)
    return replace(outcome, replay=records.store_replay(project.store, anew).id, host=answer.host)


def _changed(project: Project, run: Run, task: Task, answer: Answer, outcome: Outcome) -> Outcome:
    """That of a replay with something changed: nothing is stored, and the verdict is made here too."""
    if outcome.replay:
        raise Corrupt("it names a record where none is to be stored")
    if outcome.error or not outcome.mutated:
        return replace(outcome, host=answer.host)
    found = records.of(answer.record, run.id, "of a self-test")
    _demand_sound(found, task)
    _take_blobs(project, found.result, answer.blobs)
    said = _compared(project, run, task, found).comparison
    return replace(
        outcome, verdict=said.verdict.value, said=said.reasons[0], record="", host=answer.host
    )


def _demand_sound(found: Replay, task: Task) -> None:
    """That it is a replay of this run as it was asked for."""
    if found.engine != task.options.engine:
        raise Corrupt(f"it was replayed by the engine {found.engine!r}")
    if found.manifest:
        raise Corrupt("it was executed with another source")
    if found.result is None:
        if found.comparison.verdict is not Verdict.UNREPLAYABLE:
            raise Corrupt(f"its record says {found.comparison.verdict.value!r} without a result")
        return
    if not found.result.observed:
        raise Corrupt("its result was not observed")
    if found.result.host.isolation != found.isolation:
        raise Corrupt("its record and its result name different isolation")


def _take_blobs(project: Project, result: Result | None, blobs: Mapping[str, bytes]) -> None:
    named = {item.digest for item in (*wanted(result), *welcome(result))}
    for digest, content in blobs.items():
        if digest not in named or canonical.digest_bytes(content) != digest:
            raise Corrupt("a blob is not one that its record names")
        project.store.put_bytes(content, "replay")
    for item in wanted(result):
        if not project.store.has(item.digest):
            raise Corrupt(f"its {item.path} is missing")
        project.store.verified(item)


def _compared(project: Project, run: Run, task: Task, found: Replay) -> Replay:
    """Compared with the record once more: by this repro, with this project's rules."""
    if found.result is None:
        return found
    store = project.store
    policy: Policy = yardstick.policy_now(project, run.manifest)
    how = printed.rules(policy)
    recorded = printed.taken_in(store, run.manifest.result, how)
    result = printed.taken_in(store, found.result, how)
    steps = task.options.steps
    comparison = yardstick.compared(recorded, result, policy, steps, outputs.reader(store))
    return replace(found, result=result, comparison=comparison)


def refused(answer: Answer, error: ReproError) -> Outcome:
    """What stands for an answer that is not sound."""
    return Outcome(
        error=f"the answer of the worker {answer.worker} on {answer.host} was not taken: {error}",
        hint="look at that worker: its repro, its disk",
        host=answer.host,
    )
