"""Checks of the machine: the engine, its disk, the tools."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import repro
from repro import process
from repro.capturing import host
from repro.diagnosis_nouns import (
    Answer,
    State,
    bytes_text,
    counted,
    listed,
    ok,
    problem,
    unknown,
    warning,
)
from repro.diagnosis_scene import Probe, Scene
from repro.environment import asking, index, recipe
from repro.errors import EngineError, ReproError
from repro.process import CommandFailed

LOW, FULL = 5 * 1000**3, 1000**3
"""Bytes: from here on there is little room, and too little."""
ASKING = 4.0
"""Seconds that a tool has to answer."""
OLDEST_GIT = (2, 32)
"""The first that can be told to leave the user's settings alone (GIT_CONFIG_GLOBAL)."""
QUESTION = "six"
"""A package that hardly any index lacks; that it has none is an answer as well."""


def _repro(scene: Scene) -> Iterator[Answer]:
    yield ok(f"{repro.__version__}, Python {platform.python_version()}, {sys.executable}")


def _engine(scene: Scene) -> Iterator[Answer]:
    yield ok(scene.engine().version())
    facts = scene.engine_facts()
    cpus, memory = facts.get("NCPU"), facts.get("MemTotal")
    if cpus and memory:
        yield ok(f"it has {counted(cpus, 'CPU')} and {bytes_text(memory)} of memory")


def _image(scene: Scene) -> Iterator[Answer]:
    """The image that an environment would be built on."""
    project = scene.project
    try:
        engine = scene.engine()
    except EngineError:
        yield unknown("the engine does not answer, so nothing is known of images")
        return
    if project and project.config.dockerfile:
        found = engine.images.bases(project.folder / project.config.dockerfile)
        for name, digest in found.items():
            if digest:
                yield ok(f"{name} of {project.config.dockerfile}: {digest[:19]}")
            else:
                said = f"{name} of {project.config.dockerfile} is known by its tag only"
                yield warning(said, f"docker pull {name}, or check the name")
        return
    reference = project.config.image if project else None
    if reference is None:
        reference = _default_image(scene)
        yield from _unusual(scene)
    if reference is None:
        yield unknown("which one it is depends on the interpreter, and that was not found")
        return
    image = engine.images.resolve(reference)
    if image.digest is None:
        yield warning(
            f"{reference} is on this machine only, it has no registry digest",
            "push it to a registry, so that a replay elsewhere can have it",
        )
    elif image.id is None:
        yield ok(f"{reference} can be pulled: {image.digest[:19]}")
    else:
        yield ok(f"{reference} is here: {image.digest[:19]}")


def _default_image(scene: Scene) -> str | None:
    probe = scene.known_probe()
    return recipe.default_base(probe.interpreter, scene.environ) if probe else None


def _unusual(scene: Scene) -> Iterator[Answer]:
    probe = scene.known_probe()
    if probe:
        for finding in recipe.base_findings(probe.interpreter, scene.environ):
            yield warning(finding.message, finding.remedy)


def _disk(scene: Scene) -> Iterator[Answer]:
    folder = scene.project.folder if scene.project else scene.start
    name = "the store's" if scene.project else "this folder's"
    yield _room(f"{name} file system", folder)
    try:
        facts = scene.engine_facts()
    except ReproError:
        return  # said by the engine's own check
    root = Path(facts.get("DockerRootDir") or "/var/lib/docker")
    # an engine of another machine (DOCKER_HOST), or in a virtual one, has its disk there
    address = scene.environ.get("DOCKER_HOST") or "unix://"
    if address.startswith("unix://") and root.is_dir():
        same = root.stat().st_dev == folder.stat().st_dev
        yield ok(f"the engine's is the same ({root})") if same else _room("the engine's", root)
    else:
        yield unknown(f"how much room the engine has is not seen from here ({root})")


def _room(name: str, folder: Path) -> Answer:
    usage = shutil.disk_usage(folder)
    seen = f"{bytes_text(usage.free)} free on {name} ({folder})"
    if usage.free < FULL:
        return problem(seen, "free some: docker system prune, dvc gc, and look into .repro")
    if usage.free < LOW:
        return warning(seen, "an environment with torch takes 5 GB and more: docker system prune")
    return ok(seen)


def _gpu(scene: Scene) -> Iterator[Answer]:
    gpus = host.describe(scene.environ).gpus
    if gpus is None:
        yield unknown(
            "there is an NVIDIA driver, and nvidia-smi does not answer: the GPUs are not recorded",
            "run nvidia-smi and see what it says",
        )
    elif not gpus:
        yield ok("none")
    else:
        driver = gpus[0].driver
        seen = listed([gpu.name for gpu in gpus]) + (f", driver {driver}" if driver else "")
        yield _reaching_containers(scene, seen)


def _reaching_containers(scene: Scene, seen: str) -> Answer:
    try:
        facts = scene.engine_facts()
    except ReproError:
        return ok(seen)
    programs = ("nvidia-container-runtime-hook", "nvidia-container-cli", "nvidia-ctk")
    if "nvidia" in (facts.get("Runtimes") or {}) or any(map(shutil.which, programs)):
        return ok(f"{seen}; the engine can give them to a container")
    return warning(
        f"{seen}; the engine cannot give them to a container",
        "install the NVIDIA Container Toolkit; replays have --no-gpus meanwhile",
    )


# --- tools ----------------------------------------------------------------------------------


def _git(scene: Scene) -> Iterator[Answer]:
    if shutil.which("git", path=scene.environ.get("PATH")) is None:
        yield problem("git is not installed, or not on the PATH", "install it: https://git-scm.com")
        return
    said = _said("git", "--version").removeprefix("git version ")
    numbers = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if numbers < OLDEST_GIT:
        wanted = ".".join(map(str, OLDEST_GIT))
        yield warning(f"{said}: your git settings can get into a restore", f"update to {wanted}")
    else:
        yield ok(said)


def _uv(scene: Scene) -> Iterator[Answer]:
    if scene.uv is None:
        yield problem("uv is not installed beside repro", "pip install --force-reinstall uv")
    else:
        yield ok(_said(scene.uv, "--version").removeprefix("uv ").partition(" (")[0])


def _said(*words: str | Path) -> str:
    return process.run(words, timeout=ASKING).stdout.decode("utf-8", "replace").strip()


def _index(scene: Scene) -> Iterator[Answer]:
    """Asked by uv itself, since that is who will ask: with its proxies, certificates, credentials."""
    if scene.uv is None:
        yield unknown("not asked: there is no uv to ask with")
        return
    project = scene.project
    projects = [project.folder, project.workspace] if project else []
    sources = index.sources(scene.environ, _prefix(scene), projects=projects)
    folders = [path for path in sources.folders if not path.is_dir()]
    if folders:
        yield warning(
            f"there is no folder {listed([str(path) for path in folders])} (find-links)",
            "correct it in pip.conf, uv.toml, PIP_FIND_LINKS or UV_FIND_LINKS",
        )
    if sources.env.get("UV_NO_INDEX"):
        yield ok("none is used (no-index): packages come from folders of this machine")
        return
    extra = len(sources.env.get("UV_INDEX", "").split())
    named = sources.env.get("UV_DEFAULT_INDEX", "the public index")
    name = index.without_credentials(named) + (f" and {extra} more" if extra else "")
    yield _asked(scene, sources, name)


def _prefix(scene: Scene) -> str | None:
    """Of the interpreter whose packages are meant: pip has a configuration file there as well."""
    probe = scene.known_probe()
    return probe.prefix if probe else None


def _asked(scene: Scene, sources: index.PackageSources, name: str) -> Answer:
    argv = [
        str(scene.uv), "pip", "compile", "-", "--no-deps", "--no-cache", "--no-header", "--no-config",
        "--quiet", "--python", sys.executable,
    ]  # fmt: skip
    env = {key: scene.environ[key] for key in asking.PASSED_ON if key in scene.environ}
    env |= {**sources.env, "UV_HTTP_RETRIES": "0", "UV_PYTHON_DOWNLOADS": "never"}
    try:
        done = process.run(
            argv, stdin=f"{QUESTION}\n".encode(), env=env, timeout=ASKING, check=False
        )
    except CommandFailed as error:
        if isinstance(error.__cause__, OSError):
            return problem(f"uv cannot be started: {error}", "pip install --force-reinstall uv")
        return warning(
            f"{name} has not answered within {ASKING:g} s",
            "check network and proxy; environments that were built before need no index",
        )
    said = index.without_credentials(done.stderr.decode("utf-8", "replace"))
    if done.exit_code == 0 or "was not found in the" in said:
        return ok(f"{name} answers")
    return problem(
        f"{name} cannot be used: {_reason(said)}",
        "check address, network, proxy (HTTPS_PROXY), certificates (SSL_CERT_FILE) and password",
    )


def _reason(said: str) -> str:
    """uv says the deepest cause last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    causes = [line.lower() for line in lines if line.lower().startswith(("cause", "caused by"))]
    reason = (causes or lines or ["uv does not say why"])[-1]
    return re.sub(r"^(cause|caused by|error): *", "", reason)


MACHINE = (
    Probe("machine", "repro", _repro),
    # an engine that says nothing is as good as none
    Probe("machine", "engine", _engine, State.PROBLEM, "restart it: systemctl restart docker"),
    Probe("machine", "base image", _image),
    Probe("machine", "disk", _disk),
    Probe("machine", "gpu", _gpu),
    Probe("tools", "git", _git),
    Probe("tools", "uv", _uv),
    Probe("tools", "package index", _index),
)
