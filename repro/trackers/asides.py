"""What trackers log that measures the machine and not the training: said, not compared.

Only names that well-known tools write by themselves; whatever a project names itself is a metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ASIDE = re.compile(
    r"(?:^|[/._])(?:runtime|samples_per_second|steps_per_second|tokens_per_second"
    r"|jit_compilation_time|model_preparation_time)$"  # transformers, keras
    r"|^_(?:runtime|timestamp|wandb)(?:[/.]|$)"  # wandb
    r"|^system(?:[/.]|$)"  # mlflow and wandb, of the machine
    r"|^time/(?:fps|time_elapsed)$"  # stable-baselines3
    r"|^charts/SPS$|^mfu$"  # CleanRL, nanoGPT
    r"|(?:^|\.)dur$"  # skorch
    r"|^(?:mean|std)_(?:fit|score)_time$"  # scikit-learn
)


def is_aside(name: str) -> bool:
    """Whether it is a duration, a speed or a gauge of the machine."""
    return _ASIDE.search(name) is not None


def said(names: Iterable[str]) -> str:
    """One line on what was left out; empty where nothing was."""
    found = sorted(set(names))
    if not found:
        return ""
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"not compared, being times or gauges of the machine: {', '.join(found[:3])}{more}"


def joined(*parts: str) -> str:
    """The parts of a detail that have something to say."""
    return "; ".join(part for part in parts if part)
