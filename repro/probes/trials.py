"""The replays of one probe: each under its conditions, none stored, the same one never twice."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro import canonical, engines, manifest, outputs, records, replaying, yardstick
from repro.bundles import carried
from repro.engines.base import Engine
from repro.errors import ReproError
from repro.manifest import Policy, Result, from_document
from repro.probes import differences
from repro.probes.nouns import Change, Kind
from repro.process import Sink
from repro.progress import Progress
from repro.project import Project
from repro.records import Replay
from repro.replaying import Options
from repro.store import Run
from repro.variations import Conditions, Seen, Trial
from repro.verifying.tasks import Outcome, Place, Task, Varied

PATIENCE = 300.0
"""Seconds that any replay gets, and ten times as long as the control took, if that is more."""


@dataclass(frozen=True)
class Tried:
    """What one replay of a probe came to."""

    result: Result | None
    reason: str
    """Why there is no result."""
    remedy: str
    seen: Seen
    passed: bool
    """It agrees with the record."""

    @property
    def finished(self) -> bool:
        return self.result is not None and self.result.outcome is manifest.Outcome.FINISHED


@dataclass
class Trials:
    """Executes them; counts them."""

    project: Project
    run: Run
    options: Options
    environ: Mapping[str, str]
    sink: Sink
    progress: Progress
    engine: Engine = field(init=False)
    count: int = 0
    loaders: int = 0
    failures: dict[str, None] = field(default_factory=dict)
    """What the shim could not change, in the order in which it said so."""
    limit: float | None = None
    place: Place | None = None
    """Where replays are made beside each other; None: nowhere."""
    jobs: int = 1
    """As many of them."""
    _made: dict[bytes, Future[Outcome]] = field(default_factory=dict)
    """By conditions."""

    def __post_init__(self) -> None:
        self.engine = engines.make(self.options.engine, self.environ)
        self._version = self.engine.version()

    @property
    def is_foreign(self) -> bool:
        """Whether the run came from elsewhere."""
        return carried.is_foreign(self.project.store, self.run.id)

    @property
    def policy(self) -> Policy:
        return yardstick.policy_now(self.project, self.run.manifest)

    def take(self, what: str, conditions: Conditions, keep: Path | None = None) -> Tried:
        """One replay, with none beside it. Raises Interrupted, EngineError."""
        wait(self._made.values())
        self.count += 1
        self.progress.step(f"replay {self.count}: {what}")
        seen: list[Seen] = []
        trial = Trial(conditions, seen.append, keep, self.limit)
        options = replace(self.options, trial=trial, control=False, keep=False)
        done = replaying.attempt(
            self.project, self.run, options, self.environ, self.engine, self._version, self.sink
        )
        return self._tried(done, seen[0] if seen else Seen())

    def foresee(self, wanted: Sequence[tuple[str, Conditions]]) -> None:
        """Begin these replays beside each other, as far as there is room: the first one in any case."""
        if self.place is None:
            return
        for number, (what, conditions) in enumerate(wanted):
            key = _key(conditions)
            busy = sum(not item.done() for item in self._made.values())
            if key in self._made or (number and busy >= self.jobs):
                continue
            self.count += 1
            self.progress.step(f"replay {self.count}{', ahead' * bool(number)}: {what}")
            varied = Varied.of(conditions, self.limit)
            task = Task(str(self.project.folder), self.run.id, what, self.options, varied)
            self._made[key] = self.place.submit(task)

    def foreseen(self, what: str, conditions: Conditions) -> Tried:
        """One replay: that which was begun under these conditions, once, or a new one."""
        made = self._made.pop(_key(conditions), None)
        outcome = made.result() if made else Outcome()
        if not outcome.record:
            return self.take(what, conditions)  # which says what is wrong, if it is still
        done = records.of(outcome.record.encode("utf-8"), self.run.id, "of a probe")
        seen = from_document(Seen, outcome.seen, "what a probe saw") if outcome.seen else Seen()
        return self._tried(done, seen)

    def _tried(self, done: Replay, said: Seen) -> Tried:
        reason = done.comparison.reasons[0] if done.result is None else ""
        self.loaders = max(self.loaders, said.loaders)
        self.failures |= dict.fromkeys(said.failures)
        return Tried(
            done.result,
            reason,
            done.comparison.next_step,
            said,
            done.comparison.verdict.passed,
        )

    def changes(
        self, a: Result, b: Result, leave_out: Collection[tuple[Kind, str]] = ()
    ) -> tuple[Change, ...]:
        """What came out otherwise, but for what is left out."""
        read = outputs.reader(self.project.store)
        found = differences.changes(a, b, self.policy, read, leave_out)
        return tuple(
            replace(item, detail=self._last_words(b)) if item.kind is Kind.END else item
            for item in found
        )

    def _last_words(self, result: Result) -> str:
        """The last line on stderr: mostly the error that it ended with."""
        for item in result.logs:
            if item.path == "log/stderr":
                with contextlib.suppress(ReproError, OSError):
                    lines = self.project.store.read(item)[-4000:].split(b"\n")
                    text = next((line for line in reversed(lines) if line.strip()), b"")
                    return text.decode("utf-8", "replace").strip()[:200]
        return ""

    def forget(self) -> None:
        """What was begun ahead and not asked for any more."""
        wait(self._made.values())
        self._made.clear()

    def give_time(self, control: Result) -> None:
        self.limit = max(PATIENCE, 10 * (control.duration or 0.0))


def _key(conditions: Conditions) -> bytes:
    return canonical.dumps(Varied.of(conditions, None).conditions)
