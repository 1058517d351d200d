"""A path without what changes between identical runs: dates, ids, host names, addresses.

Only for pairing a file that one run has with one that only the other has. Two files of one run may
get the same plain name: whoever pairs by it must see that the pair is the only one.
"""

from __future__ import annotations

import re

from repro.cosmetics.shapes import HEX, UUID

_FREE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_YEAR, _MONTH, _DAY = r"20\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_FRACTION = r"(?:[.,_]\d{3,6}(?!\d)|-\d{6}(?!\d))?"

_RULES: tuple[tuple[str, str], ...] = (
    # TensorBoard: time, host, process and a counter; an own ending of the user's goes with them
    (r"events\.out\.tfevents\.\d{10}(?:\.[^/]*)?(?=/|$)", "events.out.tfevents.{id}"),
    # SummaryWriter's own folder: Nov21_12-03-11_host
    (rf"(?:^|(?<=/))(?:{_MONTHS}){_DAY}_{_HOUR}-{_SIXTY}-{_SIXTY}_[^/]+(?=/|$)", "{date}_{host}"),
    # wandb: run-20240101_120000-a1b2c3d4, and run-a1b2c3d4.wandb in it
    (rf"(?<=run-)({_YEAR}{_MONTH}{_DAY}_{_HOUR}{_SIXTY}{_SIXTY})-[0-9a-z]{{8}}(?=/|$)",
     "{date}_{time}-{id}"),
    (r"(?:^|(?<=/))run-[0-9a-z]{8}(?=\.wandb$)", "run-{id}"),
    # Ray Tune: train_a1b2c_00003_3_lr=0.1_2024-01-01_12-00-00
    (rf"_{HEX}{{5}}_(?=\d{{5}}(?:_|/|$))", "_{id}_"),
    # date and time in one name, in any of the usual ways of writing
    (rf"{_FREE}{_YEAR}([-_.]?){_MONTH}\1{_DAY}([-_T ]){_HOUR}([-_:.]?){_SIXTY}\3{_SIXTY}"
     rf"{_FRACTION}Z?{_END}", r"{date}\2{time}"),
    # Hydra: a folder for the day, in it one for the time
    (rf"(?:^|(?<=/)){_YEAR}-{_MONTH}-{_DAY}/{_HOUR}-{_SIXTY}-{_SIXTY}(?=/|$)", "{date}/{time}"),
    (rf"{_FREE}{_YEAR}-{_MONTH}-{_DAY}{_END}", "{date}"),
    # ids that somebody drew; a digest of 40 or 64 digits names a content and stays
    (rf"{_FREE}{UUID}{_END}", "{uuid}"),
    (rf"{_FREE}{HEX}{{32}}{_END}", "{id}"),
    (rf"{_FREE}0x{HEX}{{6,16}}{_END}", "{address}"),
    # seconds, milliseconds or microseconds since 1970, between 2001 and 2100
    (r"(?<![0-9.])(?:[123]\d{9}|40\d{8})(?:\d{3}|\d{6}|\.\d{1,7})?(?![0-9]|\.\d)", "{time}"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.ASCII), plain) for pattern, plain in _RULES)


def plain_name(path: str) -> str:
    """The path with ``{date}``, ``{time}``, ``{id}``, ``{uuid}``, ``{host}``, ``{address}`` in place
    of what changes; the path itself where nothing does.

    A date of eight digits alone stays (a data set may be called by it), as do counters and sizes.
    """
    for pattern, plain in _COMPILED:
        path = pattern.sub(plain, path)
    return path
