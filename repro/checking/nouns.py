"""What is known of each ingredient of a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

KINDS = ("source", "data", "inputs", "packages", "image")
"""In the order in which they are shown."""


class Where(str, Enum):
    """Where an ingredient can be had. Of several parts the worst counts, the last being the worst."""

    ELSEWHERE = "elsewhere"
    """From a remote, an index, a registry: whoever has the record can get it."""
    HERE = "here"
    """On this machine only."""
    UNKNOWN = "unknown"
    """Not told: no network, no permission, no answer."""
    LOST = "lost"
    """Nowhere: a replay is not possible any more."""


@dataclass(frozen=True)
class Ingredient:
    """One ingredient of a run, with what was seen and what to do about it."""

    kind: str
    where: Where
    seen: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Health:
    """A run, by its id, and its ingredients. Those that it does not have are left out."""

    run: str
    ingredients: tuple[Ingredient, ...]

    def of(self, kind: str) -> Ingredient | None:
        return next((item for item in self.ingredients if item.kind == kind), None)

    @property
    def where(self) -> Where:
        """The worst of all."""
        return worst(item.where for item in self.ingredients)


def worst(places: object) -> Where:
    """The worst of several; of none, that it can be had."""
    order = list(Where)
    found = [place for place in places if isinstance(place, Where)]  # type: ignore[attr-defined]
    return max(found, key=order.index, default=Where.ELSEWHERE)
