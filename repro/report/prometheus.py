"""A verification as a Prometheus textfile, for node_exporter's textfile collector.

prometheus_client is an extra: ``pip install 'repro-engine[prometheus]'``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from repro.comparison import Verdict
from repro.errors import UsageError
from repro.report import cases
from repro.verifying import State, Verification, Verified

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LABELS = ("run", "id")
_HINT = "pip install 'repro-engine[prometheus]'"


def library() -> Any:
    """prometheus_client. Raises UsageError where it is not installed."""
    try:
        import prometheus_client
    except ImportError as error:
        raise UsageError("--prometheus needs prometheus_client", _HINT) from error
    return prometheus_client


def render(found: Verification, now: float | None = None) -> bytes:
    """The text in Prometheus's exposition format. ``now``: seconds since 1970."""
    client = library()
    registry: CollectorRegistry = client.CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Any:
        return client.Gauge(f"repro_{name}", text, labels, registry=registry)

    gauge("verification_passed", "1: every run did all that was asked, and passed.").set(
        found.exit_code == 0
    )
    gauge("verification_timestamp_seconds", "When the verification ended.").set(
        time.time() if now is None else now
    )
    gauge("verification_duration_seconds", "How long the verification took.").set(found.seconds)
    gauge("verification_runs", "Runs that were to be verified.").set(len(found.runs))
    verdict = gauge("run_verdict", "1 for the verdict of the run, 0 for the others.",
                    *LABELS, "verdict")  # fmt: skip
    passed = gauge("run_passed", "1: all replays were made, and passed.", *LABELS)
    replays = gauge("run_replays", "Replays that came to an end.", *LABELS)
    values = gauge("run_values_compared", "Metrics and outputs compared with the record.", *LABELS)
    seconds = gauge("run_replay_seconds", "Time that its replays took.", *LABELS)
    for item in found.runs:
        own = (cases.label(item), item.chosen.run.id)
        for word, holds in _words(item).items():
            verdict.labels(*own, word).set(holds)
        passed.labels(*own).set(item.passed)
        replays.labels(*own).set(len(item.replays))
        values.labels(*own).set(item.values)
        seconds.labels(*own).set(sum(replay.seconds for replay in item.replays))
    text: bytes = client.generate_latest(registry)
    return text


def _words(item: Verified) -> dict[str, bool]:
    """Every verdict that there is, so that a series that was 1 becomes 0 and does not go away."""
    words = {verdict.value: item.verdict is verdict for verdict in Verdict}
    return {**words, State.NOT_REACHED.value.replace(" ", "_"): item.verdict is None}
