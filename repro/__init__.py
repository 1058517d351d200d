"""repro: record a training run, replay it, and say truthfully what came out the same.

    run = repro.run(["python", "train.py"])     record a run
    replay = repro.replay(run)                  execute it again in Docker
    assert replay.comparison.verdict.passed

What the names stand for is loaded when they are first used, so that `import repro` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.api import capture, compare, load, replay, run
    from repro.asserting import assert_reproduces
    from repro.comparison import Comparison, Verdict
    from repro.errors import ReproError
    from repro.manifest import Manifest
    from repro.records import Replay
    from repro.replaying import Options
    from repro.store import Run

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Manifest",
    "Options",
    "Replay",
    "ReproError",
    "Run",
    "Verdict",
    "__version__",
    "assert_reproduces",
    "capture",
    "compare",
    "load",
    "replay",
    "run",
]

_PLACES = {
    "Comparison": "repro.comparison",
    "Manifest": "repro.manifest",
    "Options": "repro.replaying",
    "Replay": "repro.records",
    "ReproError": "repro.errors",
    "Run": "repro.store",
    "Verdict": "repro.comparison",
    "assert_reproduces": "repro.asserting",
    "capture": "repro.api",
    "compare": "repro.api",
    "load": "repro.api",
    "replay": "repro.api",
    "run": "repro.api",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'repro' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)
