"""What it takes to build an environment image whose packages are in the download cache."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uv
from ground import Ground, docker
from replaying import REPLAY
from timing import Row, Timer, command, faster, over, ratio, rounds, seconds

VOLUME = "repro-uv-cache"
"""repro's own download cache: both sides take the packages from there."""
ENTRYPOINT = "/repro/uv"
BYTECODE = "--compile-bytecode"


def new(ground: Ground) -> Iterator[Row]:
    """With repro: what a replay takes more when its environment is unknown. By hand: uv in a
    container, and a commit. With `docker build`: the Dockerfile that repro wrote down, which uses pip."""
    project = ground.project("building")
    ground.run("repro", "run", "--", "python", "train.py", cwd=project)
    ground.run(*REPLAY, cwd=project)  # the download cache is warm now
    hand = _ByHand(ground, project / "requirements.lock")
    plain, compiled = (
        functools.partial(hand.build, "plain"),
        functools.partial(hand.build, "compiled", BYTECODE),
    )
    timers: list[Timer] = [lambda: _ours(ground, project), plain, compiled]
    if not ground.quick:
        recipe = _recipe(ground, project)
        timers += [
            _docker_build(ground, recipe),
            _docker_build(ground, _with_wheels(ground, recipe)),
        ]
    ours, by_plain, by_compiled, *built = rounds(2 if ground.quick else 5, *map(_settled, timers))
    yield ratio("build an environment", ours, "uv + commit by hand", by_plain, target=1.5)
    yield ratio("build an environment", ours, "the same, with bytecode", by_compiled, target=1.5)
    if built:
        yield faster("build an environment", ours, "docker build, pip", built[0], target=3)
        yield faster("build an environment", ours, "the same, wheels at hand", built[1], None)
    yield from _bytecode(ground, project, hand)


def _settled(timer: Timer) -> Timer:
    """What the one before left to be written is written before the clock starts."""

    def wait_and_time() -> float:
        os.sync()
        time.sleep(1)
        return timer()

    return wait_and_time


def _ours(ground: Ground, project: Path) -> float:
    ground.run(*docker("rmi", "--force", ground.environment()))
    os.sync()
    unknown = seconds(*REPLAY, cwd=project, env=ground.env)
    known = [seconds(*REPLAY, cwd=project, env=ground.env) for _ in range(2)]
    return unknown - sum(known) / len(known)


class _ByHand:
    """As a person would type it, clearing up included."""

    def __init__(self, ground: Ground, lock: Path) -> None:
        self.ground, self.lock = ground, lock

    def image(self, name: str) -> str:
        return f"repro-bench/{name}:{self.ground.mark}"

    def build(self, name: str, *flags: str) -> float:
        run = self.ground.run
        start = time.perf_counter()
        mounts = [f"{uv.find_uv_bin()}:{ENTRYPOINT}:ro", f"{self.lock}:/in/requirements.lock:ro"]
        mounts.append(f"{VOLUME}:/repro/cache")
        volumes = [word for mount in mounts for word in ("--volume", mount)]
        made = run(*docker("create", *volumes, self.ground.base, "sleep", "86400"))
        run(*docker("start", made))
        inside = functools.partial(self._inside, made)
        inside("venv", "--python", "python3", "/opt/repro/venv")
        inside(
            "pip", "install", "--python", "/opt/repro/venv/bin/python", "--offline", "--no-deps",
            *flags, "--require-hashes", "-r", "/in/requirements.lock",
        )  # fmt: skip
        path = "ENV PATH=/opt/repro/venv/bin:/usr/local/bin:/usr/bin:/bin"
        run(*docker("commit", "--pause=false", "--change", path, made, self.image(name)))
        run(*docker("rm", "--force", made))
        return time.perf_counter() - start

    def _inside(self, container: str, *words: str) -> None:
        settings = ("UV_CACHE_DIR=/repro/cache", "UV_LINK_MODE=copy", "UV_NO_PROGRESS=1")
        options = [word for setting in settings for word in ("--env", setting)]
        self.ground.run(*docker("exec", *options, container, ENTRYPOINT, *words))


# --- docker build -----------------------------------------------------------------------------


def _recipe(ground: Ground, project: Path) -> Path:
    """The Dockerfile and its lock out of the run's bundle; the base also knows this host's CA."""
    folder = ground.scratch / "docker-build"
    folder.mkdir()
    manifest = json.loads(next((project / ".repro" / "runs").iterdir()).read_bytes())
    blobs = {item["path"]: item["digest"].partition(":")[2] for item in manifest["contents"]}
    for name in ("Dockerfile", "requirements.lock"):
        content = (project / ".repro/blobs/sha256" / blobs[f"environment/{name}"]).read_bytes()
        (folder / name).write_bytes(content)
    base = f"repro-bench/pip:{ground.mark}"
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    certificates = {"/ca.pem": Path(bundle)} if bundle else {}
    ground.committed(
        ground.base, base, *(["ENV PIP_CERT=/ca.pem"] if bundle else []), files=certificates
    )
    lines = (folder / "Dockerfile").read_text().splitlines()
    lines = [f"FROM {base}" if line.startswith("FROM ") else line for line in lines]
    (folder / "Dockerfile").write_text("\n".join(lines))
    return folder


def _with_wheels(ground: Ground, recipe: Path) -> Path:
    """The same with every wheel beside it: what is left of pip's time when nothing is downloaded."""
    folder = ground.scratch / "docker-build-wheels"
    folder.mkdir()
    ground.run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
        "--dest", folder / "wheels", "-r", recipe / "requirements.lock",
    )  # fmt: skip
    text = (recipe / "Dockerfile").read_text()
    text = text.replace("COPY requirements.lock", "COPY wheels /wheels\nCOPY requirements.lock")
    text = text.replace("pip install", "pip install --no-index --find-links /wheels")
    (folder / "Dockerfile").write_text(text)
    (folder / "requirements.lock").write_bytes((recipe / "requirements.lock").read_bytes())
    return folder


def _docker_build(ground: Ground, folder: Path) -> Callable[[], float]:
    index = os.environ.get("PIP_INDEX_URL")
    arguments = ["--build-arg", f"PIP_INDEX_URL={index}"] if index else []
    tag = f"repro-bench/{folder.name}:{ground.mark}"
    return command(
        *docker("build", "--no-cache", "--quiet", "--tag", tag, *arguments, folder),
        cwd=folder,
        env=ground.env,
    )


# --- bytecode ---------------------------------------------------------------------------------


def _bytecode(ground: Ground, project: Path, hand: _ByHand) -> Iterator[Row]:
    """What each later replay pays where the build compiled nothing."""
    ours, compiled, plain = (
        _import(ground, project, image)
        for image in (ground.environment(), hand.image("compiled"), hand.image("plain"))
    )
    rounds(1, ours, compiled, plain)
    with_ours, with_compiled, without = rounds(3 if ground.quick else 9, ours, compiled, plain)
    yield over("import sklearn, ours", with_ours, "image with all bytecode", with_compiled)
    yield over("image without bytecode", without, "image with all bytecode", with_compiled)


def _import(ground: Ground, project: Path, image: str) -> Timer:
    words = ("import sklearn.ensemble, sklearn.metrics, sklearn.model_selection",)
    return command(
        *docker(
            "run", "--rm", "--network", "none", "--user", ground.user, image, "python", "-c", *words
        ),
        cwd=project,
        env=ground.env,
    )
