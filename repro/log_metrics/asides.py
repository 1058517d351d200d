"""What a name says of its number: that it varies between two runs of the same thing."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from repro.log_metrics.words import words
from repro.manifest import Aside

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|%")

_NAMES = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")

_TIME = words(
    "time runtime walltime etime dur elapsed duration latency seconds secs sec ms msec minutes mins hours"
    " wallclock uptime ett timing timings wall"
)
_NO_TIME = words(
    "step steps series point points frame frames stamp lag lags invariant horizon index"
)
_TIMESTAMP = words("timestamp timestamps date datetime")
_RATE = words("throughput fps sps ups speed ips wps tps mfu hfu tflops gflops qps bandwidth")
_MEMORY = words("memory mem ram vram rss gpumem")
_MACHINE = words(
    "pid ppid port hostname host gpu gpus cpu cpus cores thread threads worker workers njobs"
    " device devices cuda cudnn nproc jobs watts"
)
_IDENTITY = words("uuid guid uid")
_COUNTED_UP = {"v_num"}
"""Lightning's number of a run: the next one that is free in the folder."""
_RUNS = words("run job session process task thread request")
_METRICS = words(
    "loss acc accuracy error err mae mse rmse mape f1 auc ap map score scores precision recall r2"
    " bleu reward return perplexity ppl"
)
_OF_THE_WORLD = words(
    "survival event failure death relapse recovery arrival delivery travel trip commute flight lead waiting wait"
    " stay studied played worked slept week wind vehicle car agent forward walking torso"
)
_OF_A_PROGRAM = words(
    "data io gpu cpu comm sync batch loader loading queue lock barrier thread worker"
)
LISTED = re.compile(r"(?i)importance|coefficient|\bcoefs?\b|correlation|\bgain\b|\bshap\b")
"""What features are listed under: there ``duration`` is one of them."""
_JUDGED = _METRICS - words("score scores map")
_OF = words("at on over in of by with for vs after using across from under against")
_CHOSEN = words("best optimal selected chosen kernel kde gaussian")
_RANKS = words(
    "rank local global world process node ddp mpi my this worker gpu device cuda distributed data tensor"
    " pipeline parallel model group current dp tp pp in started starting from on init initialized"
)
_BRACKETED = re.compile(r"\s*[(\[][^()\[\]]*[)\]]?\W*$")
_UNLIKE = {"tree", "leaf", "leaves", "hidden", "depth", "output", "input", "split", "graph"}
_UNITS = {"s": Aside.DURATION, "ms": Aside.DURATION, "sec": Aside.DURATION, "secs": Aside.DURATION}
_PER = re.compile(r"/ ?(?:s|sec|second|min)(?![\w])")
_IN_BRACKETS = re.compile(r"[(\[]\s?(s|ms|sec|secs|seconds|min|h|it/s|[MG]i?B)[)\]]\W*$")


@functools.lru_cache(maxsize=8192)
def by_name(name: str) -> Aside | None:
    """Why a number of that name is no metric; None: it is one."""
    parts = [word.lower() for word in _WORDS.findall(name)]
    if not parts or parts[-1] in _METRICS or _is_judged(name):
        return None
    known = set(parts)
    if known & _OF_THE_WORLD and known & (_TIME | {"speed"}) and not known & _OF_A_PROGRAM:
        return None
    if _rate(parts, name):
        return None if parts[-1] == "bandwidth" and known & _CHOSEN else Aside.RATE
    if known & _TIME and not _follows(parts, _TIME, _NO_TIME):
        return Aside.DURATION
    if unit := _IN_BRACKETS.search(name):
        return _UNITS.get(unit[1], Aside.MEMORY if unit[1].endswith("B") else Aside.DURATION)
    if parts[-1] in _TIMESTAMP:
        return Aside.DATE
    if known & _MEMORY:
        return Aside.MEMORY
    if name in _COUNTED_UP:
        return Aside.IDENTIFIER
    said = [word for word in parts if word != "with"] or parts  # ``Started run with ID "2"``
    if parts[-1] in _IDENTITY or (said[-1] == "id" and said[-2:-1] and said[-2] in _RUNS):
        return Aside.IDENTIFIER
    if parts[-1] == "rank" and known <= _RANKS:
        return Aside.SETTING
    if parts[-1] in _MACHINE and not known & _UNLIKE:
        return Aside.SETTING
    if parts[-1] in ("progress", "complete", "completed", "percent_done"):
        return Aside.PROGRESS
    return None


def _is_judged(name: str) -> bool:
    """Whether it says how good a model is, whatever else it says: ``MAE (min)``, ``F1 on GPU``."""
    parts = [word.lower() for word in _NAMES.findall(name)]
    bare = [word.lower() for word in _NAMES.findall(_BRACKETED.sub("", name))]
    if bare[-1:] and bare[-1] in _JUDGED:
        return True
    return any(word in _METRICS and then in _OF for word, then in pairwise(parts))


def _rate(parts: list[str], name: str) -> bool:
    if "per" in parts[:-1] and parts[parts.index("per") + 1] in (
        "second",
        "sec",
        "s",
        "minute",
        "hour",
    ):
        return True
    return bool(set(parts) & _RATE) or _PER.search(name) is not None


def _follows(parts: list[str], these: frozenset[str], those: frozenset[str]) -> bool:
    """Whether one of these parts is only the beginning of another: ``time step``, ``time series``."""
    return all(
        at + 1 < len(parts) and parts[at + 1] in those
        for at, word in enumerate(parts)
        if word in these
    )
