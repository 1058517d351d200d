"""Is it the training, or is it the place? Two replays under the same conditions tell.

A replay that differs from the record says that something differs. When two replays of one run, in one
environment on one machine, differ from each other too, it is the training itself that does not repeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repro.comparison.comparing import compare_results
from repro.comparison.nouns import Comparison, Status, Verdict
from repro.manifest import Outcome, Policy, Result

_SIDES = ("an earlier replay", "this replay")
_REMEDY = (
    "make the training repeat itself: seed every generator (Python, NumPy, the framework, the data "
    "loader), let no threads update shared values without a fixed order; or allow for the noise under "
    "tolerances in repro.yaml"
)


def can_explain(comparison: Comparison) -> bool:
    """Whether a control says more: values came out on both sides, and they differ."""
    statuses = [item.status for item in comparison.metrics]
    statuses += [item.status for item in comparison.outputs]
    return comparison.verdict is Verdict.DIFFERENT and Status.DIFFERENT in statuses


def comparable(one: Result, other: Result) -> bool:
    """Whether two replays ran under the same conditions, as far as is known."""
    a, b = one.host, other.host
    return (a.engine, a.isolation, a.cpus, a.cpu, a.kernel, a.threads) == (
        b.engine,
        b.isolation,
        b.cpus,
        b.cpu,
        b.kernel,
        b.threads,
    )


def is_needed(comparison: Comparison, result: Result, controls: Iterable[Result]) -> bool:
    """Whether another replay would say more than those that there are."""
    return can_explain(comparison) and not any(
        comparable(item, result) and item.outcome is Outcome.FINISHED for item in controls
    )


def explained(
    comparison: Comparison, result: Result, controls: Iterable[Result], policy: Policy, again: str
) -> Comparison:
    """The comparison with what other replays of the same run say about it. ``again`` is the command
    that makes a control where there is none yet."""
    if not can_explain(comparison):
        return comparison
    found = [item for item in controls if comparable(item, result)]
    between = [compare_results(item, result, policy, sides=_SIDES) for item in found]
    for comparison_of_two in between:
        if can_explain(comparison_of_two):
            note = (
                "the training is not deterministic: two replays of it, in the same environment on the "
                "same machine, differ from each other as well "
                f"({comparison_of_two.reasons[0]})"
            )
            return replace(comparison, notes=(note, *comparison.notes), next_step=_REMEDY)
    agreeing = sum(item.verdict.passed for item in between)
    if not agreeing:
        # one that failed, or lacks what this one has, says nothing about the values
        step = f"to learn whether the training itself repeats: {again}"
        return replace(comparison, next_step=f"{comparison.next_step}; {step}".lstrip("; "))
    note = (
        f"the training repeats itself here: {agreeing} other "
        f"replay{'s agree' if agreeing > 1 else ' agrees'} with this one, so the difference comes "
        "from what differs between the record and here"
    )
    return replace(comparison, notes=(note, *comparison.notes))
