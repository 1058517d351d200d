"""Paths without what differs from run to run: the time in them, the number that a tool counts up.

``outputs/2026-01-15/12-00-04/metrics.json`` is ``outputs/{time}/{time}/metrics.json`` in every run. A
date counts as the run's own only where the run began about then: a data set's date is a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone

TIME, COUNT = "{time}", "{n}"

_DATE = re.compile(
    r"(?<!\d)(?P<y>20\d\d)[-_.]?(?P<m>\d\d)[-_.]?(?P<d>\d\d)"
    r"(?:(?:[-_ .]|T|_at_|__)?(?P<H>\d\d)[-_:.hH]?(?P<M>\d\d)(?:[-_:.mM]?(?P<S>\d\d))?"
    r"(?:[.,_-]\d{3,6}(?![0-9a-z]))?Z?)?"  # and not the beginning of a container's name
    r"(?!\d)"
)
_CLOCK = re.compile(r"(?<!\d)[0-2]\d[-_.:]?[0-5]\d(?:[-_.:]?[0-6]\d)?(?!\d)")
_SECONDS = re.compile(r"(?<!\d)(?P<s>1\d{9})(?:\d{3})?(?:\.\d+)?(?!\d)")
_TORCH = re.compile(r"(?P<date>[A-Z][a-z]{2}\d\d)_\d\d-\d\d-\d\d_.*")
"""SummaryWriter's own: the host's name and a comment follow, and nothing tells them apart."""
_VERSION = re.compile(r"version_\d+")
"""Lightning's own: the next one that is free."""
_EARLIER, _LATER = timedelta(hours=15), timedelta(days=30)
"""Around the start: clocks are local, and runs take their time."""


def namer(known: Collection[str], started: float | None) -> Callable[[str], str]:
    """What a path is called. ``known``: names of the recorded run, which are taken as they are."""
    names = frozenset(known)

    def called(path: str) -> str:
        if path in names:
            return path
        anyway = _without(path, None)
        if anyway in names:
            return anyway
        return path if started is None else _without(path, started)

    return called


def is_stamped(path: str) -> bool:
    """Whether there is anything in it that may be the time or the number of a run."""
    return _without(path, None) != path


def order(path: str) -> list[tuple[int, str]]:
    """By what to sort paths so that version_10 comes after version_9."""
    return [
        (int(part), "") if part.isdecimal() and len(part) < 19 else (-1, part)
        for part in re.split(r"(\d+)", path)
    ]


def numbered(name: str, number: int) -> str:
    """The name of one of several that are called the same, the first of them by the name alone."""
    if number == 1:
        return name
    at = max(name.rfind(TIME) + len(TIME), name.rfind(COUNT) + len(COUNT))
    at = at if max(name.rfind(TIME), name.rfind(COUNT)) >= 0 else len(name)
    return f"{name[:at]} {number}{name[at:]}"


def _without(path: str, started: float | None) -> str:
    parts = path.split("/")
    done: list[str] = []
    for at, part in enumerate(parts):
        is_folder = at < len(parts) - 1
        if is_folder and _VERSION.fullmatch(part):
            done.append(f"version_{COUNT}")
        elif is_folder and (match := _TORCH.fullmatch(part)) and _is_torch(match["date"], started):
            done.append(TIME)
        else:
            done.append(_replaced(part, started, after_date=bool(done) and TIME in done[-1]))
    return "/".join(done)


def _replaced(part: str, started: float | None, *, after_date: bool) -> str:
    part = _DATE.sub(lambda match: TIME if _is_now(match, started) else match[0], part)
    part = _SECONDS.sub(
        lambda match: TIME if _is_near(_moment(int(match["s"])), started) else match[0], part
    )
    return _CLOCK.sub(TIME, part, count=1) if after_date and TIME not in part else part


def _is_now(match: re.Match[str], started: float | None) -> bool:
    fields = [int(match[name] or 0) for name in "ymdHMS"]
    try:
        moment = datetime(*fields, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]
    except ValueError:
        return False
    if match["H"] is None and started is not None:
        day = timedelta(days=1)
        return _moment(started) - _EARLIER - day <= moment <= _moment(started) + _LATER
    return _is_near(moment, started)


def _is_torch(date: str, started: float | None) -> bool:
    if started is None:
        return True
    days = [_moment(started) + timedelta(days=shift) for shift in range(-1, _LATER.days)]
    return any(date == f"{_MONTHS[day.month - 1]}{day.day:02}" for day in days)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _is_near(moment: datetime, started: float | None) -> bool:
    return started is None or (_moment(started) - _EARLIER <= moment <= _moment(started) + _LATER)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
