"""The nouns of a verification: which runs were replayed how often, and the word for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from repro import redacting
from repro.comparison import Comparison, Verdict
from repro.replaying import Options
from repro.store import Run


@dataclass(frozen=True)
class Chosen:
    """A run to verify, and what to call it."""

    run: Run
    name: str = ""
    """That of its baseline, or the one that the user gave."""
    why: str = ""
    """Why it is verified, where the user did not name it: ``baseline``, or what changed."""

    @property
    def label(self) -> str:
        return f"{self.name} {self.run.short}".strip()


@dataclass(frozen=True)
class Request:
    """How to verify."""

    replays: int = 1
    """Of each run."""
    jobs: int = 1
    """Replays at the same time."""
    options: Options = field(default_factory=Options)
    fail_fast: bool = False
    within: float | None = None
    """Seconds; what has not ended by then is stopped, and named."""

    def of(self, run: Run) -> Options:
        """How to replay this one: a value that was redacted in another is not given to it."""
        env = redacting.meant_for(run.manifest.definition, self.options.env)
        return replace(self.options, env=env)


class State(str, Enum):
    """How far a run got."""

    DONE = "done"
    PARTLY = "partly"
    """Some of the replays that were asked for; what they say stands."""
    NOT_REACHED = "not reached"
    """None of them: nothing is known of the run."""


@dataclass(frozen=True)
class Played:
    """One replay, compared with the record."""

    number: int
    """From 1."""
    comparison: Comparison
    id: str = ""
    """Of the replay's record; empty where none was stored."""
    seconds: float = 0.0
    """From its beginning to its end, building included."""
    reused: bool = True
    """The environment was known."""
    host: str = ""
    """Name of the machine that made it; empty: this one."""


@dataclass(frozen=True)
class Pair:
    """Two replays of one run, compared with each other; ``a`` and ``b`` are their numbers."""

    a: int
    b: int
    comparison: Comparison


@dataclass(frozen=True)
class Verified:
    """One run and what became of it. ``verdict`` is the worst that any comparison ended in."""

    chosen: Chosen
    asked: int
    verdict: Verdict | None
    """None: not reached."""
    reasons: tuple[str, ...]
    replays: tuple[Played, ...] = ()
    pairs: tuple[Pair, ...] = ()
    diagnosis: str = ""
    """What the replays, compared with each other, say of the cause."""
    next_step: str = ""

    @property
    def state(self) -> State:
        if not self.replays:
            return State.NOT_REACHED
        return State.DONE if len(self.replays) == self.asked else State.PARTLY

    @property
    def passed(self) -> bool:
        """Whether all that was asked for was done, and came out well."""
        return self.state is State.DONE and bool(self.verdict and self.verdict.passed)

    @property
    def values(self) -> int:
        """Metrics and outputs that were compared with the record, over all replays."""
        return sum(
            item.comparison.metrics_compared + item.comparison.outputs_compared
            for item in self.replays
        )

    @property
    def worst(self) -> Comparison | None:
        """The comparison that the verdict rests on; with the record rather than between two replays."""
        found = [item.comparison for item in self.replays]
        found += [item.comparison for item in self.pairs]
        return next((item for item in found if item.verdict is self.verdict), None)


@dataclass(frozen=True)
class Caught:
    """A change that turned a run red."""

    change: str
    """``params.json: rate 0.25 -> 0.375``."""
    verdict: str


@dataclass(frozen=True)
class SelfTest:
    """Whether a run turns red where something of it is changed."""

    chosen: Chosen
    caught: tuple[Caught, ...] = ()
    missed: tuple[str, ...] = ()
    """Changes after which it was green as before."""
    error: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.caught) and not self.error


@dataclass(frozen=True)
class Verification:
    """All runs that were to be verified."""

    runs: tuple[Verified, ...]
    seconds: float
    stopped: str = ""
    """Why not everything was done: the time was up, the first red, an interrupt."""
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    self_tests: tuple[SelfTest, ...] = ()
    """One per run, where they were asked for."""
    unaffected: bool = False
    """There are runs, and none of them can be affected by what changed: nothing had to be done."""

    @property
    def values(self) -> int:
        return sum(item.values for item in self.runs)

    @property
    def exit_code(self) -> int:
        """0: all passed. 1: one is different, or a self-test did not turn red. 3: one failed, could not be
        replayed, or was not reached."""
        if self.interrupted:
            return 130
        if any(item.verdict is Verdict.DIFFERENT for item in self.runs):
            return 1
        if any(not item.passed for item in self.self_tests):
            return 1
        if self.unaffected:
            return 0
        return 0 if self.runs and all(item.passed for item in self.runs) else 3
