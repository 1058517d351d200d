"""How well the reader reads the corpus: ``python -m tests.log_metrics.score``."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.log_metrics import read

CORPUS = Path(__file__).parent / "corpus"
LOGS = sorted(CORPUS.glob("*.log"))


@dataclass(frozen=True)
class Score:
    """One log: what was found of what is in it."""

    name: str
    expected: int
    found: int
    right: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    asides: tuple[str, ...]
    """Kinds of numbers set aside that differ from the expected ones."""

    @property
    def perfect(self) -> bool:
        return not (self.missing or self.extra or self.asides)


def expected(path: Path) -> dict[str, Any]:
    """What a person reads in the log."""
    return json.loads(path.with_suffix(".json").read_text("utf-8"))


def plain(value: Any) -> Any:
    """Something that NaN compares equal in, and a step's type does not matter in."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if value is None else value


def score(path: Path) -> Score:
    """The reader's answer beside the expected one."""
    wanted = expected(path)
    reading = read(path.read_bytes(), "<stdout>")
    theirs = {
        name: plain([value["steps"], value["values"]] if isinstance(value, dict) else value)
        for name, value in wanted["metrics"].items()
    }
    ours = {
        item.name: plain([item.steps, item.values] if item.values else item.value)
        for item in reading.metrics
    }
    missing = tuple(f"{name} = {theirs[name]}" for name in theirs if ours.get(name) != theirs[name])
    extra = tuple(f"{name} = {ours[name]}" for name in ours if theirs.get(name) != ours[name])
    reasons = {item.reason.value for item in reading.uncompared}
    return Score(
        path.stem,
        len(theirs),
        len(ours),
        len(theirs) - len(missing),
        missing,
        extra,
        tuple(sorted(reasons ^ set(wanted["uncompared"]))),
    )


def table(scores: list[Score]) -> str:
    """Precision and recall, log by log and over all."""
    rows = [f"{'log':28} {'expected':>8} {'found':>6} {'right':>6}"]
    rows += [f"{s.name:28} {s.expected:8} {s.found:6} {s.right:6}" for s in scores]
    right = sum(s.right for s in scores)
    found, wanted = sum(s.found for s in scores), sum(s.expected for s in scores)
    rows.append(f"precision {right / found:.4f}  recall {right / wanted:.4f}  logs {len(scores)}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table([score(path) for path in LOGS]) + "\n")
