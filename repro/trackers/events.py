"""TensorBoard's event files: the scalars in them, by tag and step."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from repro.capturing.flattening import escaped
from repro.manifest import Scalar, SourceState
from repro.trackers import wire
from repro.trackers.asides import is_aside, joined, said
from repro.trackers.nouns import MOST_POINTS, Found
from repro.trackers.records import Truncated, tfrecords
from repro.trackers.series import Point, metrics_of

_FORMS = {
    1: "f",
    2: "d",
    3: "i",
    4: "B",
    5: "h",
    6: "b",
    9: "q",
    17: "H",
    19: "e",
    22: "I",
    23: "Q",
}
"""How the number in ``tensor_content`` is packed, by the tensor's type."""
_KINDS = {3: "histogram", 4: "image", 5: "histogram", 6: "audio"}
_PLUGINS = {
    "histograms": "histogram",
    "images": "image",
    "audio": "audio",
    "text": "text",
    "pr_curves": "curve",
}


@dataclass
class _Seen:
    """What the files of one folder hold, as far as they were read."""

    points: dict[str, list[Point]] = field(default_factory=dict)
    asides: set[str] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    plugins: dict[str, str] = field(default_factory=dict)
    count: int = 0


def read(files: Iterable[Path], source: str) -> Found:
    """All event files of one folder as one place. Raises OSError, and ValueError where one is none."""
    seen, truncated = _Seen(), 0
    for path in sorted(files, key=lambda path: path.name):
        with path.open("rb") as stream:
            try:
                for number, record in enumerate(tfrecords(stream), 1):
                    _take(record, number, seen)
            except Truncated:
                truncated += 1
            except ValueError as error:
                raise ValueError(f"{path.name}: {error}") from error
    detail = joined(
        _cut_off(truncated),
        f"not compared: {_listed(seen.others)}" if seen.others else "",
        said(seen.asides),
    )
    metrics = metrics_of(seen.points, source)
    return Found(SourceState.READ if metrics else SourceState.EMPTY, detail, metrics)


def _cut_off(count: int) -> str:
    if not count:
        return ""
    which = "its last record is" if count == 1 else f"the last records of {count} files are"
    return f"{which} cut off: what stands before was read"


def _listed(others: Counter[str]) -> str:
    return ", ".join(f"{count} of {kind}" for kind, count in sorted(others.items()))


def _take(record: bytes, number: int, seen: _Seen) -> None:
    step, summaries = 0, []
    for item in wire.fields(record):
        match item[0]:
            case 2:
                step = wire.number(item)
            case 3 if number == 1 and not wire.text(item).startswith("brain.Event:"):
                raise ValueError("it is no event file")
            case 5:
                summaries.append(wire.raw(item))
    for summary in summaries:
        for item in wire.fields(summary):
            if item[0] == 1:
                _take_value(wire.raw(item), step, seen)


def _take_value(message: bytes, step: int, seen: _Seen) -> None:
    tag, kind = "", ""
    value: Scalar = None
    plugin: str | None = None
    for item in wire.fields(message):
        match item[0]:
            case 1:
                tag = wire.text(item)
            case 2:
                value = wire.single(item)
            case 8:
                kind, value = "tensor", _scalar(wire.raw(item))
            case 9:
                plugin = _plugin(wire.raw(item))
            case other if other in _KINDS:
                kind = _KINDS[other]
    # the metadata stands with the first value of a tag, not with each
    plugin = seen.plugins.setdefault(tag, plugin) if plugin else seen.plugins.get(tag, "")
    if plugin == "hparams" or tag.startswith("_hparams_"):
        return  # settings, that a run gets from its params
    if plugin and plugin != "scalars":
        kind, value = _PLUGINS.get(plugin, f"data of the plugin {plugin!r}"), None
    if value is None:
        seen.others[kind or "data of an unknown kind"] += 1
    elif is_aside(tag):
        seen.asides.add(tag)
    else:
        seen.count += 1
        if seen.count > MOST_POINTS:
            raise ValueError(f"more than {MOST_POINTS} values")
        seen.points.setdefault(escaped(tag), []).append((step, value))


def _plugin(metadata: bytes) -> str:
    for item in wire.fields(metadata):
        if item[0] == 1:
            for inner in wire.fields(wire.raw(item)):
                if inner[0] == 1:
                    return wire.text(inner)
    return ""


def _scalar(tensor: bytes) -> Scalar:
    """The number of a tensor without dimensions; None of any other."""
    dtype, content, rank = 0, b"", 0
    listed: list[Scalar] = []
    for item in wire.fields(tensor):
        match item[0]:
            case 1:
                dtype = wire.number(item)
            case 2:
                rank = sum(1 for inner in wire.fields(wire.raw(item)) if inner[0] == 2)
            case 4:
                content = wire.raw(item)
            case 5 | 6 | 7 | 10 | 11 | 13 | 16 | 17:
                listed = listed or list(_listed_numbers(item, dtype))
    if rank:
        return None
    if content:
        return _packed(content, dtype)
    return listed[0] if len(listed) == 1 else None


def _packed(content: bytes, dtype: int) -> Scalar:
    if dtype == 10 and len(content) == 1:
        return content != b"\0"
    if dtype == 14 and len(content) == 2:
        return float(struct.unpack("<f", b"\0\0" + content)[0])
    form = _FORMS.get(dtype)
    if form is None or len(content) != struct.calcsize(f"<{form}"):
        return None
    number: int | float = struct.unpack(f"<{form}", content)[0]
    return number


def _listed_numbers(item: wire.Field, dtype: int) -> Iterator[Scalar]:
    """At most two of the numbers: that there are two says that it is no scalar."""
    number, kind, value = item
    if kind == wire.BYTES:
        yield from _several(wire.raw(item), number, dtype)
    elif kind == wire.VARINT:
        yield _typed(wire.signed(value), dtype)
    else:
        yield wire.single(item) if kind == wire.FIXED32 else wire.double(item)


def _several(packed: bytes, number: int, dtype: int) -> Iterator[Scalar]:
    if number in (5, 6):
        form, size = ("<f", 4) if number == 5 else ("<d", 8)
        if len(packed) % size:
            raise ValueError("no message of this kind: a list of floats with half a one in it")
        yield from (
            struct.unpack_from(form, packed, at)[0] for at in range(0, len(packed), size)[:2]
        )
        return
    at = 0
    for _ in range(2):
        if at >= len(packed):
            return
        value, at = wire.varint(packed, at)
        yield _typed(wire.signed(value), dtype)


def _typed(value: int, dtype: int) -> Scalar:
    if dtype == 10:
        return bool(value)
    if dtype == 19:
        return float(struct.unpack("<e", struct.pack("<H", value & 0xFFFF))[0])
    if dtype == 14:
        return float(struct.unpack("<f", struct.pack("<I", (value & 0xFFFF) << 16))[0])
    return value % 2**64 if dtype == 23 else value
