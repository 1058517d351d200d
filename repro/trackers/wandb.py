"""Weights & Biases' run folders: the history and the summary of their ``run-ID.wandb``.

The file is LevelDB's log of protobuf messages; the few fields of them that matter are numbered here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing.flattening import escaped
from repro.manifest import Metric, Scalar, SourceState
from repro.trackers import wire
from repro.trackers.asides import is_aside, joined, said
from repro.trackers.nouns import MOST_POINTS, Found
from repro.trackers.records import Truncated, wandb_records
from repro.trackers.series import Point, metrics_of, prefixes

_Key = tuple[str, ...]


@dataclass
class _Run:
    """One run, as far as its file was read."""

    name: str = ""
    started: tuple[int, int] = (0, 0)
    exit_code: int | None = None
    points: dict[_Key, list[Point]] = field(default_factory=dict)
    summary: dict[_Key, Scalar] = field(default_factory=dict)
    asides: set[str] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    truncated: bool = False
    count: int = 0


def read(files: Iterable[Path], source: str) -> Found:
    """The ``.wandb`` files of the runs of one command as one place of metrics.

    Raises OSError, and ValueError with one line, where one of them is none.
    """
    runs = sorted((_run(path) for path in files), key=lambda run: run.started)
    labels = prefixes([run.name for run in runs])
    metrics: list[Metric] = []
    for run, label in zip(runs, labels):
        named = {_name(key): points for key, points in run.points.items()}
        named.update(_summed_up(run))
        metrics.extend(metrics_of(named, source, label))
    state = SourceState.READ if metrics else SourceState.EMPTY
    return Found(state, _detail(runs), tuple(metrics))


def _detail(runs: Sequence[_Run]) -> str:
    others = sum((run.others for run in runs), Counter[str]())
    failed = [run for run in runs if run.exit_code]
    return joined(
        f"marked failed, exit code {failed[0].exit_code}" if failed else "",
        "its last record is cut off: what stands before was read"
        if any(run.truncated for run in runs)
        else "",
        "not compared: " + ", ".join(f"{count} of {kind}" for kind, count in sorted(others.items()))
        if others
        else "",
        said(name for run in runs for name in run.asides),
    )


def _name(key: _Key) -> str:
    return ".".join(map(escaped, key))


def _summed_up(run: _Run) -> dict[str, list[Point]]:
    """What the summary says beyond the last value of each history."""
    found: dict[str, list[Point]] = {}
    for key, value in run.summary.items():
        history = run.points.get(key)
        if history is None:
            found[_name(key)] = [(None, value)]
        elif repr(history[-1][1]) != repr(value):
            found["summary." + _name(key)] = [(None, value)]
    return found


def _run(path: Path) -> _Run:
    run = _Run()
    with path.open("rb") as stream:
        try:
            for record in wandb_records(stream):
                for item in wire.fields(record):
                    _take(item, run)
        except Truncated:
            run.truncated = True
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return run


def _take(item: wire.Field, run: _Run) -> None:
    match item[0]:
        case 2:
            _take_history(wire.raw(item), run)
        case 3:
            _take_summary(wire.raw(item), run)
        case 17:
            for inner in wire.fields(wire.raw(item)):
                if inner[0] == 8:
                    run.name = wire.text(inner)
                elif inner[0] == 17:
                    moment = {part[0]: wire.number(part) for part in wire.fields(wire.raw(inner))}
                    run.started = (moment.get(1, 0), moment.get(2, 0))
        case 18:
            codes = [wire.number(inner) for inner in wire.fields(wire.raw(item)) if inner[0] == 1]
            run.exit_code = codes[-1] if codes else 0


def _take_history(message: bytes, run: _Run) -> None:
    step: Scalar = None
    row: dict[_Key, Scalar | _Other] = {}
    for item in wire.fields(message):
        if item[0] == 1:
            key, value = _item(wire.raw(item))
            row[key] = value
        elif item[0] == 2:
            for inner in wire.fields(wire.raw(item)):
                step = wire.number(inner) if inner[0] == 1 else step
    given = row.pop(("_step",), None)
    step = step if given is None or isinstance(given, _Other) else given
    media = {key[:-1] for key in row if key[-1] == "_type"}
    run.others.update({"media": len(media)} if media else {})
    for key, value in row.items():
        if _is_kept(key, value, media, run):
            run.count += 1
            if run.count > MOST_POINTS:
                raise ValueError(f"more than {MOST_POINTS} values")
            run.points.setdefault(key, []).append((step, value))  # type: ignore[arg-type]


def _take_summary(message: bytes, run: _Run) -> None:
    updates: dict[_Key, Scalar | _Other] = {}
    for item in wire.fields(message):
        if item[0] not in (1, 2):
            continue
        key, value = _item(wire.raw(item))
        if item[0] == 1:
            updates[key] = value
        for known in [known for known in run.summary if known[: len(key)] == key]:
            del run.summary[known]  # a key stands for all that is below it
    media = {key[:-1] for key in updates if key[-1] == "_type"}
    silent = _Run()  # what is no metric was counted in the history
    for key, value in updates.items():
        if key != ("_step",) and _is_kept(key, value, media, silent):
            run.summary[key] = value  # type: ignore[assignment]
    run.asides |= silent.asides


def _is_kept(key: _Key, value: Scalar | _Other, media: set[_Key], run: _Run) -> bool:
    if any(key[: len(other)] == other for other in media):
        return False
    if is_aside(".".join(key)):
        run.asides.add(".".join(key))
        return False
    if isinstance(value, _Other):
        run.others[value.kind] += 1
        return False
    return True


@dataclass(frozen=True)
class _Other:
    """What is logged and is no number."""

    kind: str


def _item(message: bytes) -> tuple[_Key, Scalar | _Other]:
    """Key and value of an item of the history or of the summary."""
    parts: list[str] = []
    value: Scalar | _Other = None
    for item in wire.fields(message):
        match item[0]:
            case 1 | 2:
                parts.append(wire.text(item))
            case 4:
                value = wire.number(item) != 0
            case 5:
                value = wire.number(item)
            case 6:
                value = wire.double(item)
            case 7:
                value = _Other("text")
            case 8 | 16:
                value = _parsed(wire.raw(item))
    return tuple(parts) or ("",), value


def _parsed(text: bytes) -> Scalar | _Other:
    """A number, a truth value or null; what is more than that is not even parsed."""
    text = text.strip()
    if text[:1] in (b"[", b"{"):
        return _Other("lists and tables")
    if text[:1] == b'"':
        return _Other("text")
    if len(text) > 4000:
        raise ValueError("a number has too many digits")
    try:
        value: Scalar = json.loads(text)
    except ValueError as error:
        raise ValueError("a value of it is no JSON") from error
    return value
