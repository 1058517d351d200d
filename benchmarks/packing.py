"""What it takes to pack a run with its data into a bundle and out of it, beside tar and zstd."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ground import Ground
from timing import Row, figure, ratio

LARGE = 4
SMALL = 10_000
SIZE = 2_000_000_000
BLOCK = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What a command took: wall time and time of processors in seconds, memory in MB."""

    wall: float
    cpu: float
    peak: float


def packed(ground: Ground) -> Iterator[Row]:
    """Half of the data in four files, half in ten thousand; half of either is noise, half hex digits, of
    which zstd saves about the half. What is unpacked is brought to the disk, by both."""
    size = SIZE // 10 if ground.quick else SIZE
    project = _project(ground, size)
    export, pack, take, unpack = _rounds(ground, project, 1 if ground.quick else 5)
    said = f"{size / 1e9:g} GB"
    yield from _both(f"export {said}", export, "tar | zstd -T0", pack)
    yield from _both(f"import {said}", take, "zstd -d | tar -x; sync", unpack)
    for what, costs in (("export", export), ("import", take)):
        yield figure(f"memory of {what}, {said}", [cost.peak for cost in costs], 300, "MB")


def _both(
    what: str, ours: Sequence[Cost], comparator: str, theirs: Sequence[Cost]
) -> Iterator[Row]:
    """Time on the clock, and time of processors, which a busy machine alters less."""
    pairs = ([cost.wall for cost in ours], [cost.wall for cost in theirs])
    yield ratio(what, pairs[0], comparator, pairs[1], target=2)
    pairs = ([cost.cpu for cost in ours], [cost.cpu for cost in theirs])
    yield ratio(f"{what}, time of processors", pairs[0], comparator, pairs[1])


def _rounds(ground: Ground, project: Path, count: int) -> list[list[Cost]]:
    """Export, tar, import, untar; in each round in turn."""
    bundle, archive = project.with_suffix(".bundle"), project.with_suffix(".tar.zst")
    here = project.with_suffix(".here")
    found: list[list[Cost]] = [[], [], [], []]
    for _ in range(count):
        for at, (words, folder) in enumerate(
            (
                (("repro", "export", "latest", bundle, "--with", "data"), project),
                (("sh", "-c", f"tar -c .dvc/cache | zstd -T0 -q -f -o {archive}"), project),
                (("repro", "import", bundle), here),
                (("sh", "-c", f"zstd -d -c -q {archive} | tar -x && sync"), here),
            )
        ):
            shutil.rmtree(here, ignore_errors=True)
            here.mkdir()
            os.sync()
            found[at].append(_cost(ground, *words, cwd=folder))
            print(".", end="", file=sys.stderr, flush=True)
    shutil.rmtree(here)
    print(file=sys.stderr)
    return found


def _cost(ground: Ground, *words: str | Path, cwd: Path) -> Cost:
    start = time.perf_counter()
    child = subprocess.Popen(
        words, cwd=cwd, env=ground.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} ended with {child.returncode} in {cwd}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def _project(ground: Ground, size: int) -> Path:
    project = ground.project("packing")
    folder = project / "data" / "set"
    for number in range(LARGE):
        _fill(folder / f"{number}.bin", size // 2 // LARGE, number)
    for number in range(SMALL):
        _fill(folder / f"{number // 100:03}" / f"{number:05}.bin", size // 2 // SMALL, 100 + number)
    ground.track(project, "data/set")
    ground.run("repro", "run", "--", "true", cwd=project)
    return project


def _fill(path: Path, size: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    some = random.Random(seed)
    with path.open("wb") as stream:
        while size:
            count = min(size, BLOCK)
            stream.write(
                some.randbytes(count) if seed % 2 else some.randbytes(count).hex().encode()[:count]
            )
            size -= count
