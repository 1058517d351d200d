"""Holds runs to what they yielded: each is replayed, several times, and all must say the same."""

from repro.verifying.nouns import Chosen, Pair, Played, Request, State, Verification, Verified
from repro.verifying.verifying import verify

__all__ = [
    "Chosen",
    "Pair",
    "Played",
    "Request",
    "State",
    "Verification",
    "Verified",
    "verify",
]
