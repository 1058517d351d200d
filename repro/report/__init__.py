"""A comparison for people and machines: each module renders the same one, and returns a string."""

from repro.report.heading import Heading, Side

__all__ = ["Heading", "Side"]
