"""What was accepted as a baseline: for a person, and as JSON."""

from __future__ import annotations

from repro import baselines, canonical
from repro.accepting import Accepted
from repro.report import layout
from repro.report.layout import clean

SCHEMA = "repro/accepted/v1"


def as_json(done: Accepted) -> str:
    """One line; specs/baselines.md."""
    item = done.baseline
    document = {
        "schema": SCHEMA,
        "file": baselines.NAME,
        "name": item.name,
        "run": item.run,
        "replay": item.replay or None,
        "replaces": item.replaces or None,
        "because": item.because,
        "by": item.by,
        "at": item.at,
        "host": {"architecture": item.host.architecture, "gpu": item.host.gpu},
        "from": item.origin or None,
        "verdict": item.verdict or None,
        "changes": list(item.changes),
    }
    return canonical.dumps(document).decode("utf-8") + "\n"


def render(done: Accepted, *, colour: bool, width: int) -> str:
    """Ends in a newline."""
    item = done.baseline
    what = f"the result of replay {item.replay[:12]}" if item.replay else "the record itself"
    lines = [f"{layout.paint(item.name, 'bold', colour)} is now run {item.run[:12]}: {what}"]
    if done.previous:
        lines.append(f"  before: run {item.replaces[:12]} ({clean(done.previous.because)})")
    if not item.host.is_any:
        lines.append(f"  for: {item.host}")
    for change in item.changes:
        lines += layout.wrap(clean(change), width, "  ", "    ")
    if item.replay and not item.changes:
        lines.append("  nothing of it differs from the record")
    if not item.origin:
        lines += layout.wrap(
            "the run lies in this store only; for CI: repro push it, and accept with --from REF",
            width,
            "note: ",
            "  ",
        )
    lines.append(f"next: git add {baselines.NAME}, and have it reviewed")
    return "\n".join(lines) + "\n"
