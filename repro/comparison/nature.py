"""Values in files that no two runs have in common: how long it took, when it was, on which machine.

A training that writes ``training_time_seconds`` or ``run_id`` beside its accuracy is no other training for
it. Told by a name whose every word is known, and by the values: what is in doubt stays a metric.
"""

from __future__ import annotations

import re

from repro.manifest import Metric, MetricType, Scalar

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_DOT = re.compile(r"(?<!\\)\.")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_TIMES = _words(
    "time times runtime walltime elapsed duration durations seconds secs sec ms msec millis",
    "minutes mins hours took latency",
)
_OF_A_RUN = _words(
    "train training trained fit fitting refit score scoring eval evaluation test testing val valid",
    "validation inference predict prediction preprocess preprocessing load loading run running",
    "execution exec total wall clock cpu epoch epochs step batch fold iter iteration tuning search",
    "build process job pipeline mean std avg average median min max sum per in s since start",
    "cumulative",
)
_RESULTS = _words("score prediction")
_UNITS = _words("mb gb kb mib gib kib bytes usage used percent peak")
_MEMORIES = _words("memory mem rss ram vram")
_RATES = _words("throughput fps")
_COUNTED = _words(
    "samples examples steps tokens images items iterations its batches frames rows sentences episodes",
    "epochs words records",
)
_A_WHILE = _words("second sec s minute min hour")
_HAPPENED = _words(
    "timestamp timestamps datetime created started finished ended saved generated updated trained",
    "evaluated completed logged recorded written run date time at on start end begin utc local iso",
)
_WHERE = _words("host hostname nodename user username pid ppid")
_NUMBERED = _words("pid ppid")
_DRAWN = _words(
    "id uuid guid run experiment exp session job trial task process request study sweep parent group model"
    " execution wandb mlflow"
)
_SET = _words(
    "seed random learning epoch epochs batch lr n num samples rows examples images tokens records columns cols",
    "features step steps iterations classes params parameters version estimators folds splits layers",
)
"""What a training is told, or counts of its data."""
_OF_WHAT_IS_SET = _words(
    "state size learning rate number count train training test testing val valid validation eval total max of per",
    "trainable hidden dim depth data dataset k cv used",
)

_DAY = r"20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[:-]?[0-5]\d[:-]?[0-5]\d"
_ZONE = r"(?:Z|[ ]?UTC|[+-]\d\d:?\d\d)?"
_MOMENT = re.compile(rf"{_DAY}[T _@-]{{1,2}}{_CLOCK}(?:[.,]\d{{1,9}})?{_ZONE}", re.ASCII)
_FINE = re.compile(rf"{_DAY}[T ]{_CLOCK}\.(?!0+(?!\d))\d{{6}}{_ZONE}", re.ASCII)
"""To the microsecond: what a clock shows, and data hardly ever."""
_UUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}")
_CLOCK_TIME = re.compile(
    r"(?:\d+ days?,? )?\d{1,3}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?|[\d.]+ ?(?:s|sec|seconds|ms|min)"
)
_EPOCH = (978_307_200, 4_102_444_800)
"""Seconds, from 2001 to 2100."""


def varies(a: Metric, b: Metric) -> str:
    """Why two values of that name differ though the training does not: ``a duration``, ``a date`` …; empty
    where nothing says so. Symmetric."""
    values = (*_values(a), *_values(b))
    if not values:
        return ""
    parts = [word.lower() for word in _WORD.findall(_DOT.split(a.name)[-1])]
    known = set(parts)
    if all(_is_text(value, _FINE) for value in values):
        return "a date"
    if known and known <= _HAPPENED and all(map(_is_moment, values)):
        return "a date"
    if _is_one(a) and _is_one(b) and (why := _of_one(parts, values)):
        return why
    if not all(map(_is_measured, values)) or _is_judged(parts):
        return ""
    if known & _TIMES and known <= _TIMES | _OF_A_RUN:
        return "a duration"
    if known & _MEMORIES and known <= _MEMORIES | _UNITS | _OF_A_RUN:
        return "memory"
    if known & _RATES and known <= _RATES | _OF_A_RUN | _TIMES:
        return "a rate"
    return "a rate" if _is_per_while(known) else ""


def _of_one(parts: list[str], values: tuple[Scalar, ...]) -> str:
    """Of what is the same in all of a run: a column in which ids or users differ is data."""
    known = set(parts)
    if parts[-1:] in (["id"], ["uuid"], ["guid"]) and known <= _DRAWN:
        return "an id" if all(_is_text(value, _UUID) for value in values) else ""
    if not known & _WHERE or not known <= _WHERE | {"name", "id"}:
        return ""
    told = known & _NUMBERED or all(isinstance(value, str) for value in values)
    return "of the machine" if told else ""


def _is_per_while(known: set[str]) -> bool:
    """Whether it counts things in a while: ``samples_per_second``."""
    per_while = "per" in known and known & _A_WHILE and known & _COUNTED
    return bool(per_while) and known <= _COUNTED | _A_WHILE | _OF_A_RUN


def is_by_the_way(name: str) -> bool:
    """Whether what is called so is of the run, of its settings or a count of its data: the same number there
    says nothing of the model."""
    parts = [word.lower() for word in _WORD.findall(_DOT.split(name)[-1])]
    known = set(parts)
    if known & _SET and known <= _SET | _OF_WHAT_IS_SET:
        return True
    if _is_judged(parts):
        return False
    return _is_per_while(known) or any(
        known & these and known <= these | those
        for these, those in (
            (_TIMES, _OF_A_RUN),
            (_MEMORIES, _UNITS | _OF_A_RUN),
            (_RATES, _OF_A_RUN | _TIMES),
            (_WHERE, {"name", "id"}),
        )
    )


def _is_one(metric: Metric) -> bool:
    return len(set(_values(metric))) == 1


def _is_judged(parts: list[str]) -> bool:
    """Whether the name ends in what a model is told by: ``latency_score`` is no latency."""
    return len(parts) > 1 and parts[-1] in _RESULTS and parts[-2] != "per"


def _values(metric: Metric) -> tuple[Scalar, ...]:
    return metric.values if metric.type is MetricType.SERIES else (metric.value,)


def _is_text(value: Scalar, shape: re.Pattern[str]) -> bool:
    return isinstance(value, str) and shape.fullmatch(value) is not None


def _is_moment(value: Scalar) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _EPOCH[0] <= value < _EPOCH[1] or _EPOCH[0] <= value / 1000 < _EPOCH[1]
    return _is_text(value, _MOMENT)


def _is_measured(value: Scalar) -> bool:
    """A number, or a time as a clock shows it. NaN and the infinities measure nothing."""
    if isinstance(value, str):
        return _CLOCK_TIME.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0
