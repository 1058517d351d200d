"""Times two things side by side, and what becomes of the figures: rows with a median and its range."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Timer = Callable[[], float]
"""Does the thing once; the seconds it took."""


@dataclass(frozen=True)
class Row:
    """One line of the table. ``value`` is what a target is set for: a difference, a ratio, a figure."""

    what: str
    ours: float | None
    """Median, in ``unit``."""
    comparator: str
    theirs: float | None
    kind: str
    """``over``: ours minus theirs; ``ratio``: ours by theirs; ``figure``: ours alone."""
    value: float
    low: float
    high: float
    target: float | None = None
    """At most this; None: nothing was promised."""
    unit: str = "s"
    at_least: bool = False
    """The target is a lower bound instead."""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def over(
    what: str,
    ours: Sequence[float],
    comparator: str,
    theirs: Sequence[float],
    target: float | None = None,
) -> Row:
    """What ours costs more, pair by pair."""
    return _compared(what, ours, comparator, theirs, "over", target)


def ratio(
    what: str,
    ours: Sequence[float],
    comparator: str,
    theirs: Sequence[float],
    target: float | None = None,
    unit: str = "s",
) -> Row:
    """How many times the other, pair by pair."""
    return _compared(what, ours, comparator, theirs, "ratio", target, unit)


def faster(
    what: str, ours: Sequence[float], comparator: str, theirs: Sequence[float], target: float | None
) -> Row:
    """How many times faster than the other, pair by pair; the target is a lower bound."""
    values = [b / a for a, b in zip(ours, theirs)]
    return Row(
        what,
        statistics.median(ours),
        comparator,
        statistics.median(theirs),
        "faster",
        statistics.median(values),
        min(values),
        max(values),
        target,
        at_least=True,
        samples={"ours": list(ours), "theirs": list(theirs)},
    )


def figure(
    what: str, ours: Sequence[float], target: float | None = None, unit: str = "s", note: str = ""
) -> Row:
    """A figure by itself."""
    middle = statistics.median(ours)
    return Row(
        what,
        middle,
        note,
        None,
        "figure",
        middle,
        min(ours),
        max(ours),
        target,
        unit,
        samples={"ours": list(ours)},
    )


def _compared(
    what: str,
    ours: Sequence[float],
    comparator: str,
    theirs: Sequence[float],
    kind: str,
    target: float | None,
    unit: str = "s",
) -> Row:
    values = [a - b if kind == "over" else a / b for a, b in zip(ours, theirs)]
    return Row(
        what,
        statistics.median(ours),
        comparator,
        statistics.median(theirs),
        kind,
        statistics.median(values),
        min(values),
        max(values),
        target,
        unit,
        samples={"ours": list(ours), "theirs": list(theirs)},
    )


def rounds(count: int, *timers: Timer) -> list[list[float]]:
    """Each timer's figures, one per round: A B, B A, A B, … so that none always follows the other."""
    found: list[list[float]] = [[] for _ in timers]
    for number in range(count):
        order = range(len(timers))
        for at in order if number % 2 == 0 else reversed(order):
            found[at].append(timers[at]())
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def command(*argv: str | Path, cwd: Path, env: Mapping[str, str]) -> Timer:
    """A timer of a command."""
    return lambda: seconds(*argv, cwd=cwd, env=env)


def seconds(*argv: str | Path, cwd: Path, env: Mapping[str, str]) -> float:
    """Wall time of a command that must end well; its output goes nowhere."""
    start = time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        words = " ".join(os.fspath(word) for word in argv)
        raise SystemExit(f"{words} ended with {done.returncode}:\n{said[-2000:]}")
    return took
