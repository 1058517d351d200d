"""What two replays at a time save: `repro verify -n 4 -j 2` against `-j 1`, for a training of one thread."""

from __future__ import annotations

from collections.abc import Iterator

from ground import Ground
from timing import Row, command, ratio, rounds

TRAIN = """
import json, random
generator, weight = random.Random(1), 0.0
for step in range(30_000_000):
    x = generator.random()
    weight -= 0.01 * (weight - 3 * x) * x
json.dump({"weight": weight}, open("metrics.json", "w"))
"""


def beside(ground: Ground) -> Iterator[Row]:
    """The environment stands already."""
    project = ground.project("verifying")
    (project / "one_thread.py").write_text(TRAIN)
    ground.run("repro", "run", "--", "python", "one_thread.py", cwd=project)
    ground.run("repro", "verify", "latest", "--quiet", cwd=project)
    verify = ("repro", "verify", "latest", "--quiet", "-n", "4", "-j")
    two = command(*verify, "2", cwd=project, env=ground.env)
    one = command(*verify, "1", cwd=project, env=ground.env)
    took, plain = rounds(2 if ground.quick else 5, two, one)
    yield ratio("verify -n 4 -j 2", took, "-j 1", plain, target=0.6)
