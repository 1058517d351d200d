"""The run's parameters: what the files say that repro.yaml, dvc.yaml names, or that are usually there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.capturing import readers
from repro.manifest import Finding, Metric, MetricType, Param, Severity

USUAL = ("params.yaml", "params.json", "params.toml", "params.yml")
"""Read when nothing else is named, as DVC does."""


def read(
    workspace: Path, declared: Sequence[tuple[str, tuple[str, ...] | None]], usual: Sequence[str]
) -> tuple[tuple[Param, ...], tuple[Finding, ...]]:
    """Parameters by file and dotted name, sorted.

    ``declared``: (path relative to the workspace, names or None for all); a name covers what is
    nested below it. ``usual``: files that are read where they exist.
    """
    found: dict[tuple[str, str], Param] = {}
    findings: list[Finding] = []
    wanted = [*declared, *((path, None) for path in usual if (workspace / path).is_file())]
    for path, names in wanted:
        try:
            params = _params(workspace, path)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            findings.append(
                Finding(
                    Severity.RISKS,
                    "params",
                    f"the parameters of {path} could not be read: {reason}",
                    "they are not part of the record; mend the file or take it out of repro.yaml",
                )
            )
            continue
        for param in params:
            if names is None or any(_covers(name, param.name) for name in names):
                found[param.source, param.name] = param
        findings.extend(
            Finding(
                Severity.NOTE,
                "params",
                f"{path} has no parameter {name!r}",
                "see dvc.yaml's params",
            )
            for name in names or ()
            if not any(_covers(name, param.name) for param in params)
        )
    return tuple(found[key] for key in sorted(found)), tuple(findings)


def _covers(name: str, param: str) -> bool:
    return param == name or param.startswith(f"{name}.")


def _params(workspace: Path, path: str) -> list[Param]:
    reader = readers.reader_of(path)
    if reader is None:
        raise ValueError("its format is not known (JSON, YAML, TOML, CSV and TSV are)")
    absolute = workspace / path
    if absolute.exists() and not absolute.is_file():
        raise ValueError("it is no file")
    params: list[Param] = []
    for item in reader(absolute.read_bytes(), path):
        params.extend(_scalars(item))
    return params


def _scalars(item: Metric) -> list[Param]:
    match item.type:
        case MetricType.SERIES:
            return [
                Param(item.source, f"{item.name}.{at}", value)
                for at, value in enumerate(item.values)
            ]
        case MetricType.EMPTY_OBJECT:
            return [Param(item.source, item.name, "{}")]
        case MetricType.EMPTY_ARRAY:
            return [Param(item.source, item.name, "[]")]
    return [Param(item.source, item.name, item.value)]
