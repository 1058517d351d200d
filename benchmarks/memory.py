"""How much memory recording takes, with little data and with ten times as much."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ground import Ground
from timing import Row, ratio

SIZES = (100_000_000, 1_000_000_000)
FILES = 4
BLOCK = 1_000_000


def flat(ground: Ground) -> Iterator[Row]:
    """Twice: the data is seen for the first time; and it was changed since `dvc add`, so that it is
    copied into the store."""
    peaks = [_peaks(ground, size) for size in SIZES]
    for at, what in enumerate(("hashed", "changed and kept")):
        small, large = ([peak[at]] for peak in peaks)
        yield ratio(f"memory, 1 GB of data {what}", large, "100 MB", small, target=1.1, unit="MB")


def _peaks(ground: Ground, size: int) -> tuple[float, float]:
    project = ground.project(f"memory-{size}")
    folder = project / "data" / "large"
    folder.mkdir()
    for number in range(FILES):
        _fill(folder / f"{number}.bin", size // FILES, number)
    ground.track(project, "data/large")
    first = _peak(ground, project)
    for path in sorted(folder.iterdir()):
        with path.open("r+b") as stream:
            stream.write(b"changed")
    second = _peak(ground, project)
    kept = sum(path.stat().st_size for path in (project / ".repro/blobs/sha256").iterdir())
    assert kept >= size, f"the changed data is not in the store: {kept} bytes"
    return first, second


def _fill(path: Path, size: int, seed: int) -> None:
    block = bytearray(random.Random(seed).randbytes(BLOCK))
    with path.open("wb") as stream:
        for number in range(size // BLOCK):
            block[:8] = number.to_bytes(8, "big")
            stream.write(block)


def _peak(ground: Ground, project: Path) -> float:
    """MB: the largest resident set among repro and what it started."""
    child = subprocess.Popen(
        ("repro", "run", "--", "true"),
        cwd=project, env=ground.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"repro run -- true ended with {child.returncode} in {project}")
    print(".", end="", file=sys.stderr, flush=True)
    return usage.ru_maxrss * 1024 / 1e6
