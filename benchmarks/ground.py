"""What the measures stand on: repro installed as a user has it, a training environment, projects.

All of it lies in ``.build/bench``. The two virtual environments are kept from one run to the next,
everything else is made anew and removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import uv

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".build" / "bench"
EXAMPLE = CHECKOUT / "examples" / "breast-cancer"
LABEL = "org.repro.bench"


@dataclass(frozen=True)
class Ground:
    """Where everything lies, and how commands are started there."""

    scratch: Path
    """Gone afterwards."""
    quick: bool
    mark: str
    """Unlike that of any other run of the benchmarks: what they leave in the engine bears it."""

    @property
    def tool(self) -> Path:
        return CACHE / "tool" / "bin"

    @property
    def training(self) -> Path:
        return CACHE / "training" / "bin"

    @cached_property
    def env(self) -> dict[str, str]:
        """As a user's shell has it: nothing that makes this machine's Python unlike others."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "GIT_", "DVC_", "VIRTUAL_ENV", "REPRO_", "MAKE"))
        }
        usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            **kept,
            "PATH": f"{self.training}:{self.tool}:{usual}",
            "DVC_NO_ANALYTICS": "1",
            "DOCKER_BUILDKIT": "0",
            "REPRO_BASE_IMAGE": self.base,
        }

    def run(self, *argv: str | Path, cwd: Path | None = None) -> str:
        """A command that must end well; what it printed."""
        done = subprocess.run(
            argv, cwd=cwd or self.scratch, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(
                f"{' '.join(map(str, argv))} ended with {done.returncode}:\n"
                f"{(done.stderr or done.stdout).strip()[-2000:]}"
            )
        return done.stdout.strip()

    # --- projects ---

    def project(self, name: str) -> Path:
        """The breast cancer example as a project: a git repository with its data in DVC."""
        folder = self.scratch / name
        self.run("bash", CHECKOUT / "examples" / "prepare.sh", EXAMPLE.name, folder)
        return folder

    def track(self, project: Path, path: str) -> None:
        """``dvc add``, ``dvc push`` and a commit."""
        self.run("dvc", "add", "--quiet", path, cwd=project)
        self.run("dvc", "push", "--quiet", cwd=project)
        self.run("git", "add", "--all", cwd=project)
        self.run("git", "commit", "--quiet", "--no-verify", "-m", f"Track {path}", cwd=project)

    # --- the engine ---

    @property
    def has_engine(self) -> bool:
        return os.environ.get("REPRO_TEST_ENGINE") == "docker"

    @cached_property
    def base(self) -> str:
        """The base image under a name and an id of our own, so that the environments built on it are
        nobody else's."""
        template = os.environ.get("REPRO_BASE_IMAGE", "python:{version}-slim")
        if not self.has_engine:
            return template
        version = platform.python_version()
        name = f"repro-bench/python:{version}-{self.mark}"
        self.committed(template.replace("{version}", version), name)
        return name

    def committed(
        self, base: str, name: str, *changes: str, files: dict[str, Path] | None = None
    ) -> None:
        """A new image: the base, with these files and these changes."""
        made = _docker("create", base, "true")
        for target, source in (files or {}).items():
            _docker("cp", str(source), f"{made}:{target}")
        words = [
            word for change in (f"LABEL {LABEL}={self.mark}", *changes) for word in ("-c", change)
        ]
        _docker("commit", *words, made, name)
        _docker("rm", made)

    def environment(self) -> str:
        """The id of the environment image that repro built on our base; empty where there is none."""
        mine = f"label={LABEL}={self.mark}"
        return _docker(
            "images", "-q", "--no-trunc", "--filter", mine, "--filter", "label=org.repro.key"
        )

    @property
    def user(self) -> str:
        """Who a replay runs as."""
        return f"{os.getuid()}:{os.getgid()}" if os.getuid() else "1000:1000"


def docker(*words: str | Path) -> tuple[str | Path, ...]:
    """A docker command line."""
    return ("docker", *words)


def _docker(*words: str) -> str:
    done = subprocess.run(("docker", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def prepared(quick: bool) -> Iterator[Ground]:
    """The ground, for the length of the block."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (
        (CACHE / "lock").open("w") as lock,
        tempfile.TemporaryDirectory(prefix="run-", dir=CACHE, ignore_cleanup_errors=True) as name,
    ):
        # two at a time would measure each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        ground = Ground(Path(name), quick, uuid.uuid4().hex[:12])
        try:
            _install_tool(Path(name))
            _install_training()
            yield ground
        finally:
            _remove_images(ground)


def _uv(*words: str | Path) -> None:
    # bytecode as pip compiles it: what a user has
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run((uv.find_uv_bin(), *words), check=True, env=env)


def _install_tool(scratch: Path) -> None:
    """repro and a hello-world, both from a wheel with a console script."""
    print("installing repro", file=sys.stderr)
    source = scratch / "source"
    shutil.copytree(
        CHECKOUT / "repro", source / "repro", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(CHECKOUT / name, source)
    hello = Path(__file__).with_name("hello")
    shutil.copytree(hello, scratch / "hello", ignore=shutil.ignore_patterns("__pycache__"))
    target = CACHE / "tool"
    if not (target / "bin" / "python").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, target)
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    _uv(
        "pip", "install", "--quiet", "--python", target / "bin" / "python", "--compile-bytecode",
        "--reinstall-package", "repro-engine", "--reinstall-package", "repro-bench-hello",
        *(word for link in links for word in ("--find-links", link)), source, scratch / "hello",
    )  # fmt: skip


def _install_training() -> None:
    """scikit-learn and what it needs, from the example's lockfile."""
    lock = EXAMPLE / "requirements.lock"
    target = CACHE / "training"
    stamp = hashlib.sha256(lock.read_bytes() + platform.python_version().encode()).hexdigest()
    if (target / "stamp").exists() and (target / "stamp").read_text() == stamp:
        return
    print("installing scikit-learn", file=sys.stderr)
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, target)
    _uv(
        "pip", "install", "--quiet", "--python", target / "bin" / "python", "--compile-bytecode",
        "--require-hashes", "-r", lock,
    )  # fmt: skip
    (target / "stamp").write_text(stamp)


def _remove_images(ground: Ground) -> None:
    if not ground.has_engine:
        return
    mine = f"label={LABEL}={ground.mark}"
    # twice: what was built on an image can only go before it
    for _ in range(2):
        found = _docker("images", "--quiet", "--filter", mine).split()
        if found:
            subprocess.run(("docker", "rmi", "--force", *dict.fromkeys(found)), capture_output=True)


def many_files(folder: Path, count: int, size: int) -> None:
    """A folder of small files of random bytes, a hundred to a subfolder."""
    random_bytes = random.Random(20).randbytes
    for number in range(count):
        if number % 100 == 0:
            part = folder / f"{number // 100:03}"
            part.mkdir(parents=True)
        (part / f"{number:05}.bin").write_bytes(random_bytes(size))
