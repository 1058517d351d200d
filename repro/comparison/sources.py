"""The places where metrics were expected, set side by side.

A source that was not read has no metrics, so nothing else would notice that it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from repro import globs
from repro.comparison.nouns import (
    RECORD_AND_REPLAY,
    MetricDifference,
    Sides,
    SourceDifference,
    Status,
)
from repro.comparison.outputs import held_the_same, is_ignored, same
from repro.comparison.pairing import pairs
from repro.manifest import MetricSource, Policy, Result, SourceState

_WRITTEN = (SourceState.READ, SourceState.EMPTY, SourceState.UNREADABLE)

_WORDS = {
    SourceState.READ: "written",
    SourceState.EMPTY: "without a value",
    SourceState.UNREADABLE: "unreadable",
    SourceState.MISSING: "not written",
    SourceState.STALE: "left over (not rewritten)",
    None: "not there",
}

_IN_BOTH = {
    SourceState.EMPTY: "without a value in both runs",
    SourceState.UNREADABLE: "unreadable in both runs",
    SourceState.MISSING: "written by neither run",
    SourceState.STALE: "written by neither run: left over from an earlier one",
}

_OR_NOT = "or take it out of the metrics in repro.yaml"
_REMEDIES = {
    SourceState.EMPTY: "make the training write its metrics into {path}",
    SourceState.UNREADABLE: "make the training write {path} in the format its name promises",
    SourceState.MISSING: "make the training write {path}, " + _OR_NOT,
    SourceState.STALE: "make the training write {path} anew on every run, " + _OR_NOT,
    None: "make the training write {path}, " + _OR_NOT,
}


def compare_sources(
    a: Result,
    b: Result,
    policy: Policy,
    metrics: Iterable[MetricDifference] = (),
    sides: Sides = RECORD_AND_REPLAY,
) -> tuple[SourceDifference, ...]:
    """One difference for every source of either side, by path.

    Both read it: equal. Only one side wrote it, or in another state: red. Neither read it: red when
    it is declared, else a note. A source whose every metric is ignored is itself ignored.
    """
    listed = list(metrics)
    unknown = unknown_sources(a, b) | unknown_sources(b, a)
    other_bytes = _with_other_bytes(a, b)
    differences = [
        _unread(
            _difference(
                ours,
                theirs,
                (_state(ours, a), _state(theirs, b)),
                [metric for metric in listed if metric.source == path[0]],
                sides,
            ),
            other_bytes,
            policy,
        )
        for path, _, ours, theirs in pairs(
            a.metric_sources, b.metric_sources, lambda source: (source.path,)
        )
    ]
    return tuple(
        replace(item, status=Status.UNKNOWN, remedy="")
        if item.path in unknown and item.status.red
        else item
        for item in [*differences, *_never_looked_for(a, b, policy)]
    )


def _with_other_bytes(a: Result, b: Result) -> frozenset[str]:
    """Paths of outputs that the two sides wrote otherwise."""
    theirs = {output.path: output for output in b.outputs}
    return frozenset(
        output.path
        for output in a.outputs
        if (other := theirs.get(output.path))
        and not same(output, other)
        and not held_the_same(output, other)
    )


def _unread(
    item: SourceDifference, other_bytes: frozenset[str], policy: Policy
) -> SourceDifference:
    """A file that is called like metrics and that neither side could read is none that another metric vouches
    for: its bytes have to be the same."""
    unreadable = item.state_a is item.state_b is SourceState.UNREADABLE
    if not unreadable or item.status is not Status.IGNORED or item.path not in other_bytes:
        return item
    if is_ignored(item.path, policy):
        return item
    return replace(
        item,
        status=Status.DIFFERENT,
        message=f"{item.message}, and its bytes differ",
        remedy=f"{_REMEDIES[SourceState.UNREADABLE].format(path=item.path)}, or put it under ignore_outputs",
    )


def _never_looked_for(a: Result, b: Result, policy: Policy) -> Iterator[SourceDifference]:
    """What the policy declares and neither result knows of: it was declared after they were
    recorded, and a comparison without it would be a promise that nobody kept."""
    paths = [source.path for source in (*a.metric_sources, *b.metric_sources)]
    for pattern in sorted(set(policy.metrics)):
        if not any(path == pattern or globs.matches(path, pattern) for path in paths):
            yield SourceDifference(
                pattern,
                Status.ABSENT,
                None,
                None,
                declared=True,
                message="declared, but neither run looked for it",
                remedy=f"record the run again: {pattern} was declared after it was recorded",
            )


def unknown_sources(unobserved: Result, other: Result) -> frozenset[str]:
    """Paths that only the other side read, found by watching what it wrote. A side that was not
    observed cannot have found them, so that it lacks them says nothing."""
    if unobserved.observed:
        return frozenset()
    known = {source.path for source in unobserved.metric_sources}
    return frozenset(
        source.path
        for source in other.metric_sources
        if not source.declared and source.path not in known
    )


def _state(source: MetricSource | None, result: Result) -> SourceState | None:
    """``read`` has to show for it: without a single metric it comes to ``empty``."""
    if source is None:
        return None
    if source.state is SourceState.READ and all(
        metric.source != source.path for metric in result.metrics
    ):
        return SourceState.EMPTY
    return source.state


def _difference(
    a: MetricSource | None,
    b: MetricSource | None,
    states: tuple[SourceState | None, SourceState | None],
    metrics: Sequence[MetricDifference],
    sides: Sides,
) -> SourceDifference:
    present = a or b
    assert present
    declared = any(source.declared for source in (a, b) if source)
    status = _status(states, declared)
    ignored = bool(metrics) and all(metric.status is Status.IGNORED for metric in metrics)
    return SourceDifference(
        path=present.path,
        status=Status.IGNORED if ignored and status.red else status,
        state_a=states[0],
        state_b=states[1],
        declared=declared,
        message=_message(a, b, states, declared, sides),
        remedy=_REMEDIES[_culprit(states)].format(path=present.path) if status.red else "",
    )


def _status(states: tuple[SourceState | None, SourceState | None], declared: bool) -> Status:
    a, b = states
    wrote = (a in _WRITTEN, b in _WRITTEN)
    if a is b is SourceState.READ:
        return Status.EQUAL
    if any(wrote) and a is not b:
        if all(wrote):
            return Status.DIFFERENT
        return Status.MISSING if wrote[0] else Status.NEW
    if declared and None in states:
        # a glob that has matches on one side stands there by its matches, not by itself
        return Status.MISSING if a is None else Status.NEW
    return Status.ABSENT if declared else Status.IGNORED


def _culprit(states: tuple[SourceState | None, SourceState | None]) -> SourceState | None:
    """The state that has to be mended, the same one whichever side it is on."""
    order = (
        SourceState.UNREADABLE,
        SourceState.EMPTY,
        SourceState.STALE,
        SourceState.MISSING,
        None,
    )
    return next(state for state in order if state in states)


def _message(
    a: MetricSource | None,
    b: MetricSource | None,
    states: tuple[SourceState | None, SourceState | None],
    declared: bool,
    sides: Sides,
) -> str:
    state = states[0]
    if state is states[1] is SourceState.READ:
        return ""
    prefix = "declared, but " if declared else ""
    if state and state is states[1] and _details(a) == _details(b):
        return prefix + _IN_BOTH[state] + _details(a)
    if any(state in _WRITTEN for state in states):
        return f"{_words(states[0], a)} in {sides[0]}, {_words(states[1], b)} in {sides[1]}"
    if None in states:
        at = 1 if state is None else 0
        return f"{prefix}{_words(states[at], (a, b)[at])} in {sides[at]}"
    neither = f"{prefix}written by neither run: "
    return f"{neither}{_words(state, a)} in {sides[0]}, {_words(states[1], b)} in {sides[1]}"


def _words(state: SourceState | None, source: MetricSource | None) -> str:
    return _WORDS[state] + _details(source)


def _details(source: MetricSource | None) -> str:
    return f" ({source.detail})" if source and source.detail else ""
