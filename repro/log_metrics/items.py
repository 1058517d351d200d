"""What is found in a log before it is put together: a number in its place."""

from __future__ import annotations

from dataclasses import dataclass

from repro.manifest import Aside, Scalar


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that says where in the training a line stands: an epoch, a step, a round."""

    name: str
    value: Scalar
    told: bool = True
    """Whether it is a metric where it labels nothing; False: it is among the asides already."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value under the name it was printed with."""

    name: str
    value: Scalar
    counters: tuple[Counter, ...] = ()
    """Those of its own line, in its order."""
    heading: str = ""
    """The line above a table or a list, if that is where it stood."""
    weak: bool = False
    """Counts only where the same name also has a number: ``None``, a boolean."""
    rank: int | None = None
    """Of the process that printed it, where its line says so: several print as the system lets them."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A number that was recognised as no metric."""

    name: str
    reason: Aside
    example: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one line, or a table of several, says."""

    items: tuple[Item, ...] = ()
    asides: tuple[SetAside, ...] = ()
    counters: tuple[Counter, ...] = ()
    context: str = ""
