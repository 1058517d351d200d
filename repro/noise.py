"""How far a training scatters: per metric over several replays, and the tolerance that would hold it. Pure.

The confidence is that of a tolerance limit without any assumption on the distribution (Wilks, 1941): of N
independent replays the largest deviation bounds a share c of all further ones with probability 1 - c^N.
"""

from __future__ import annotations

import math
import re
import statistics
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import Enum

from repro.comparison import nature
from repro.comparison.metrics import tolerance_for
from repro.manifest import Metric, MetricType, Policy, Result, Scalar, Tolerance

SURE = 0.95
"""The confidence of what is claimed."""
WIDE = 10.0
"""A series whose values differ by more than this factor gets a relative tolerance."""


NOTHING = 1e-3
"""A size that may well be zero, such as that of a difference which should be none."""


class Kind(str, Enum):
    """What several replays have shown of a metric."""

    CONSTANT = "constant"
    """The same value, bit for bit, in the record and in every replay."""
    NOISY = "noisy"
    UNUSABLE = "unusable"
    """No tolerance could hold it: missing, of another type or without a number somewhere."""
    IGNORED = "ignored"
    """By the project's tolerances."""


@dataclass(frozen=True)
class MetricNoise:
    """One metric over the record and N replays of it."""

    source: str
    name: str
    kind: Kind
    values: int
    """Numbers looked at in each replay: the steps of a series, else 1."""
    minimum: float | None = None
    """Over all replays, the record too; of a series at the step where it scatters most."""
    maximum: float | None = None
    deviation: float | None = None
    """Sample standard deviation of the replays there."""
    largest_absolute: float = 0.0
    """Largest difference of any two, the record too, at one step."""
    largest_relative: float | None = 0.0
    largest_ulp: int | None = 0
    """In units in the last place of double precision; None: not between finite numbers."""
    step: Scalar = None
    """Where a series scatters most."""
    why: str = ""
    """Why it is unusable."""
    proposal: Tolerance | None = None


@dataclass(frozen=True)
class Noise:
    """What N replays say of a training."""

    replays: int
    metrics: tuple[MetricNoise, ...]
    outputs_differing: tuple[str, ...] = ()
    """Outputs whose bytes were not the same in all."""

    @property
    def coverage(self) -> float:
        """Share of further replays that, with the confidence SURE, deviate no more than these did."""
        return (1 - SURE) ** (1 / self.replays)

    @property
    def proposals(self) -> tuple[MetricNoise, ...]:
        return tuple(item for item in self.metrics if item.proposal)


def measured(recorded: Result, replays: Sequence[Result], policy: Policy) -> Noise:
    """The spread of every metric that any of them has. ``replays``: at least two that ran to their end."""
    several = [recorded, *replays]
    tables = [{(item.source, item.name): item for item in result.metrics} for result in several]
    names = sorted({name for table in tables for name in table})
    shared = [name for _, name in names]
    metrics = tuple(
        _metric(key, [table.get(key) for table in tables], policy, shared.count(key[1]) > 1)
        for key in names
    )
    return Noise(len(replays), metrics, _differing(several))


def _metric(
    key: tuple[str, str], found: Sequence[Metric | None], policy: Policy, ambiguous: bool
) -> MetricNoise:
    source, name = key
    present = next(item for item in found if item)
    if (rule := tolerance_for(present, policy)) and rule.ignore:
        return MetricNoise(source, name, Kind.IGNORED, _count(present))
    if why := _unusable(found):
        return MetricNoise(source, name, Kind.UNUSABLE, _count(present), why=why)
    metrics = [item for item in found if item]
    columns = _columns(metrics)
    if all(_same(column) for _, column in columns):
        return MetricNoise(source, name, Kind.CONSTANT, len(columns))
    if all(nature.varies(metrics[0], other) for other in metrics[1:] if other != metrics[0]):
        return MetricNoise(source, name, Kind.IGNORED, len(columns))
    bad = [step for step, column in columns if not _same(column) and not _finite(column)]
    if bad:
        where = "" if bad[0] is None else f" (step {bad[0]})"
        return MetricNoise(
            source, name, Kind.UNUSABLE, len(columns), why=f"not a number in some of them{where}"
        )
    numbers = [(step, _numbers(column)) for step, column in columns if _finite(column)]
    step, worst = max(numbers, key=lambda pair: max(pair[1]) - min(pair[1]))
    relatives = [_relative(column) for _, column in numbers]
    if _is_hopeless(worst):
        why = (
            f"from {min(worst):.6g} to {max(worst):.6g}: a tolerance this wide would hold anything"
        )
        return MetricNoise(source, name, Kind.UNUSABLE, len(columns), why=why)
    absolute = max(worst) - min(worst)
    relative = max(relatives) if all(math.isfinite(item) for item in relatives) else None
    pattern = _pattern(source, name, ambiguous)
    return MetricNoise(
        source,
        name,
        Kind.NOISY,
        len(columns),
        min(worst),
        max(worst),
        statistics.stdev(worst[1:]) if len(worst) > 2 else 0.0,
        absolute,
        relative,
        max(ulps(min(column), max(column)) for _, column in numbers),
        step,
        proposal=_proposed(pattern, numbers, absolute, relative),
    )


def _is_hopeless(column: Sequence[float]) -> bool:
    """Whether it scatters over its whole size, or changes its sign: then a training that learnt nothing lies
    within as well."""
    size = max(map(abs, column))
    return size > NOTHING and max(column) - min(column) >= size


def _count(metric: Metric) -> int:
    return len(metric.steps) if metric.type is MetricType.SERIES else 1


def _unusable(found: Sequence[Metric | None]) -> str:
    """Why no tolerance can hold it, empty where one can."""
    metrics = [item for item in found if item]
    if len(metrics) < len(found):
        return f"missing in {len(found) - len(metrics)} of {len(found)}"
    if len({item.type for item in metrics}) > 1:
        return "of another type in some of them"
    if len({item.steps for item in metrics}) > 1:
        return "with other steps in some of them"
    if (
        metrics[0].type not in (MetricType.NUMBER, MetricType.SERIES)
        and len({repr(item.value) for item in metrics}) > 1
    ):
        return f"a {metrics[0].type.value} that is not always the same"
    return ""


def _columns(metrics: Sequence[Metric]) -> list[tuple[Scalar, list[Scalar]]]:
    """Per step what each of them has there."""
    if metrics[0].type is not MetricType.SERIES:
        return [(None, [item.value for item in metrics])]
    return [
        (step, [item.values[at] for item in metrics]) for at, step in enumerate(metrics[0].steps)
    ]


def _same(column: Sequence[Scalar]) -> bool:
    """Bit for bit; NaN is NaN, and 1 is not 1.0 as little as True is 1."""
    return len({(type(value), repr(value)) for value in column}) == 1


def _finite(column: Sequence[Scalar]) -> bool:
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in column
    )


def _numbers(column: Sequence[Scalar]) -> list[float]:
    return [float(value) for value in column if isinstance(value, int | float)]


def _relative(column: Sequence[float]) -> float:
    """As a tolerance counts it: the difference by the larger of the two, at its worst."""
    low, high = min(column), max(column)
    if low == high:
        return 0.0
    return (high - low) / max(abs(low), abs(high))


def _proposed(
    pattern: str,
    numbers: Sequence[tuple[Scalar, list[float]]],
    absolute: float,
    relative: float | None,
) -> Tolerance:
    """The smallest round one that holds all of them: relative for what changes its size on the way."""
    sizes = [abs(value) for _, column in numbers for value in column]
    if relative is not None and relative < 1 and min(sizes) > 0 and max(sizes) / min(sizes) > WIDE:
        return Tolerance(pattern, relative=rounded_up(relative))
    return Tolerance(pattern, absolute=rounded_up(absolute))


def rounded_up(value: float) -> float:
    """The next number of two digits that is not smaller."""
    if value <= 0:
        return 0.0
    exact = Decimal(value)
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    found = float((exact / step).to_integral_value(ROUND_CEILING) * step)
    return found if found >= value else math.nextafter(found, math.inf)


_GLOB = re.compile(r"([*?\[])")


def _pattern(source: str, name: str, ambiguous: bool) -> str:
    whole = f"{source}:{name}" if ambiguous else name
    return _GLOB.sub(r"[\1]", whole)


def ulps(a: float, b: float) -> int:
    """How many doubles lie between two finite ones, and one."""
    return abs(_ordered(a) - _ordered(b))


def _ordered(value: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _differing(several: Sequence[Result]) -> tuple[str, ...]:
    tables = [{item.path: item.digest for item in result.outputs} for result in several]
    paths = sorted({path for table in tables for path in table})
    return tuple(path for path in paths if len({table.get(path) for table in tables}) > 1)
