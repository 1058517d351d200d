"""Moments as the documents write them: UTC, ISO 8601, milliseconds."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> str:
    """This moment."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso(seconds: float) -> str:
    """A moment given in seconds since the epoch."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
