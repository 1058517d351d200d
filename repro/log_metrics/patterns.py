"""Metrics that the project's own patterns read: taken first, whatever they look like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from repro.log_metrics import labels, numbers
from repro.log_metrics.items import Counter, Item
from repro.log_metrics.rules import Rules, compiled
from repro.log_metrics.series import Placed
from repro.manifest import Scalar

_DIGITS = re.compile(r"\d+")


@dataclass
class Matched:
    """The lines without what the patterns took out of them."""

    texts: list[str]
    placed: list[Placed] = field(default_factory=list)


def read(texts: list[str], rules: Rules) -> Matched:
    """What the patterns match, line by line; the rest is left to the reader."""
    if not rules.patterns:
        return Matched(texts)
    found = [compiled(pattern) for pattern in rules.patterns]
    matched = Matched([])
    for text in texts:
        matched.texts.append(_without(text, found, matched))
    return matched


def _without(text: str, found: list[re.Pattern[str]], matched: Matched) -> str:
    spans: list[tuple[int, int]] = []
    taken: list[tuple[int, int]] = []
    for pattern in found:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if start < 0 or any(start < stop and begin < end for begin, stop in spans):
                continue
            spans.append((start, end))
            taken.append(_taken(match))
            matched.placed.append((_item(pattern, match), ()))
    kept, at = [], 0
    for start, end in sorted(taken):
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return "\t".join([*kept, text[at:]])


def _taken(match: re.Match[str]) -> tuple[int, int]:
    """What of the line is read thereby: the value, and what became its name or its step."""
    names = [name for name in ("name", "step") if match.groupdict().get(name)]
    start = match.start() if "name" not in names else match.start("name")
    spans = [(start, match.end("value")), *(match.span(name) for name in names)]
    return min(begin for begin, _ in spans), max(end for _, end in spans)


def _item(pattern: re.Pattern[str], match: re.Match[str]) -> Item:
    groups = match.groupdict()
    name = groups.get("name")
    if not name:
        before = match.string[match.start() : match.start("value")]
        name = labels.cleaned(_DIGITS.sub("#", before)) or pattern.pattern
    step = groups.get("step")
    counters = (Counter("step", _scalar(step)),) if step else ()
    return Item(name.strip()[: labels.LONGEST], _scalar(groups["value"]), counters)


def _scalar(text: str) -> Scalar:
    """The number, or the text as it is: what a pattern took is a metric in any case."""
    try:
        return numbers.parse(text.strip())
    except ValueError:
        return text.strip()
