"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """What was seen, and what to do about it."""

    state: State
    seen: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """An answer in its place. A check that saw several things is several of these, under one name."""

    topic: str
    name: str
    state: State
    seen: str
    remedy: str = ""

    @classmethod
    def of(cls, topic: str, name: str, answer: Answer) -> Check:
        return cls(topic, name, answer.state, answer.seen, answer.remedy)


def ok(seen: str) -> Answer:
    return Answer(State.OK, seen)


def warning(seen: str, remedy: str) -> Answer:
    return Answer(State.WARNING, seen, remedy)


def problem(seen: str, remedy: str) -> Answer:
    return Answer(State.PROBLEM, seen, remedy)


def unknown(seen: str, remedy: str = "") -> Answer:
    return Answer(State.UNKNOWN, seen, remedy)


def listed(names: list[str] | tuple[str, ...], most: int = 4) -> str:
    """``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def bytes_text(count: int) -> str:
    """Bytes for a person."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
