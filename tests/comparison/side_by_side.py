"""Results and definitions to compare: a healthy one, and short ways to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repro.comparison import Comparison, compare_results
from repro.comparison.numbers import kind
from repro.manifest import (
    Command,
    Data,
    DataKind,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Host,
    Image,
    Interpreter,
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
    Stage,
    Submodule,
)

FILE = "metrics.json"


def metric(name: str, value: Scalar, source: str = FILE) -> Metric:
    return Metric(source, name, kind(value), value)


def series(
    name: str, values: tuple[Scalar, ...], steps: tuple[Scalar, ...] | None = None
) -> Metric:
    labels = tuple(range(len(values))) if steps is None else steps
    return Metric(FILE, name, MetricType.SERIES, steps=labels, values=values)


def empty(name: str, kind: MetricType = MetricType.EMPTY_OBJECT) -> Metric:
    return Metric(FILE, name, kind)


def output(path: str, content: str = "0", size: int = 10, **more: Any) -> Descriptor:
    return Descriptor(path, f"sha256:{content * 64}"[:71], size, **more)


def result(*metrics: Metric, **more: Any) -> Result:
    """A finished run with these metrics; their sources are declared and were read."""
    fields: dict[str, Any] = {
        "observed": True,
        "outcome": Outcome.FINISHED,
        "exit_code": 0,
        "started": "2024-05-01T12:00:00Z",
        "ended": "2024-05-01T12:01:00Z",
        "duration": 60.0,
        "peak_memory": None,
        "host": Host(),
        "metrics": metrics,
        "metric_sources": tuple(
            MetricSource(path, SourceState.READ) for path in sorted({m.source for m in metrics})
        ),
    }
    return Result(**{**fields, **more})


def scalars(**values: Scalar) -> Result:
    return result(*(metric(name, value) for name, value in values.items()))


def compared(a: Result, b: Result, *tolerances: Any, **policy: Any) -> Comparison:
    return compare_results(a, b, Policy(tolerances=tolerances, **policy))


DEFINITION = Definition(
    source=Source("c" * 40, "d" * 40, submodules=(Submodule("lib", "e" * 40, "f" * 40),)),
    data=(Data("data/train.csv", DataKind.FILE, "md5:" + "1" * 32, 100, 1),),
    environment=Environment(
        EnvironmentKind.PACKAGES,
        Image("python:3.11", "sha256:" + "a" * 64, "sha256:" + "b" * 64, "Dockerfile", {"x": None}),
        Interpreter("3.11.7"),
        (Package("numpy", "1.26.4"), Package("torch", "2.2.0")),
    ),
    command=Command(("python", "train.py"), (Stage("train", ("python train.py",)),)),
    env={"PYTHONHASHSEED": "0"},
    params=(Param("params.yaml", "lr", 0.1),),
)


def with_image(definition: Definition, **changes: Any) -> Definition:
    assert definition.environment.image
    image = replace(definition.environment.image, **changes)
    return replace(definition, environment=replace(definition.environment, image=image))
