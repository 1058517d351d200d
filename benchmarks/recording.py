"""What `repro run` costs over the plain command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from ground import Ground, many_files
from timing import Row, command, figure, over, rounds, seconds

FILES = 10_000
FILE_SIZE = 2_000
TRAIN = ("python", "train.py")
RECORD = ("repro", "run", "--", *TRAIN)


def small(ground: Ground) -> Iterator[Row]:
    """In the example as it is: one data file of 121 kB."""
    project = ground.project("recording")
    first = _first(ground, project)
    ours, plain, own = _pairs(ground, project, 3 if ground.quick else 15)
    yield over("record a training", ours, "the plain command", plain, target=0.5)
    yield figure("of it before and after the command", own, target=0.5)
    yield over("the first time on a machine", [first], "the plain command", [median(plain)])


def large(ground: Ground) -> Iterator[Row]:
    """The same with 10,000 files that DVC tracks, none of them changed."""
    project = ground.project("recording-large")
    many_files(project / "data" / "many", FILES, FILE_SIZE)
    ground.track(project, "data/many")
    first = _first(ground, project)
    ours, plain, own = _pairs(ground, project, 3 if ground.quick else 15)
    files = f"with {FILES:,} DVC files"
    yield over(f"record, {files}", ours, "the plain command", plain, target=0.8)
    yield figure("of it before and after the command", own, target=0.8)
    yield over(f"the first time, {files}", [first], "the plain command", [median(plain)])


def _first(ground: Ground, project: Path) -> float:
    """Nothing known: no cache of the project's, and an empty one of uv's, which has to ask the index."""
    seconds(*TRAIN, cwd=project, env=ground.env)
    env = {**ground.env, "UV_CACHE_DIR": str(project.with_name(f"{project.name}-uv"))}
    return seconds(*RECORD, cwd=project, env=env)


def _pairs(ground: Ground, project: Path, count: int) -> list[list[float]]:
    """Recorded, plain, and what of the recorded ones passed while the command did not run.

    The third says the same with less noise: that of the training itself is not in it.
    """
    own: list[float] = []

    def ours() -> float:
        took = seconds(*RECORD, cwd=project, env=ground.env)
        own.append(took - _duration(project))
        return took

    plain = command(*TRAIN, cwd=project, env=ground.env)
    rounds(2, ours, plain)  # warms the caches; digests are kept of files at rest for two seconds
    own.clear()
    return [*rounds(count, ours, plain), own]


def _duration(project: Path) -> float:
    """Of the newest run's command, in seconds, as it was recorded."""
    runs = (project / ".repro" / "runs").iterdir()
    newest = max(runs, key=lambda path: path.stat().st_mtime_ns)
    found: float = json.loads(newest.read_bytes())["result"]["duration"]
    return found
