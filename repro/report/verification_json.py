"""A verification for a machine: specs/verification.md."""

from __future__ import annotations

from typing import Any

from repro import canonical
from repro.report import json as comparison_document
from repro.verifying import Verification, Verified
from repro.verifying.nouns import SelfTest

SCHEMA = "repro/verification/v1"


def render(found: Verification) -> str:
    """The document as one line of canonical JSON, ending in a newline."""
    return canonical.dumps(document(found)).decode("utf-8") + "\n"


def document(found: Verification) -> dict[str, Any]:
    """Every field is there, null or empty where there is nothing."""
    return {
        "schema": SCHEMA,
        "passed": found.exit_code == 0,
        "exit_code": found.exit_code,
        "seconds": round(found.seconds, 3),
        "stopped": found.stopped,
        "unaffected": found.unaffected,
        "values_compared": found.values,
        "notes": list(found.notes),
        "runs": [_run(item) for item in found.runs],
        "self_tests": [_self_test(item) for item in found.self_tests],
    }


def _self_test(item: SelfTest) -> dict[str, Any]:
    return {
        "run": item.chosen.run.id,
        "passed": item.passed,
        "caught": [{"change": each.change, "verdict": each.verdict} for each in item.caught],
        "missed": list(item.missed),
        "error": item.error,
    }


def _run(item: Verified) -> dict[str, Any]:
    return {
        "id": item.chosen.run.id,
        "name": item.chosen.name,
        "why": item.chosen.why,
        "state": item.state.value,
        "passed": item.passed,
        "verdict": item.verdict.value if item.verdict else None,
        "reasons": list(item.reasons),
        "diagnosis": item.diagnosis,
        "next_step": item.next_step,
        "asked": item.asked,
        "values_compared": item.values,
        "replays": [
            {
                "number": replay.number,
                "id": replay.id,
                "seconds": replay.seconds,
                "reused": replay.reused,
                "host": replay.host,
                "comparison": comparison_document.document(replay.comparison),
            }
            for replay in item.replays
        ],
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "comparison": comparison_document.document(pair.comparison),
            }
            for pair in item.pairs
        ],
    }
