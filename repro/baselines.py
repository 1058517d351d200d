"""The baselines of a project: which recorded run stands for what it should yield, and why that one.

`repro-baselines.yaml` lies beside repro.yaml and in git, so that a new baseline is reviewed like code
(specs/baselines.md). What was a baseline before stays in it, under ``history``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro import canonical, plain_yaml
from repro.errors import NewerSchema, UsageError
from repro.manifest import Host

NAME = "repro-baselines.yaml"
SCHEMA = "repro/baselines/v1"
HEAD = "# The runs that `repro verify` holds this project to. Written by `repro accept`: review it like code.\n"


@dataclass(frozen=True)
class HostClass:
    """Machines that are expected to yield the same. None: any."""

    architecture: str | None = None
    gpu: str | None = None
    """Model of the first GPU; ``none`` for a machine without."""

    @classmethod
    def of(cls, host: Host) -> HostClass:
        gpu = host.gpus[0].name if host.gpus else "none"
        return cls(host.architecture, gpu)

    def holds(self, other: HostClass) -> bool:
        """Whether a machine of the ``other`` class is one of this."""
        return self.architecture in (None, other.architecture) and self.gpu in (None, other.gpu)

    @property
    def is_any(self) -> bool:
        return self.architecture is None and self.gpu is None

    def __str__(self) -> str:
        parts = (
            self.architecture,
            self.gpu and (f"GPU {self.gpu}" if self.gpu != "none" else "no GPU"),
        )
        return ", ".join(filter(None, parts)) or "any machine"


@dataclass(frozen=True)
class Baseline:
    """One run that stands for what a training should yield."""

    name: str
    run: str
    """The whole id."""
    because: str
    by: str
    at: str
    host: HostClass = field(default_factory=HostClass)
    origin: str = ""
    """Where `repro pull` has it from; empty: nowhere but in stores that have it."""
    replaces: str = ""
    """Id of the run that was the baseline before."""
    replay: str = ""
    """Id of the replay whose result it is."""
    verdict: str = ""
    """That of the comparison with what it replaces."""
    changes: tuple[str, ...] = ()
    """What of it differs from what it replaces, a line each."""


@dataclass(frozen=True)
class Baselines:
    """The file."""

    current: tuple[Baseline, ...] = ()
    history: tuple[Baseline, ...] = ()
    """Newest first."""

    def named(self, name: str, host: HostClass) -> Baseline | None:
        """The one of exactly this name and class."""
        return next((item for item in self.current if (item.name, item.host) == (name, host)), None)

    def of_run(self, run: str) -> Baseline | None:
        """The first that stands for this run."""
        return next((item for item in self.current if item.run == run), None)

    def accepting(self, new: Baseline) -> Baselines:
        """With the new one in the place of the one of the same name and class."""
        old = self.named(new.name, new.host)
        kept = [item for item in self.current if item is not old]
        return Baselines(
            tuple(sorted((*kept, new), key=lambda item: (item.name, str(item.host)))),
            ((old, *self.history) if old else self.history),
        )

    def on(self, host: HostClass) -> tuple[tuple[Baseline, ...], tuple[str, ...]]:
        """Those that count on a machine of this class, one per name, the narrowest; and the names that
        have baselines for other classes only."""
        found: dict[str, Baseline] = {}
        for item in self.current:
            if item.host.holds(host) and (item.name not in found or found[item.name].host.is_any):
                found[item.name] = item
        names = {item.name for item in self.current}
        return tuple(found[name] for name in sorted(found)), tuple(sorted(names - found.keys()))


def load(folder: Path) -> Baselines:
    """The file of the project in ``folder``; none where it is not there. Raises UsageError."""
    path = folder / NAME
    try:
        document = plain_yaml.load(path.read_bytes())
        return _parsed(document)
    except FileNotFoundError:
        return Baselines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", "put back what git has, then accept again") from error


def save(folder: Path, baselines: Baselines) -> Path:
    """Write it, whole or not at all."""
    path = folder / NAME
    canonical.write_bytes(path, render(baselines).encode("utf-8"))
    return path


def render(baselines: Baselines) -> str:
    """The text: the same for the same baselines, an entry's lines together, so that git can merge it."""
    lines = [HEAD.rstrip("\n"), f"schema: {SCHEMA}", "baselines:"]
    for title, entries in (("", baselines.current), ("history:", baselines.history)):
        if title and entries:
            lines.append(title)
        for entry in entries:
            lines += _entry(entry)
    if not baselines.current:
        lines[2] = "baselines: []"
    return "\n".join(lines) + "\n"


def _entry(item: Baseline) -> Iterator[str]:
    yield f"  - name: {plain_yaml.scalar(item.name)}"
    yield f"    run: {plain_yaml.scalar(item.run)}"
    if not item.host.is_any:
        yield "    host:"
        for key in ("architecture", "gpu"):
            if value := getattr(item.host, key):
                yield f"      {key}: {plain_yaml.scalar(value)}"
    for key, value in (
        ("from", item.origin),
        ("because", item.because),
        ("by", item.by),
        ("at", item.at),
        ("replay", item.replay),
        ("replaces", item.replaces),
        ("verdict", item.verdict),
    ):
        if value:
            yield f"    {key}: {plain_yaml.scalar(value)}"
    if item.changes:
        yield "    changes:"
        yield from (f"      - {plain_yaml.scalar(change)}" for change in item.changes)


_KEYS = {
    "name": "name",
    "run": "run",
    "because": "because",
    "by": "by",
    "at": "at",
    "from": "origin",
    "replaces": "replaces",
    "replay": "replay",
    "verdict": "verdict",
}


def _parsed(document: Any) -> Baselines:
    if not isinstance(document, dict):
        raise ValueError("expected keys and values")
    schema = document.get("schema")
    if schema != SCHEMA:
        if isinstance(schema, str) and schema.startswith("repro/baselines/"):
            raise NewerSchema(f"{NAME} has schema {schema!r}, this repro reads {SCHEMA!r}",
                              "update repro: pip install -U repro-engine")  # fmt: skip
        raise ValueError(f"schema: expected {SCHEMA!r}, found {schema!r}")
    current = tuple(_baseline(item) for item in _list(document, "baselines"))
    seen: set[tuple[str, HostClass]] = set()
    for item in current:
        if (item.name, item.host) in seen:
            raise ValueError(f"{item.name!r} stands twice for {item.host}")
        seen.add((item.name, item.host))
    return Baselines(current, tuple(_baseline(item) for item in _list(document, "history")))


def _list(document: Mapping[str, Any], key: str) -> Iterable[Any]:
    value = document.get(key) or []
    if not isinstance(value, list):
        raise ValueError(f"{key}: expected a list")
    return value


def _baseline(entry: Any) -> Baseline:
    if not isinstance(entry, dict):
        raise ValueError("each baseline is keys and values")
    texts = {key: _text(entry, key) for key in _KEYS}
    if not texts["name"] or not re.fullmatch(r"[0-9a-f]{64}", texts["run"]):
        raise ValueError(
            f"a baseline has a name and the whole id of a run, found name {texts['name']!r} "
            f"and run {texts['run']!r}"
        )
    host = entry.get("host") or {}
    if not isinstance(host, dict):
        raise ValueError("host: expected architecture and gpu")
    changes = tuple(str(item) for item in _list(entry, "changes"))
    return replace(
        Baseline(texts["name"], texts["run"], "", "", ""),
        **{name: texts[key] for key, name in _KEYS.items()},
        host=HostClass(_text(host, "architecture") or None, _text(host, "gpu") or None),
        changes=changes,
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected text in quotes, found {value!r}")
    return value
