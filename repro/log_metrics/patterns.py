"""Metrics that the project's own patterns read: taken first, whatever they look like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from repro.log_metrics import bounded, labels, numbers
from repro.log_metrics.bounded import Match
from repro.log_metrics.items import Counter, Item
from repro.log_metrics.rules import Rules
from repro.log_metrics.series import Placed
from repro.manifest import Scalar

_DIGITS = re.compile(r"\d+")


@dataclass
class Matched:
    """The lines without what the patterns took out of them."""

    texts: list[str]
    placed: list[Placed] = field(default_factory=list)
    trouble: str = ""
    """Why the patterns could not be applied; then nothing was taken out."""


def read(texts: list[str], rules: Rules) -> Matched:
    """What the patterns match, line by line; the rest is left to the reader."""
    if not rules.patterns:
        return Matched(texts)
    found = bounded.search(texts, rules.patterns)
    if found.trouble:
        return Matched(texts, trouble=found.trouble)
    matched = Matched([])
    for number, text in enumerate(texts):
        matches = found.lines.get(number)
        matched.texts.append(_without(text, matches, matched) if matches else text)
    return matched


def _without(text: str, found: list[Match], matched: Matched) -> str:
    spans: list[tuple[int, int]] = []
    taken: list[tuple[int, int]] = []
    for match in found:
        start, end = match.spans.get("value", (-1, -1))
        if start < 0 or any(start < stop and begin < end for begin, stop in spans):
            continue
        spans.append((start, end))
        taken.append(_taken(match, text))
        matched.placed.append((_item(match, text), ()))
    if not taken:
        return text
    kept, at = [], 0
    for start, end in sorted(taken):
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return "\t".join([*kept, text[at:]])


def _group(match: Match, text: str, name: str) -> str:
    """What a group matched; empty where it did not, or is none."""
    start, end = match.spans.get(name, (-1, -1))
    return text[start:end] if start >= 0 else ""


def _taken(match: Match, text: str) -> tuple[int, int]:
    """What of the line is read thereby: the value, and what became its name or its step."""
    names = [name for name in ("name", "step") if _group(match, text, name)]
    start = match.start if "name" not in names else match.spans["name"][0]
    spans = [(start, match.spans["value"][1]), *(match.spans[name] for name in names)]
    return min(begin for begin, _ in spans), max(end for _, end in spans)


def _item(match: Match, text: str) -> Item:
    name = _group(match, text, "name")
    if not name:
        before = text[match.start : match.spans["value"][0]]
        name = labels.cleaned(_DIGITS.sub("#", before)) or match.pattern
    step = _group(match, text, "step")
    counters = (Counter("step", _scalar(step)),) if step else ()
    return Item(name.strip()[: labels.LONGEST], _scalar(_group(match, text, "value")), counters)


def _scalar(text: str) -> Scalar:
    """The number, or the text as it is: what a pattern took is a metric in any case."""
    try:
        return numbers.parse(text.strip())
    except ValueError:
        return text.strip()
