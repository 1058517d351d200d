"""A log's metrics: the whole way from bytes to nouns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from repro.log_metrics import (
    arrays,
    asides,
    documents,
    labels,
    lines,
    messages,
    pairs,
    patterns,
    prefixes,
    series,
    shapes,
    tables,
    worded,
)
from repro.log_metrics.items import Counter, Found, Item, SetAside
from repro.log_metrics.rules import Rules
from repro.manifest import Aside, Metric, Uncompared

_UNNAMED = re.compile(r"(?:\(\d+\)|\(of\)|\(%\)|\(\+/-\)|\[.*)?")
_DIGITS = re.compile(r"(?<![\w.])\d[\d.,]{0,40}")
_SETTING = re.compile(r"\s*[A-Za-z_][\w.]{0,80}=[^\s=]\S{0,200},\s*")
_CLOSED = re.compile(r"[)\]}]\s*")
_PATIENCE = 20
_GAP = 2
"""Blank lines that a table may have between its rows."""


@dataclass(frozen=True)
class Reading:
    """What a log says."""

    metrics: tuple[Metric, ...]
    """Sorted by name."""
    uncompared: tuple[Uncompared, ...]
    """What was recognised and is not compared, sorted by name."""
    trouble: str = ""
    """Why the project's patterns could not be applied: the metrics are not those that it asked for."""


@dataclass
class _Told:
    """What was set aside under one name."""

    example: str
    count: int = 0


@dataclass
class _Collected:
    placed: list[series.Placed] = field(default_factory=list)
    told: dict[tuple[str, Aside], _Told] = field(default_factory=dict)
    counters: list[series.Counted] = field(default_factory=list)
    inherited: dict[int | None, dict[str, Counter]] = field(default_factory=dict)
    """Of each process, where lines say which of several they are of."""

    def add(self, found: Found, rank: int | None = None) -> None:
        own = self.inherited.setdefault(rank, {})
        inherited = tuple(own.values())
        self.placed.extend((replace(item, rank=rank), inherited) for item in found.items)
        for counter in found.counters:
            own[counter.name] = counter
            self.counters.append((counter, rank))
        for aside in found.asides:
            self.tell(aside.name, aside.reason, aside.example)

    def tell(self, name: str, reason: Aside, example: str, count: int = 1) -> None:
        self.told.setdefault((name, reason), _Told(example)).count += count


def read(
    content: bytes,
    source: str,
    rules: Rules = Rules(),  # noqa: B008  frozen
    size: int = 0,
) -> Reading:
    """The metrics in what a command printed. Never raises; same bytes, same reading.

    ``size``: bytes of the whole log, where ``content`` is its beginning only.
    """
    seen = lines.split(content, size)
    collected = _Collected()
    matched = patterns.read(seen.texts, rules)
    for found, rank in _Reader(matched.texts).all():
        collected.add(found, rank)
    if seen.overwritten:
        collected.tell(
            "overwritten lines", Aside.PROGRESS, seen.first_overwritten, seen.overwritten
        )
    if seen.unread:
        collected.tell("rest of the log", Aside.UNREAD, f"{seen.unread} bytes")
    metrics = series.metrics([*collected.placed, *matched.placed], collected.counters, source)
    kept = tuple(metric for metric in metrics if not rules.ignores(metric.name))
    for metric in metrics:
        if rules.ignores(metric.name):
            value = metric.values[0] if metric.values else metric.value
            collected.tell(metric.name, Aside.IGNORED, f"{value}"[:80], len(metric.values) or 1)
    return Reading(kept, _uncompared(collected, source), matched.trouble)


def _uncompared(collected: _Collected, source: str) -> tuple[Uncompared, ...]:
    return tuple(
        Uncompared(source, name, reason, told.example, told.count)
        for (name, reason), told in sorted(collected.told.items())
    )


class _Reader:
    """Goes through the lines; knows what the lines before said of those that follow."""

    def __init__(self, texts: list[str]) -> None:
        self.texts: list[str] = []
        self.prefixes: list[tuple[SetAside, ...]] = []
        self.ranks: list[int | None] = []
        for text in texts:
            message, prefix = prefixes.stripped(text)
            self.texts.append(message)
            self.prefixes.append(prefix)
            self.ranks.append(prefixes.rank(text) if prefix else None)
        self.process, self.texts = prefixes.without_process(texts, self.texts)
        self.table: tables.Table | None = None
        self.plans: dict[str, shapes.Plan | None] = {}
        self.blanks = 0
        self.heading = ""
        self.indent = 0
        self.opens = self.underlined = False
        """Whether the heading holds for the lines below it: those further in, or all."""
        self.failures = 0
        self.hopeless = -1
        """No document that begins before this line ends: not looked for again."""

    def all(self) -> Iterator[tuple[Found, int | None]]:
        """What the lines say, each with the process that printed it, where that is told."""
        at = 0
        if self.process:
            yield Found(asides=(SetAside("process number", Aside.SETTING, self.process),)), None
        while at < len(self.texts):
            rank = self.ranks[at]
            if self.prefixes[at]:
                yield Found(asides=self.prefixes[at]), rank
            step, found = self._next(at)
            if found:
                yield found, rank
            at += step

    def _next(self, at: int) -> tuple[int, Found | None]:
        """How many lines were read, and what they say."""
        text = self.texts[at]
        if not text.strip():
            self.blanks += 1
            return 1, None
        if tables.is_rule(text):
            return 1, None
        if lines_of_it := messages.span(self.texts, at):
            told = SetAside("traceback or warning", Aside.PATH, text.strip()[:80])
            return lines_of_it, Found(asides=(told,))
        if messages.is_of_a_tool(text):
            return 1, Found(
                asides=(SetAside("message of a tool", Aside.SETTING, text.strip()[:80]),)
            )
        if messages.is_command(text, self.texts[at - 1] if at else ""):
            return 1, Found(asides=(SetAside("command line", Aside.SETTING, text.strip()[:80]),))
        if found := self._row(text):
            return 1, self._headed(found)
        self.blanks = 0
        if found := tables.quantile(text):
            return 1, self._headed(found)
        if self.table is None and self._plain(at):
            return 1, self._line(at)
        if result := self._document(at):
            self.table = None
            return result
        if begun := tables.header(self.texts, at):
            self.table, first = begun
            return first - at, None
        self.table = None
        if result := self._array(at):
            return result
        return 1, self._line(at)

    def _plain(self, at: int) -> bool:
        """Whether a line of the same shape was read before, and nothing beside it matters."""
        if not self.plans.get(shapes.shape(self.texts[at])):
            return False
        around = self.texts[max(0, at - 1) : at + 2]
        return not any(map(tables.is_rule, around))

    def _row(self, text: str) -> Found | None:
        if self.table is None or self.blanks > _GAP:
            return None
        return tables.row(self.table, text)

    def _document(self, at: int) -> tuple[int, Found | None] | None:
        text = self.texts[at]
        begin = documents.start(text)
        if begin < 0 or at < self.hopeless:
            return None
        end = documents.gathered(self.texts, at, begin)
        if end is None:
            self._fail(at)
            return None
        more, stop = end
        whole = "\n".join(self.texts[at : at + more + 1])
        cut = len(whole) - len(self.texts[at + more]) + stop
        found = documents.read(text[:begin], whole[begin:cut], whole[cut:])
        return (more + 1, self._headed(found)) if found else None

    def _fail(self, at: int) -> None:
        """What does not end costs a look at many lines; after some of these none is tried."""
        self.failures += 1
        if self.failures % _PATIENCE == 0:
            self.hopeless = at + documents.LINES

    def _array(self, at: int) -> tuple[int, Found | None] | None:
        if at < self.hopeless or not (begun := arrays.gathered(self.texts, at)):
            return None
        more, label, text = begun
        if more < 0:
            self._fail(at)
            return None
        found = arrays.read(label, text)
        return (more + 1, self._headed(self._named(found))) if found else None

    def _line(self, at: int) -> Found:
        text = self.texts[at]
        indented = len(text) - len(text.lstrip()) > self.indent
        if self.opens and indented and asides.LISTED.search(self.heading):
            return self._headed(pairs.read(text, listed=True))
        found = shapes.read(text, self.plans)
        told = worded.read(text, bool(found.items or found.asides), found.counters)
        found = self._numbers(at, found)
        return replace(found, items=(*found.items, *told)) if told else found

    def _numbers(self, at: int, found: Found) -> Found:
        text = self.texts[at]
        if not found.items or text.rstrip().endswith(":"):
            if not found.asides or text.rstrip().endswith(":"):  # ``SPS: 4123`` is no title
                self._head(at)
            return self._named(found)
        found = self._named(found)
        under = self.opens and len(text) - len(text.lstrip()) > self.indent
        return self._headed(found) if under or self.underlined else found

    def _head(self, at: int) -> None:
        text = self.texts[at]
        if _SETTING.fullmatch(text):
            return  # one of a list, and no title of what follows
        if _CLOSED.fullmatch(text):
            self.heading, self.opens, self.underlined = "", False, False
            return
        heading = labels.cleaned(_DIGITS.sub("#", text))
        if heading and any(map(str.isalpha, heading)) and len(heading) <= labels.LONGEST:
            self.heading, self.indent = heading, len(text) - len(text.lstrip())
            self.opens = text.rstrip().endswith(":")
            self.underlined = at + 1 < len(self.texts) and tables.is_rule(self.texts[at + 1])

    def _headed(self, found: Found) -> Found:
        items = tuple(replace(item, heading=self.heading) for item in found.items)
        return replace(found, items=items)

    def _named(self, found: Found) -> Found:
        """Numbers without any name take that of the line above."""
        return replace(found, items=tuple(map(self._name, found.items)))

    def _name(self, item: Item) -> Item:
        if not _UNNAMED.fullmatch(item.name):
            return item
        name = self.heading or "(unnamed)"
        joint = "" if item.name.startswith("[") else " "
        return replace(item, name=f"{name}{joint}{item.name}".strip())
