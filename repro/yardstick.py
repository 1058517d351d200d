"""What a replay is held to: the rules of the project as they are now, and how much of the record."""

from __future__ import annotations

from dataclasses import replace

from repro import printed
from repro.capturing.results import Expected
from repro.comparison import (
    RECORD_AND_REPLAY,
    Comparison,
    Read,
    Sides,
    compare_results,
    prefix,
)
from repro.comparison.outputs import nothing_to_read
from repro.comparison.prefix import Name
from repro.errors import Unreplayable
from repro.manifest import Manifest, Policy, Result, SourceState
from repro.project import Project


def compared(
    recorded: Result,
    replayed: Result,
    policy: Policy,
    steps: int | None = None,
    read: Read = nothing_to_read,
    sides: Sides = RECORD_AND_REPLAY,
) -> Comparison:
    """Two results set side by side, or the first ``steps`` steps of them."""
    if steps is not None:
        return prefix.compare_prefix(recorded, replayed, steps, policy, sides)
    return compare_results(recorded, replayed, policy, read, sides)


def policy_now(project: Project, manifest: Manifest) -> Policy:
    """The recorded policy; tolerances and rules for the log that the project has now count instead of the
    recorded ones, and outputs that it ignores now are ignored too, because both are learned after the run."""
    current = project.config
    ignored = tuple(project.inside(path) for path in current.ignored_outputs)
    return replace(
        manifest.policy,
        tolerances=project.tolerances or manifest.policy.tolerances,
        log_patterns=current.log.patterns or manifest.policy.log_patterns,
        log_ignored=current.log.ignore or manifest.policy.log_ignored,
        ignored_outputs=tuple(dict.fromkeys((*manifest.policy.ignored_outputs, *ignored))),
    )


def expected(manifest: Manifest) -> Expected:
    """What the record says came out; nothing is vouched for, everything has to be written anew."""
    policy = manifest.policy
    read = (
        item.path
        for item in manifest.result.metric_sources
        if item.state is SourceState.READ and not item.path.startswith("<")
    )
    return Expected(
        policy.metrics, policy.outputs, policy.ignored_outputs, tuple(read), cache_links=False
    )


def wanted(project: Project, manifest: Manifest, steps: int | None) -> frozenset[Name]:
    """The series of which the first ``steps`` are compared; empty where all of it is. Raises Unreplayable
    where there is none that long."""
    if steps is None:
        return frozenset()
    now = policy_now(project, manifest)
    recorded = printed.taken_in(project.store, manifest.result, printed.rules(now))
    found = prefix.series_longer_than(steps, recorded, now)
    if not found:
        raise Unreplayable(
            f"no metric of the record has more than {steps} steps",
            "ask for fewer steps, or compare all of it: without --steps",
        )
    return found
