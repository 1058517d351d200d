"""What `repro replay` costs over a bare `docker run` of the same training."""

from __future__ import annotations

from collections.abc import Iterator

from ground import Ground, docker
from timing import Row, command, over, rounds

REPLAY = ("repro", "replay", "latest", "--quiet")


def known(ground: Ground) -> Iterator[Row]:
    """The environment stands already: in its image, on the workspace as a replay restored it."""
    project = ground.project("replaying")
    ground.run("repro", "run", "--", "python", "train.py", cwd=project)
    ground.run(*REPLAY, "--keep", cwd=project)
    (workspace,) = project.glob(".repro/tmp/*/workspace")
    bare = docker(
        "run", "--rm", "--network", "none", "--user", ground.user,
        "--volume", f"{workspace}:{project}", "--workdir", project,
        ground.environment(), "python", "train.py",
    )  # fmt: skip
    ours = command(*REPLAY, cwd=project, env=ground.env)
    theirs = command(*bare, cwd=project, env=ground.env)
    rounds(1, ours, theirs)
    took, plain = rounds(3 if ground.quick else 11, ours, theirs)
    yield over("replay, environment known", took, "docker run", plain, target=0.7)
