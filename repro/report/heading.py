"""Which two things a comparison is about: what stands above it in every report."""

from __future__ import annotations

from dataclasses import dataclass

from repro.comparison import RECORD_AND_REPLAY, Comparison, isolation_words
from repro.manifest import Result


@dataclass(frozen=True)
class Side:
    """One side of the comparison. ``label`` heads its column; what is empty is left out."""

    label: str
    run: str = ""
    """Id of the run or replay, as short as the caller likes it."""
    name: str = ""
    time: str = ""
    engine: str = ""
    isolation: str = ""
    """In words: ``in a container``, ``not isolated``."""

    @classmethod
    def of(cls, result: Result, label: str, run: str = "", name: str = "") -> Side:
        """The side, with what the result itself knows about when and where it ran."""
        return cls(
            label=label,
            run=run,
            name=name,
            time=result.started or "",
            engine=result.host.engine or "",
            isolation=isolation_words(result.host.isolation) or "",
        )

    @property
    def described(self) -> str:
        """All of it on one line; empty when nothing is known."""
        parts = (" ".join(filter(None, (self.run, self.name))), self.time, self.engine)
        return ", ".join(filter(None, (*parts, self.isolation)))


@dataclass(frozen=True)
class Heading:
    """The two sides of a comparison."""

    a: Side
    b: Side

    @classmethod
    def of(cls, comparison: Comparison) -> Heading:
        """For when nothing more is known than what the comparison calls its sides."""
        if comparison.sides == RECORD_AND_REPLAY:
            return cls(Side("recorded"), Side("replayed"))
        a, b = (Side(side.removeprefix("the ")) for side in comparison.sides)
        return cls(a, b)
