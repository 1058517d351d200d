"""Is what a run needs still to be had? Asked without training, and of nobody twice."""

from repro.checking.health import check
from repro.checking.nouns import Health, Ingredient, Where

__all__ = ["Health", "Ingredient", "Where", "check"]
