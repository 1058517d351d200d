"""The grade of a capture: one word for what its findings mean for a replay elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from repro.manifest import Finding, Severity

MEANING = {
    "portable": "nothing is known that would keep others from replaying it",
    "fragile": "a replay may come out differently, or may not be possible later",
    "local": "it can be replayed here, and nowhere else",
}


def of(findings: Iterable[Finding]) -> str:
    """``portable``, ``fragile`` or ``local``: as bad as the worst finding."""
    severities = {finding.severity for finding in findings}
    if Severity.BREAKS in severities:
        return "local"
    return "fragile" if Severity.RISKS in severities else "portable"
