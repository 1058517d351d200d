"""Metrics out of what a command printed.

They are a function of the log alone, so they are read anew whenever two results are compared: with the
rules that the project has now, and by the same reader on both sides, whichever versions recorded them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repro.errors import ReproError
from repro.log_metrics import Rules, read
from repro.log_metrics.lines import CAP
from repro.log_metrics.reading import Reading
from repro.manifest import (
    REDACTED,
    Aside,
    Descriptor,
    Metric,
    MetricSource,
    Policy,
    Result,
    SourceState,
    Uncompared,
)
from repro.store import Store

STREAMS = {"log/stdout": "<stdout>", "log/stderr": "<stderr>"}
"""A log's role in the record, and what its metrics name as their source."""


def rules(policy: Policy) -> Rules:
    """What the project says about its log."""
    return Rules(policy.log_patterns, policy.log_ignored)


def taken_in(store: Store, result: Result, how: Rules) -> Result:
    """The result with the metrics that its log holds, in place of those that were read before.

    Where a log is not at hand, what was read of it when it was recorded stands.
    """
    logs = {
        item: content
        for item in result.logs
        if item.path in STREAMS and (content := _content(store, item)) is not None
    }
    anew = {STREAMS[item.path] for item in logs}
    metrics = [item for item in result.metrics if item.source not in anew]
    sources = [item for item in result.metric_sources if item.path not in anew]
    uncompared = [item for item in result.uncompared if item.source not in anew]
    for item, content in logs.items():
        source = STREAMS[item.path]
        found = _told(read(content, source, how, item.size), source)
        metrics += found.metrics
        uncompared += found.uncompared
        if found.trouble:
            # declared, so that it is red: what the patterns were to read was compared by nobody
            sources.append(MetricSource(source, SourceState.UNREADABLE, detail=found.trouble))
        elif found.metrics:
            sources.append(MetricSource(source, SourceState.READ, declared=False))
    return replace(
        result,
        metrics=tuple(sorted(metrics, key=lambda item: (item.source, item.name))),
        metric_sources=tuple(sorted(sources, key=lambda item: item.path)),
        uncompared=tuple(sorted(uncompared, key=lambda item: (item.source, item.name))),
    )


def so_far(texts: Mapping[str, bytes], how: Rules) -> tuple[Metric, ...]:
    """The metrics of a log that is still being written; a last line without its end is left out."""
    metrics: list[Metric] = []
    for role, text in texts.items():
        whole = text[: text.rfind(b"\n") + 1][:CAP]
        metrics += read(whole, STREAMS[role], how, len(whole)).metrics
    return tuple(metrics)


def _told(found: Reading, source: str) -> Reading:
    """Without texts that were masked: where two are, nobody knows whether they were the same."""
    masked = [metric for metric in found.metrics if _is_masked(metric)]
    if not masked:
        return found
    return replace(
        found,
        metrics=tuple(metric for metric in found.metrics if not _is_masked(metric)),
        uncompared=(
            *found.uncompared,
            *(
                Uncompared(source, item.name, Aside.IDENTIFIER, REDACTED, len(item.values) or 1)
                for item in masked
            ),
        ),
    )


def _is_masked(metric: Metric) -> bool:
    return any(
        isinstance(item, str) and REDACTED in item for item in (metric.value, *metric.values)
    )


def _content(store: Store, log: Descriptor) -> bytes | None:
    try:
        with store.verified(log).open("rb") as stream:
            return stream.read(CAP)
    except (ReproError, OSError):
        return None
