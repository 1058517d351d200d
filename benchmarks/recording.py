"""What `repro run` costs over the plain command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from ground import Ground, many_files
from timing import Row, command, over, rounds, seconds

FILES = 10_000
FILE_SIZE = 2_000
TRAIN = ("python", "train.py")
RECORD = ("repro", "run", "--", *TRAIN)


def small(ground: Ground) -> Iterator[Row]:
    """In the example as it is: one data file of 121 kB."""
    project = ground.project("recording")
    first = _first(ground, project)
    ours, plain = _pairs(ground, project, 3 if ground.quick else 11)
    yield over("record a training", ours, "the plain command", plain, target=0.5)
    yield over("the first time on a machine", [first], "the plain command", [median(plain)])


def large(ground: Ground) -> Iterator[Row]:
    """The same with 10,000 files that DVC tracks, none of them changed."""
    project = ground.project("recording-large")
    many_files(project / "data" / "many", FILES, FILE_SIZE)
    ground.track(project, "data/many")
    first = _first(ground, project)
    ours, plain = _pairs(ground, project, 3 if ground.quick else 9)
    files = f"with {FILES:,} DVC files"
    yield over(f"record, {files}", ours, "the plain command", plain, target=0.8)
    yield over(f"the first time, {files}", [first], "the plain command", [median(plain)])


def _first(ground: Ground, project: Path) -> float:
    """Nothing known: no cache of the project's, and an empty one of uv's, which has to ask the index."""
    seconds(*TRAIN, cwd=project, env=ground.env)
    env = {**ground.env, "UV_CACHE_DIR": str(project.with_name(f"{project.name}-uv"))}
    return seconds(*RECORD, cwd=project, env=env)


def _pairs(ground: Ground, project: Path, count: int) -> list[list[float]]:
    ours = command(*RECORD, cwd=project, env=ground.env)
    plain = command(*TRAIN, cwd=project, env=ground.env)
    rounds(2, ours, plain)  # warms the caches; digests are kept of files at rest for two seconds
    return rounds(count, ours, plain)
