"""How a bundle is turned down: one line that says what is wrong with it."""

from __future__ import annotations

from repro.errors import Corrupt

HINT = "nothing of it was taken over; take the bundle from its origin again, and ask who made it"


class Refused(Corrupt):
    """A bundle that is damaged, or that was made to do harm: which of the two cannot be told."""


def refused(what: str) -> Refused:
    """The error for a bundle. ``what`` may hold names from the bundle: quote them with ``shown``."""
    return Refused(f"the bundle is refused: {what}", HINT)
