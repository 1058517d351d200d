"""No more replays at a time than processors and memory allow, and it is said."""

from __future__ import annotations

import pytest

from repro.verifying.fitting import fitting

GB = 10**9


@pytest.mark.parametrize(
    ("wanted", "cpus", "largest", "memory", "found", "said"),
    [
        (2, 2, GB, 24 * GB, 2, ""),
        (8, 2, 0, 24 * GB, 2, "2 processors"),
        (4, 8, 10 * GB, 24 * GB, 2, "10.0 GB of this machine's 24.0 GB"),
        (2, 8, 30 * GB, 24 * GB, 1, "30.0 GB"),
        (1, 1, 30 * GB, 24 * GB, 1, ""),
        (4, 8, 0, None, 4, ""),
    ],
)
def test_what_fits(
    wanted: int, cpus: int, largest: int, memory: int | None, found: int, said: str
) -> None:
    jobs, why = fitting(wanted, cpus, largest, memory)
    assert jobs == found
    assert said in why and bool(why) == bool(said)
