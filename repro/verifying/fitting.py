"""How many replays this machine takes at a time: each has a training's processors and memory."""

from __future__ import annotations

import os
from collections.abc import Iterable

from repro.capturing import host
from repro.verifying.nouns import Chosen

SHARE = 0.9
"""Of the machine's memory, what replays may have together."""


def jobs(wanted: int, chosen: Iterable[Chosen]) -> tuple[int, str]:
    """How many of the ``wanted`` replays at a time, and why not all; empty where all."""
    most = max((item.run.manifest.result.peak_memory or 0 for item in chosen), default=0)
    return fitting(wanted, host.usable_cpus() or 1, most, _memory())


def fitting(wanted: int, cpus: int, largest: int, memory: int | None) -> tuple[int, str]:
    """``largest`` is what the largest run took when it was recorded, ``memory`` the machine's; bytes."""
    found, why = wanted, ""
    if wanted > cpus:
        found, why = cpus, f"this machine has {cpus} processor{'s' * (cpus > 1)}"
    if memory and largest and found * largest > SHARE * memory:
        found = max(1, int(SHARE * memory // largest))
        why = f"one takes up to {largest / 1e9:.1f} GB of this machine's {memory / 1e9:.1f} GB"
    if found == wanted:
        return wanted, ""
    return found, f"{found} replay{'s' * (found > 1)} at a time instead of {wanted}: {why}"


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
