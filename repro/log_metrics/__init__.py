"""Reads metrics out of what a training prints, without being told what it looks like."""

from repro.log_metrics.reading import Reading, read
from repro.log_metrics.rules import Rules

__all__ = ["Reading", "Rules", "read"]
