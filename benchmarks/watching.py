"""What it costs to watch a training: by seccomp, by strace as repro uses it, by the audit hook, by all of strace.

Measured by run.py with the others, and by itself with any interpreter that has scikit-learn:

    python benchmarks/watching.py PYTHON [ROUNDS]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from timing import Row, Timer, figure, ratio, rounds, seconds

from repro.watching import Mode, choose
from repro.watching.seccomp import probe

if TYPE_CHECKING:
    from ground import Ground

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "breast-cancer"
OPENING = """
import os, sys
for number in range(20_000):
    os.close(os.open(sys.argv[0], os.O_RDONLY))
"""


def small(ground: Ground) -> Iterator[Row]:
    """The example's training."""
    project = ground.project("watching")
    yield from measured(ground.training / "python", project, ground.env, 3 if ground.quick else 15)


def measured(python: Path, project: Path, env: Mapping[str, str], count: int) -> Iterator[Row]:
    """Each way of watching against the plain command, in turn."""
    train = (str(python), "train.py")
    aside: dict[Mode, dict[str, list[float]]] = {mode: {"before": [], "after": []} for mode in Mode}
    whole = [
        *([] if probe() else [Mode.SECCOMP]),
        *([Mode.STRACE] if shutil.which("strace") else []),
    ]
    ways: list[Timer] = [
        lambda: seconds(*train, cwd=project, env=env),
        *(
            partial(_watched, mode, train, project, env, aside[mode])
            for mode in (Mode.PYTHON, *whole)
        ),
    ]
    names = ["the audit hook", *(mode.value for mode in whole)]
    if Mode.STRACE in whole:
        ways += [
            lambda: seconds(
                *("strace", "-f", "-o", "/dev/null", "-e", "trace=all"),
                *train,
                cwd=project,
                env=env,
            ),
        ]
        names += ["strace -f, every call"]
    rounds(1, *ways)
    for times in aside.values():
        times["before"].clear()
        times["after"].clear()
    plain, *others = rounds(count, *ways)
    for name, took in zip(names, others):
        target = {"seccomp": 1.10, "the audit hook": 1.05}.get(name)
        yield ratio(f"train, watched by {name}", took, "the plain command", plain, target)
    for mode in whole:
        yield figure(f"of {mode.value}'s: choosing it", aside[mode]["before"], target=0.03)
        yield figure(f"of {mode.value}'s: reading what it left", aside[mode]["after"])
    script = project / "opening.py"
    script.write_text(OPENING)
    many = (str(python), "opening.py")
    ways = [
        lambda: seconds(*many, cwd=project, env=env),
        *(
            partial(_watched, mode, many, project, env, aside[mode])
            for mode in (Mode.PYTHON, *whole)
        ),
    ]
    plain, *others = rounds(max(3, count // 3), *ways)
    for name, took in zip(names, others):
        each = [(watched - bare) / 20_000 * 1e6 for watched, bare in zip(took, plain)]
        yield figure(f"each file opened, watched by {name}", each, unit="µs")


def _watched(
    mode: Mode,
    argv: tuple[str, ...],
    project: Path,
    env: Mapping[str, str],
    aside: dict[str, list[float]],
) -> float:
    """As recording does it: choose, start, read what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        probe.cache_clear()  # as in a process of its own
        start = time.perf_counter()
        watch = choose(mode, Path(folder), env)
        words, given = watch.wrapped(argv, env, project)
        chosen = time.perf_counter()
        done = subprocess.run(
            words,
            cwd=project,
            env=given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        ended = time.perf_counter()
        seen = watch.seen()
        read = time.perf_counter()
    if done.returncode or not seen.accesses:
        raise SystemExit(f"{argv} ended with {done.returncode}, {len(seen.accesses)} files seen")
    aside["before"].append(chosen - start)
    aside["after"].append(read - ended)
    return read - start


def main() -> None:
    from run import table

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        shutil.copytree(EXAMPLE, project)
        count = int(sys.argv[2]) if len(sys.argv) > 2 else 15
        # not resolved: an environment's interpreter is a link
        python = Path(os.path.abspath(sys.argv[1]))  # noqa: PTH100
        print(table(list(measured(python, project, dict(os.environ), count))))


if __name__ == "__main__":
    main()
