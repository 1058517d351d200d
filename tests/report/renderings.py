"""Comparisons to render: one of each kind, and one that tries to break out of the page."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import anatomy
from repro.comparison import Comparison, compare_manifests, compare_results
from repro.comparison.numbers import kind
from repro.manifest import (
    Command,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Host,
    Image,
    Interpreter,
    Manifest,
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Package,
    Param,
    Policy,
    Result,
    Scalar,
    Source,
    SourceState,
    Tolerance,
)
from repro.report.heading import Heading, Side

EVIL = "\x1b[31m\x07 \u202egnp\n\r\x9b2J|`<img src=x>` @all #1 https://x.y www.z.q \udcff \\| $a$"


def metric(name: str, value: Scalar, source: str = "metrics.json") -> Metric:
    return Metric(source, name, kind(value), value)


def series(name: str, *values: Scalar) -> Metric:
    steps = tuple(range(len(values)))
    return Metric("metrics.json", name, MetricType.SERIES, steps=steps, values=values)


def output(path: str, mark: str, size: int = 300) -> Descriptor:
    return Descriptor(path, "sha256:" + mark * 64, size)


def result(*metrics: Metric, outputs: tuple[Descriptor, ...] = (), **more: Any) -> Result:
    fields: dict[str, Any] = {
        "observed": True,
        "outcome": Outcome.FINISHED,
        "exit_code": 0,
        "started": "2024-05-01T12:03:11Z",
        "ended": "2024-05-01T12:03:52Z",
        "duration": 41.2,
        "peak_memory": None,
        "host": Host(cpus=8, engine="docker 24.0.7", isolation="container"),
        "metrics": metrics,
        "metric_sources": tuple(
            MetricSource(path, SourceState.READ) for path in sorted({m.source for m in metrics})
        ),
        "outputs": outputs,
    }
    return Result(**{**fields, **more})


def compared(a: Result, b: Result, *tolerances: Tolerance, **policy: Any) -> Comparison:
    return compare_results(a, b, Policy(tolerances=tolerances, **policy))


ACCURACY = 0.9736842105263158
RECORDED = result(
    metric("accuracy", ACCURACY),
    metric("loss", 0.0781),
    metric("time", 12.5),
    series("history.loss", 0.5, 0.3, 0.2),
    outputs=(output("metrics.json", "a"), output("model.pkl", "b", 3044)),
)
REPLAYED = replace(
    RECORDED,
    metrics=(
        metric("accuracy", 0.9649122807017544),
        metric("loss", 0.0781),
        metric("time", 13.75),
        series("history.loss", 0.5, 0.31, 0.2),
    ),
    outputs=(output("metrics.json", "c"), output("model.pkl", "b", 3044)),
    host=Host(cpus=4, engine="docker 24.0.7", isolation="container"),
)
TOLERANCES = (Tolerance("time", ignore=True),)
CONTENTS = {"a": b'{"accuracy": 0.9736842105263158}', "c": b'{"accuracy": 0.9649122807017544}'}


def read(descriptor: Descriptor) -> bytes | None:
    return CONTENTS.get(descriptor.digest[-1])


def opened(comparison: Comparison) -> Comparison:
    """With what is inside of its first output, as a replay does it."""
    a, b = (
        {"accuracy": accuracy, "loss": 0.0781, "time": time, "history": {"loss": [0.5, loss, 0.2]}}
        for accuracy, time, loss in ((ACCURACY, 12.5, 0.3), (0.9649122807017544, 13.75, 0.31))
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "a"), Path(folder, "b")
        for path, document in zip(paths, (a, b)):
            path.write_text(json.dumps(document), "utf-8")
        content = anatomy.compare("metrics.json", *paths)
    detail = anatomy.summary(content, comparison.sides)[0]
    first, *others = comparison.outputs
    return replace(comparison, outputs=(replace(first, detail=detail, content=content), *others))


IDENTICAL = compared(RECORDED, RECORDED)
EQUIVALENT = compared(RECORDED, REPLAYED, Tolerance("*", relative=0.2))
DIFFERENT = opened(compare_results(RECORDED, REPLAYED, Policy(tolerances=TOLERANCES), read))
HEADING = Heading(
    Side.of(RECORDED, "recorded", "3f2a91c0", "baseline"),
    Side.of(REPLAYED, "replayed", "77b0d21e"),
)

DEFINITION = Definition(
    source=Source("c" * 40, "d" * 40),
    data=(),
    environment=Environment(
        EnvironmentKind.PACKAGES,
        Image("python:3.11"),
        Interpreter("3.11.7"),
        (Package("numpy", "1.26.4"),),
    ),
    command=Command(("python", "train.py")),
    params=(Param("params.yaml", "lr", 0.1),),
)
CHANGED = replace(
    DEFINITION,
    source=Source("c" * 40, "e" * 40),
    params=(Param("params.yaml", "lr", 0.01),),
)
OTHER_DEFINITION = compare_manifests(
    Manifest(DEFINITION, RECORDED, "2024-05-01"),
    Manifest(CHANGED, RECORDED, "2024-05-02"),
    Policy(),
)


def hostile() -> tuple[Comparison, Heading]:
    """Names, values, paths, details and notes that a stranger chose."""

    def run(mark: str, other: str) -> Result:
        return result(
            metric(EVIL, EVIL + mark, EVIL),
            metric("only" + mark + EVIL, 1, EVIL),
            metric("text", EVIL, EVIL),
            Metric(EVIL, "s" + EVIL, MetricType.SERIES, steps=(EVIL,), values=(EVIL + mark,)),
            outputs=(output(EVIL, mark), output(EVIL + mark, mark), output("x.txt", mark)),
            missing_outputs=(EVIL + "gone",),
            modified_inputs=(EVIL,),
            deleted=(EVIL + mark,),
            host=Host(
                cpu=EVIL + mark,
                engine=EVIL + mark,
                isolation=EVIL + mark,
                threads={EVIL: mark},
                blas=(EVIL, mark),
            ),
            metric_sources=(
                MetricSource(EVIL, SourceState.READ),
                MetricSource(EVIL + "2", SourceState.UNREADABLE, detail=EVIL),
                MetricSource(EVIL + "3", SourceState.UNREADABLE, declared=False, detail=EVIL),
            ),
        )

    def definition(mark: str) -> Definition:
        return replace(
            DEFINITION,
            command=Command(("python", EVIL + mark)),
            env={EVIL: mark},
            params=(Param(EVIL, EVIL, EVIL + mark),),
            environment=replace(
                DEFINITION.environment, packages=(Package(EVIL, EVIL + mark, location=EVIL),)
            ),
        )

    a, b = run("1", "2"), run("2", "1")
    comparison = compare_manifests(
        Manifest(definition("1"), a, "2024"),
        Manifest(definition("2"), b, "2024"),
        Policy(tolerances=(Tolerance("t*", ignore=True),)),
        lambda descriptor: (EVIL + descriptor.digest).encode("utf-8", "replace"),
    )
    comparison = replace(comparison, next_step=EVIL)
    return comparison, Heading(Side.of(a, EVIL, EVIL, EVIL), Side.of(b, EVIL, EVIL, EVIL))
