"""What the tests work with: the installed command line, and real projects to run it in."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build" / "tests"
"""Caches that outlive a test session: training environments, uv's downloads."""
SCRIPTS = Path(sys.executable).parent
"""Where the installed `repro` is: beside the interpreter that runs the tests."""
COMMAND = SCRIPTS / "repro"
PATIENCE = 240.0
"""Seconds after which a command of repro counts as hung."""

TRAIN = '''\
"""Fits y = slope * x + offset by stochastic gradient descent. Standard library only."""

import csv
import json
import random
import struct
import sys
from pathlib import Path

params = json.loads(Path("params.json").read_text())
epochs = int(sys.argv[1]) if len(sys.argv) > 1 else params["epochs"]
random.seed(params["seed"])
with open("data/points.csv", newline="") as stream:
    points = [(float(row["x"]), float(row["y"])) for row in csv.DictReader(stream)]

slope = offset = 0.0
history = []
for epoch in range(1, epochs + 1):
    random.shuffle(points)
    for x, y in points:
        error = slope * x + offset - y
        slope -= params["rate"] * error * x
        offset -= params["rate"] * error
    loss = sum((slope * x + offset - y) ** 2 for x, y in points) / len(points)
    history.append((epoch, loss))
    print(f"epoch {epoch}: loss {loss:.6f}", flush=True)

Path("models").mkdir(exist_ok=True)
Path("models/model.bin").write_bytes(struct.pack("<dd", slope, offset))
with open("history.csv", "w", newline="") as stream:
    csv.writer(stream).writerows([("step", "loss"), *history])
metrics = {"fit": {"loss": loss, "slope": slope, "offset": offset}, "rows": len(points)}
Path("metrics.json").write_text(json.dumps(metrics, indent=2))
'''
PARAMS = {"seed": 7, "rate": 0.05, "epochs": 4}
POINTS = "x,y\n" + "".join(f"{n / 8},{n / 4 + (n % 3) / 10}\n" for n in range(16))
METRICS = {"fit.loss", "fit.slope", "fit.offset", "rows", "loss"}
"""What TRAIN measures; `loss` is the series of history.csv."""
OUTPUTS = {"history.csv", "metrics.json", "models/model.bin"}


# --- the command line -----------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """A finished command."""

    words: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.stderr.decode("utf-8", "replace")

    @property
    def document(self) -> Any:
        """The one JSON document that stdout is."""
        return json.loads(self.stdout)

    @property
    def verdict(self) -> str:
        return str(self.document["verdict"])

    def expect(self, code: int = 0) -> Done:
        """Itself, once the exit code is this one and nothing of it is a bug of repro's."""
        assert "a bug in repro" not in self.err, self
        assert "repro/cli/__init__.py" not in self.err, f"a traceback of repro's own: {self}"
        assert self.code == code, f"expected exit code {code}: {self}"
        return self

    def complains(self, code: int, *parts: str) -> Done:
        """Itself, once it ended with this code and one clear line on stderr that has these parts."""
        self.expect(code)
        errors = [line for line in self.err.splitlines() if line.startswith("error:")]
        assert len(errors) == 1, f"expected one line of error: {self}"
        for part in parts:
            assert part in self.err, f"expected {part!r}: {self}"
        return self

    def __str__(self) -> str:
        return f"{' '.join(self.words)} -> {self.code}\n{self.out}\n--- stderr\n{self.err}"


class Running:
    """A command at work, a process group of its own, as a terminal would start it."""

    def __init__(self, process: subprocess.Popen[bytes], words: tuple[str, ...], folder: Path):
        self.process, self._words, self._folder = process, words, folder

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stderr(self) -> str:
        return (self._folder / "stderr").read_text("utf-8", "replace")

    @property
    def stdout(self) -> str:
        return (self._folder / "stdout").read_text("utf-8", "replace")

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to everybody in the group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """kill -9 of repro alone: what it started lives on."""
        self.process.kill()
        self.process.wait(30)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something to happen while it works."""
        eventually(condition, seconds, self._alive)

    def _alive(self) -> None:
        assert self.process.poll() is None, f"it ended too early: {self.ended()}"

    def ended(self, seconds: float = PATIENCE) -> Done:
        code = self.process.wait(seconds)
        parts = [(self._folder / name).read_bytes() for name in ("stdout", "stderr")]
        return Done(self._words, code, *parts)


def eventually(
    condition: Callable[[], object],
    seconds: float = 30,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Wait until the condition holds, and fail where it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        meanwhile()
        assert time.monotonic() < deadline, "waited for nothing"
        time.sleep(0.02)


def quickest(work: Callable[[], object], times: int = 5) -> float:
    """Seconds that the work took when the machine held it up least: others run at the same time."""

    def timed() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(timed() for _ in range(times))


@dataclass
class Repro:
    """The installed `repro`, run in a folder."""

    folder: Path
    path: str
    """PATH of the commands: the training's interpreter comes first."""
    scratch: Path
    pids: set[int] = field(default_factory=set)
    """Of every repro that was started: their containers have to be gone in the end."""

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        env: dict[str, str | None] = {**os.environ, "PATH": self.path, **(changes or {})}
        return {name: value for name, value in env.items() if value is not None}

    def __call__(
        self,
        *words: str | bytes | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: bytes | None = None,
    ) -> Done:
        """Run it to its end. ``env`` changes the environment; None takes a variable out."""
        argv = [COMMAND, *words]
        process = subprocess.Popen(
            argv,
            cwd=cwd or self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pids.add(process.pid)
        try:
            out, err = process.communicate(stdin, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            done = Done(("repro", *map(str, words)), -9, out, err)
            raise AssertionError(f"hung: {done}") from None
        return Done(("repro", *map(str, words)), process.returncode, out, err)

    def start(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str | None] | None = None
    ) -> Running:
        """Start it and return at once."""
        folder = self.scratch / f"running-{len(self.pids)}-{os.urandom(3).hex()}"
        folder.mkdir(parents=True)
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [COMMAND, *words],
                cwd=cwd or self.folder,
                env=self.environment(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pids.add(process.pid)
        return Running(process, ("repro", *words), folder)


# --- projects -------------------------------------------------------------------------------


@dataclass
class Project:
    """A git repository with a training in it; what is not said otherwise is TRAIN."""

    path: Path
    repro: Repro

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def git(self, *words: str, cwd: Path | None = None) -> str:
        return self._tool("git", *words, cwd=cwd)

    def dvc(self, *words: str, cwd: Path | None = None) -> str:
        return self._tool(str(SCRIPTS / "dvc"), *words, "--quiet", cwd=cwd)

    def _tool(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            words,
            cwd=cwd or self.path,
            env=self.repro.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert not done.returncode, f"{words}: {done.stderr.decode()}"
        return os.fsdecode(done.stdout).strip()

    def commit(self, message: str = "Change something") -> str:
        """Commit everything; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def record(
        self,
        *command: str,
        options: tuple[str, ...] = (),
        code: int = 0,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """`repro run --json`: the document of the new run."""
        words = ("--", *command) if command else ()
        done = self.repro("run", "--json", *options, *words, cwd=cwd or self.path, env=env)
        document: dict[str, Any] = done.expect(code).document
        return document

    def replay(
        self,
        run: str = "latest",
        *options: str,
        env: Mapping[str, str | None] | None = None,
        engine: str = "docker",
    ) -> Done:
        """`repro replay --json`."""
        words = ("replay", run, "--json", "--engine", engine, *options)
        return self.repro(*words, cwd=self.path, env=env)

    def runs(self) -> list[dict[str, Any]]:
        """`repro list --json --all`, newest first."""
        done = self.repro("list", "--json", "--all", cwd=self.path)
        return list(done.expect().document["runs"])

    def run_files(self) -> list[Path]:
        """The manifests in the store, half-written ones too."""
        folder = self.path / ".repro" / "runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def sessions(self) -> list[Path]:
        """What commands at work, or killed, hold in the store."""
        folder = self.path / ".repro" / "tmp"
        return sorted(folder.iterdir()) if folder.is_dir() else []


def plain_training(project: Project, train: str = TRAIN) -> Project:
    """TRAIN, its parameters and its data, all in git; the model in a folder that git ignores."""
    project.write("train.py", train)
    project.write("params.json", json.dumps(PARAMS, indent=2) + "\n")
    project.write("data/points.csv", POINTS)
    project.write(".gitignore", "/models/\n/metrics.json\n/history.csv\n/local/\n__pycache__/\n")
    project.git("init", "--quiet")
    project.commit("A small training")
    return project


def with_dvc(project: Project) -> Project:
    """The data in DVC, pushed to a folder remote beside the project."""
    project.git("rm", "--quiet", "--cached", "data/points.csv")
    remote = project.path.with_name(project.path.name + "-remote")
    remote.mkdir()
    project.dvc("init")
    project.dvc("config", "core.analytics", "false")
    project.dvc("remote", "add", "--default", "storage", f"../{remote.name}")
    project.dvc("add", "data/points.csv")
    project.dvc("push")
    project.commit("Data in DVC")
    return project


def copied(source: Path, folder: Path, repro: Repro) -> Project:
    """A copy of a project, and of the DVC remote beside it."""
    path = folder / source.name
    shutil.copytree(source, path, symlinks=True)
    remote = source.with_name(f"{source.name}-remote")
    if remote.is_dir():
        shutil.copytree(remote, folder / remote.name)
    repro.folder = path
    return Project(path, repro)


# A training whose replay goes another way: `local/` is ignored by git, so it is here and not there.
FORKED = """\
import json, math, os, struct, sys
from pathlib import Path

metrics = {{"loss": 0.25, "accuracy": 0.875, "label": "good"}}
history = [(1, 0.5), (2, 0.375), (3, 0.25)]
outputs = {{"model.bin": b"weights"}}
written = {{"metrics.json", "history.csv"}}
code = 0

def metrics_text():
    return json.dumps(metrics)

if not Path("local/here").exists():
{change}

for name, content in outputs.items():
    Path(name).write_bytes(content)
if "metrics.json" in written:
    Path("metrics.json").write_text(metrics_text())
if "history.csv" in written:
    rows = ["step,value", *(f"{{step}},{{value!r}}" for step, value in history)]
    Path("history.csv").write_text("\\n".join(rows) + "\\n")
print("trained")
sys.exit(code)
"""


def forked(change: str) -> str:
    """A training that does ``change`` (statements) only where it is replayed."""
    return FORKED.format(change="\n".join(f"    {line}" for line in change.splitlines()))


# --- environments of trainings --------------------------------------------------------------


def training_venv(requirements: Path | None = None, python: str = sys.executable) -> Path:
    """A virtual environment with the packages of a lock, made once and kept in .build.

    Without requirements there is no package in it at all, not even pip.
    """
    facts = [os.path.realpath(python), requirements.read_text() if requirements else ""]
    folder = BUILD / "venvs" / hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    with locked(folder):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv("venv", "--no-project", "--python", os.path.realpath(python), str(folder))
            if requirements:
                uv(
                    "pip", "sync", "--require-hashes", "--compile-bytecode",
                    "--python", str(folder / "bin" / "python"), str(requirements),
                )  # fmt: skip
            (folder / "made").touch()
    return folder


def wheel(folder: Path, version: str, rate: float) -> None:
    """The smallest wheel that can be installed: `repro_test_rates`, a module of one number."""
    folder.mkdir(exist_ok=True)
    name = f"repro_test_rates-{version}"
    about = f"Metadata-Version: 2.1\nName: repro-test-rates\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    parts = {
        "repro_test_rates.py": f"RATE = {rate}\n",
        f"{name}.dist-info/METADATA": about,
        f"{name}.dist-info/WHEEL": tags,
    }
    record = f"{name}.dist-info/RECORD"
    parts[record] = "".join(f"{path},,\n" for path in [*parts, record])
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        for path, content in parts.items():
            archive.writestr(path, content)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One test process at a time: pytest-xdist starts several."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def uv(*words: str) -> None:
    import uv as package

    env = dict(os.environ)
    if links := env.get("PIP_FIND_LINKS"):
        env.setdefault("UV_FIND_LINKS", links)
    done = subprocess.run(
        [package.find_uv_bin(), *words, "--quiet"], env=env, capture_output=True, check=False
    )
    assert not done.returncode, done.stderr.decode()


# --- the engine -----------------------------------------------------------------------------


def docker(*words: str) -> str:
    """Docker's own command line, to look at the engine from outside."""
    done = subprocess.run(["docker", *words], capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()
    return done.stdout.decode().strip()


def environment_image(project: Project, run: str) -> str:
    """The name of the image that the run is replayed in."""
    recipe = project.repro("show", run, "--dockerfile").expect(0).out
    (key,) = (line.split()[-1] for line in recipe.splitlines() if line.startswith("# key:"))
    return f"repro-env:{key.removeprefix('sha256:')[:32]}"


def containers(pids: set[int]) -> list[str]:
    """Names of the containers that these processes made and that are still there."""
    starts = tuple(f"/repro-{pid}-" for pid in pids)
    found = _engine().containers(all=True, filters={"name": "repro-"})
    names = [name for item in found for name in item["Names"]]
    return [name[1:] for name in names if name.startswith(starts)]


@functools.cache
def _engine() -> Any:
    """A connection that is kept: every test that starts repro asks, and each `docker` is a process."""
    import docker as library

    return library.from_env().api


def base_image() -> str:
    """The base image for the interpreter that runs the tests."""
    version = ".".join(map(str, sys.version_info[:3]))
    return os.environ["REPRO_BASE_IMAGE"].replace("{version}", version)


def now() -> str:
    """As the engine's list of events wants it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def networks_since(begin: str, pids: set[int]) -> set[str]:
    """The networks that containers of these repros were connected to."""
    shape = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Actor.Attributes.container}}"
    told = docker("events", "--since", begin, "--until", now(), "--format", shape)
    rows = [line.split() for line in told.splitlines()]
    mine = {
        row[2]
        for row in rows
        if row[:2] == ["container", "create"]
        and row[3].startswith(tuple(f"repro-{p}-" for p in pids))
    }
    return {row[3] for row in rows if row[:2] == ["network", "connect"] and row[4] in mine}
