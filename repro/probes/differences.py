"""What two replays yielded otherwise: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from repro.comparison import Read, Status, compare_results
from repro.manifest import Policy, Result
from repro.probes.nouns import Change, Kind

_SIDES = ("the control", "the varied replay")
_OTHER_OUTPUT = (Status.DIFFERENT, Status.MISSING, Status.NEW)


def changes(
    a: Result,
    b: Result,
    policy: Policy,
    read: Read,
    leave_out: Collection[tuple[Kind, str]] = (),
) -> tuple[Change, ...]:
    """Metrics out of tolerance, outputs with other content, another end; but for those to ``leave_out``.

    ``read`` gives the content of an output, where it was kept. What only the policy ignores, and cosmetic
    differences, are none.
    """
    return tuple(item for item in _changes(a, b, policy, read) if item.key not in leave_out)


def keys(result: Result) -> frozenset[tuple[Kind, str]]:
    """All that a result has to compare."""
    metrics = {(Kind.METRIC, f"{item.source}:{item.name}") for item in result.metrics}
    return frozenset(metrics | {(Kind.OUTPUT, item.path) for item in result.outputs})


def _changes(a: Result, b: Result, policy: Policy, read: Read) -> Iterator[Change]:
    if (a.outcome, a.exit_code) != (b.outcome, b.exit_code):
        yield Change(Kind.END, "exit code", a.exit_code, b.exit_code)
    comparison = compare_results(a, b, policy, read, _SIDES)
    for metric in comparison.metrics:
        if metric.status.red:
            name = f"{metric.source}:{metric.name}"
            detail = "" if metric.status is Status.DIFFERENT else metric.status.value
            yield Change(Kind.METRIC, name, metric.a, metric.b, detail)
    for source in comparison.sources:
        if source.status.red and source.state_a != source.state_b:
            yield Change(Kind.METRIC, source.path, None, None, source.message)
    for output in comparison.outputs:
        if output.status in _OTHER_OUTPUT:
            a_size, b_size = (item.size if item else None for item in (output.a, output.b))
            detail = "" if output.status is Status.DIFFERENT else output.status.value
            yield Change(Kind.OUTPUT, output.path, a_size, b_size, detail or output.detail)
