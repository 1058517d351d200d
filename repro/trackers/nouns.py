"""What every tracker's reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.manifest import Metric, SourceState

MOST_POINTS = 5_000_000
"""Values of one place; a larger history is refused rather than read for minutes into memory."""


@dataclass(frozen=True)
class Found:
    """What became of one place: its state, what has to be said of it, and its metrics."""

    state: SourceState
    detail: str = ""
    metrics: tuple[Metric, ...] = ()
    runs: tuple[str, ...] = ()
    """Their ids, where the tracker has such."""


@dataclass(frozen=True)
class TrackedRun:
    """One run of a tracker, as its store knows it."""

    id: str
    name: str
    """Given, or made up by the tracker; empty where it has none."""
    started: float
    """Seconds since the epoch."""
    status: str
    """In the tracker's words: ``FINISHED``, ``FAILED``, ``RUNNING``, …"""
    metrics: tuple[Metric, ...] = ()
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
