"""Manifests with something in many places, for the scan of them."""

from __future__ import annotations

from collections.abc import Mapping

from repro.manifest import (
    Aside,
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Host,
    Manifest,
    Metric,
    MetricType,
    Outcome,
    Param,
    Provenance,
    Result,
    Scalar,
    Source,
    Stage,
    Uncompared,
)


def manifest_with(
    argv: tuple[str, ...] = ("train",),
    env: Mapping[str, str] | None = None,
    params: Mapping[str, Scalar] | None = None,
    stages: tuple[str, ...] = (),
    remotes: Mapping[str, str] | None = None,
    example: str = "",
    text_metric: str = "",
) -> Manifest:
    """One run, with this in it."""
    definition = Definition(
        source=Source(commit="a" * 40, tree="b" * 40),
        data=(),
        environment=Environment(EnvironmentKind.PACKAGES, None),
        command=Command(argv, tuple(Stage("train", (text,)) for text in stages)),
        env=dict(env or {}),
        params=tuple(Param("params.yaml", name, value) for name, value in (params or {}).items()),
    )
    metrics = (Metric("m.json", "note", MetricType.TEXT, text_metric),) if text_metric else ()
    asides = (Uncompared("log", "x", Aside.IGNORED, example),) if example else ()
    result = Result(
        observed=True,
        outcome=Outcome.FINISHED,
        exit_code=0,
        started=None,
        ended=None,
        duration=None,
        peak_memory=None,
        host=Host(),
        metrics=metrics,
        uncompared=asides,
    )
    provenance = Provenance(remotes=dict(remotes or {}))
    return Manifest(definition, result, "2026-01-01T00:00:00Z", provenance)
