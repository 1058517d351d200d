"""How far a training scatters: a table, and as JSON (specs/documents.md)."""

from __future__ import annotations

from typing import Any

from repro import canonical, metric_names
from repro.manifest import Tolerance
from repro.noise import SURE, Kind, MetricNoise, Noise
from repro.report import layout
from repro.report.layout import clean, paint
from repro.store import Run

SCHEMA = "repro/noise/v1"
WIDE = 0.1
"""A relative spread that is no rounding any more."""
HEADER = ("metric", "least", "most", "deviation", "ULP", "tolerance")


def evidence(run: Run, found: Noise, date: str) -> str:
    """What a tolerance rests on, in one line."""
    return (
        f"repro noise, {date}: {found.replays} replays of {run.short}; with {SURE:.0%} confidence at least "
        f"{found.coverage:.0%} of further ones stay within"
    )


def shown(tolerance: Tolerance) -> str:
    return (
        f"relative {tolerance.relative!r}"
        if tolerance.relative
        else f"absolute {tolerance.absolute!r}"
    )


def as_json(run: Run, found: Noise, written: tuple[str, ...]) -> str:
    """One line."""
    document = {
        "schema": SCHEMA,
        "run": run.id,
        "replays": found.replays,
        "confidence": SURE,
        "coverage": round(found.coverage, 4),
        "metrics": [_metric(item) for item in found.metrics],
        "outputs_differing": list(found.outputs_differing),
        "written": list(written),
    }
    return canonical.dumps(document).decode("utf-8") + "\n"


def _metric(item: MetricNoise) -> dict[str, Any]:
    return {
        "source": item.source,
        "name": item.name,
        "kind": item.kind.value,
        "values": item.values,
        "minimum": item.minimum,
        "maximum": item.maximum,
        "deviation": item.deviation,
        "largest_absolute": item.largest_absolute,
        "largest_relative": item.largest_relative,
        "largest_ulp": item.largest_ulp,
        "step": item.step,
        "why": item.why,
        "tolerance": {
            "pattern": item.proposal.pattern,
            "absolute": item.proposal.absolute,
            "relative": item.proposal.relative,
        }
        if item.proposal
        else None,
    }


def render(run: Run, found: Noise, *, colour: bool, width: int) -> str:
    """The table of what scatters; in words, what does not, and what a tolerance cannot hold."""
    lines = [f"{found.replays} replays of {run.short}, and the record itself", ""]
    noisy = [item for item in found.metrics if item.kind is Kind.NOISY]
    if noisy:
        lines += _table(noisy, colour)
        lines.append("")
    names = metric_names.shown((item.source, item.name) for item in found.metrics)
    constant = [
        name for name, item in zip(names, found.metrics, strict=True) if item.kind is Kind.CONSTANT
    ]
    if constant:
        lines += layout.wrap(
            f"the same in all, bit for bit: {clean(', '.join(constant))}", width, "  ", "    "
        )
    for item in found.metrics:
        if item.kind is Kind.UNUSABLE:
            said = (
                f"{paint('no tolerance holds', 'bold red', colour)} {clean(item.name)}: {item.why}"
            )
            lines += layout.wrap(said, width, "  ", "    ")
    wide = [
        item.name for item in noisy if item.largest_relative is None or item.largest_relative > WIDE
    ]
    if wide:
        said = (
            f"so wide that it would pass nearly anything: {clean(', '.join(wide))}. That is no noise: "
            "seed the training, or look for the cause with repro probe"
        )
        lines += layout.wrap(said, width, "  ", "    ")
    if found.outputs_differing:
        lines += layout.wrap(
            f"outputs whose bytes differ: {clean(', '.join(found.outputs_differing))}",
            width,
            "  ",
            "    ",
        )
    lines += ["", *layout.wrap(_confidence(found), width)]
    return "\n".join(lines) + "\n"


def _confidence(found: Noise) -> str:
    if not found.proposals:
        return (
            f"nothing scatters in {found.replays} replays: with {SURE:.0%} confidence at least "
            f"{found.coverage:.0%} of further ones come out the same"
        )
    return (
        f"each tolerance holds all {found.replays} replays and the record; with {SURE:.0%} confidence at "
        f"least {found.coverage:.0%} of further ones stay within. 59 replays would make it 95%"
    )


def _table(noisy: list[MetricNoise], colour: bool) -> list[str]:
    rows = [
        (
            clean(item.name) + (f" at step {item.step}" if item.step is not None else ""),
            repr(item.minimum),
            repr(item.maximum),
            f"{item.deviation:.2g}",
            str(item.largest_ulp),
            shown(item.proposal) if item.proposal else "",
        )
        for item in noisy
    ]
    widths = [max(map(layout.width, column)) for column in zip(HEADER, *rows)]
    right = (1, 2, 3, 4)
    return [
        paint(layout.line(HEADER, widths, right), "dim", colour),
        *(layout.line(row, widths, right, "yellow", colour) for row in rows),
    ]
