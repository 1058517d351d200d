"""Two results, or two manifests, set side by side: every part by its own module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repro.comparison import advice, notes, verdict
from repro.comparison.circumstances import compare_clocks, compare_hosts
from repro.comparison.ingredients import changed_files, compare_definitions
from repro.comparison.metrics import compare_metrics
from repro.comparison.nouns import (
    RECORD_AND_REPLAY,
    TWO_RUNS,
    Comparison,
    Read,
    Sides,
    Verdict,
)
from repro.comparison.outputs import compare_outputs, nothing_to_read
from repro.comparison.renamed import renamed
from repro.comparison.sources import compare_sources
from repro.manifest import Manifest, Policy, Result


def compare_results(
    a: Result,
    b: Result,
    policy: Policy,
    read: Read = nothing_to_read,
    sides: Sides = RECORD_AND_REPLAY,
) -> Comparison:
    """What came out of two executions of the same definition.

    ``read`` gives the content of an output by its digest, for saying where two of them first
    differ; it may raise OSError or ReproError.
    """
    counterpart = renamed(a, b)
    b = counterpart.result
    metrics = compare_metrics(a, b, policy, sides)
    sources = compare_sources(a, b, policy, metrics, sides)
    outputs = compare_outputs(a, b, policy, read, sides)
    word, reasons = verdict.decide(a, b, metrics, sources, outputs, sides)
    comparison = Comparison(
        verdict=word,
        reasons=tuple(reasons),
        metrics=metrics,
        sources=sources,
        outputs=outputs,
        circumstances=(
            *compare_hosts(a.host, b.host, unknown=word is not Verdict.IDENTICAL),
            *(compare_clocks(a.started, b.started) if word is Verdict.DIFFERENT else ()),
        ),
        notes=(
            *notes.collect(a, b, metrics, sources, outputs, sides),
            *notes.about_names(counterpart.names, sides),
        ),
        metrics_compared=sum(map(verdict.is_compared, metrics)),
        outputs_compared=sum(map(verdict.is_matched, outputs)),
        sides=sides,
    )
    return replace(comparison, next_step=advice.next_step(comparison))


def compare_manifests(
    a: Manifest,
    b: Manifest,
    policy: Policy,
    read: Read = nothing_to_read,
    sides: Sides = TWO_RUNS,
) -> Comparison:
    """Two runs: what came out, as ``compare_results``, and what went in.

    The verdict is about the results; ``same_definition`` says whether the same went in.
    """
    ids = (a.definition_id or None, b.definition_id or None)
    ingredients = tuple(
        replace(item, detail="; ".join(filter(None, (item.detail, files))))
        if (item.ingredient, item.name) == ("source", "tree")
        and (files := changed_files(a.provenance, b.provenance, sides))
        else item
        for item in compare_definitions(a.definition, b.definition, ids)
    )
    # what each run had declared tells what a side that was not observed can know
    declared = replace(
        policy,
        metrics=(*policy.metrics, *a.policy.metrics, *b.policy.metrics),
        outputs=(*policy.outputs, *a.policy.outputs, *b.policy.outputs),
    )
    comparison = replace(
        compare_results(a.result, b.result, declared, read, sides),
        ingredients=ingredients,
        same_definition=not ingredients,
    )
    return replace(comparison, next_step=advice.next_step(comparison))


def unreplayable(
    reason: str,
    tried: Iterable[str] = (),
    remedy: str = "",
    sides: Sides = RECORD_AND_REPLAY,
) -> Comparison:
    """There is nothing to compare: something that the replay needs could not be had."""
    return Comparison(
        verdict=Verdict.UNREPLAYABLE,
        reasons=(reason,),
        notes=tuple(f"tried: {attempt}" for attempt in tried),
        next_step=remedy,
        sides=sides,
    )
