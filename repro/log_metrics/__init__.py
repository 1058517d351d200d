"""Reads metrics out of what a training prints, without being told what it looks like."""

from typing import TYPE_CHECKING

from repro import late

if TYPE_CHECKING:
    from repro.log_metrics.reading import Reading, read
    from repro.log_metrics.rules import Rules

__all__ = ["Reading", "Rules", "read"]
__getattr__ = late.names(__name__, {"Reading": "reading", "Rules": "rules", "read": "reading"})
