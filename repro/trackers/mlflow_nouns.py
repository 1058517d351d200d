"""A run as one of MLflow's stores holds it, before its metrics get their names."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.manifest import Scalar
from repro.trackers.nouns import TrackedRun
from repro.trackers.series import Point

STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
"""MLflow's numbers for them, as the file store writes them."""
MOST_RUNS = 1000
"""Runs that one command may begin; a sweep with more is refused rather than read for hours."""


@dataclass(frozen=True)
class Logged:
    """A run, and its points by key in the order of step and time."""

    run: TrackedRun
    points: dict[str, list[Point]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.run.name


def is_within(start: int, since: float | None, until: float | None) -> bool:
    """Whether a start, in whole milliseconds, lies between the two times, in seconds."""
    return (since is None or start >= int(since * 1000)) and (
        until is None or start <= int(until * 1000) + 1
    )


def too_many(count: int) -> ValueError:
    """The error for more runs than are read."""
    return ValueError(f"{count} runs began during the command, at most {MOST_RUNS} are read")


def value_of(value: object) -> Scalar:
    """A metric's value: always a float; JSON servers write what is none as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"a metric has the value {value!r:.40}")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a metric has the value {value!r:.40}") from error


def step_of(value: object) -> int:
    """A metric's step, as a number or as its text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"a metric has the step {value!r:.40}")
    try:
        return int(value)
    except ValueError as error:
        raise ValueError(f"a metric has the step {value!r:.40}") from error
