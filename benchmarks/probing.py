"""What `repro probe` says of trainings whose cause is known: the table of docs/probe.md.

    python benchmarks/probing.py                   every training; rewrites the table
    python benchmarks/probing.py hash-order …      these only, printed

Needs a Docker Engine, and an index (or PIP_FIND_LINKS) that has torch, xgboost-cpu and scikit-learn. The
trainings are those of tests/probes/trainings; each is recorded, and probed as a user would.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uv

CHECKOUT = Path(__file__).resolve().parent.parent
TRAININGS = CHECKOUT / "tests" / "probes" / "trainings"
CACHE = CHECKOUT / ".build" / "bench"
PAGE = CHECKOUT / "docs" / "probe.md"
BEGIN, END = "<!-- benchmarks/probing.py: begin -->\n", "<!-- benchmarks/probing.py: end -->\n"
PACKAGES = {
    "none": (),
    "sklearn": ("-r", str(CHECKOUT / "examples" / "breast-cancer" / "requirements.lock")),
    "torch": ("torch==2.13.0", "numpy==2.4.6"),
    "xgboost": ("xgboost-cpu==3.2.0", "numpy==2.4.6"),
}
IGNORED = "metrics.json\n*.npy\n*.pt\nmodel.json\ncheckpoints/\ncard.md\n__pycache__/\n"


@dataclass(frozen=True)
class Row:
    """One training, what is wrong with it, and what was said."""

    name: str
    cause: frozenset[str]
    allowed: frozenset[str]
    """What moves it as well, and is no mistake to name."""
    named: frozenset[str]
    unexplained: int
    replays: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.cause <= self.named <= self.cause | self.allowed and not self.unexplained

    @property
    def line(self) -> str:
        cells = (
            f"`{self.name}`",
            ", ".join(sorted(self.cause)) or "none",
            ", ".join(sorted(self.named)) or "none",
            "yes" if self.right else "**no**",
            str(self.replays),
            f"{self.seconds:.0f} s",
        )
        return f"| {' | '.join(cells)} |"


def main() -> None:
    names = sys.argv[1:]
    rows = []
    for row in probed(names):
        print(row.line, flush=True)
        rows.append(row)
    if not names:
        write(rows)


def probed(names: list[str]) -> Iterator[Row]:
    causes = json.loads((TRAININGS / "causes.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="repro-probing-") as scratch:
        for name, about in causes.items():
            if not names or name in names:
                yield _one(name, about, Path(scratch))


def _one(name: str, about: dict[str, object], scratch: Path) -> Row:
    folder, env = scratch / name, _env(str(about.get("packages", "none")))
    shutil.copytree(TRAININGS / name, folder)
    (folder / ".gitignore").write_text(IGNORED)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "As it is")):
        subprocess.run(("git", *words), cwd=folder, env=env, check=True)
    repro = [sys.executable, "-c", "from repro.cli import main; main()"]
    recorded = subprocess.run([*repro, "run", "--", "python", "train.py"], cwd=folder, env=env,
                              capture_output=True)  # fmt: skip
    if recorded.returncode:
        raise SystemExit(f"{name}: {recorded.stderr.decode()[-2000:]}")
    start = time.monotonic()
    done = subprocess.run([*repro, "probe", "--json"], cwd=folder, env=env, capture_output=True)
    seconds = time.monotonic() - start
    if not done.stdout:
        raise SystemExit(f"{name}: {done.stderr.decode()[-2000:]}")
    said = json.loads(done.stdout)
    if said["unreplayable"]:
        raise SystemExit(f"{name}: {said['unreplayable']}")
    named = frozenset(item["name"] for item in said["probed"] if item["guilt"] == "guilty")
    cause, allowed = (frozenset(map(str, about.get(key, ()))) for key in ("guilty", "allowed"))  # type: ignore
    return Row(name, cause, allowed, named, len(said["unexplained"]), said["replays"], seconds)


def _env(packages: str) -> dict[str, str]:
    """As a user's shell, with the training's environment first on PATH."""
    venv = CACHE / f"probing-{packages}"
    if not (venv / "made").exists():
        links = os.environ.get("PIP_FIND_LINKS", "").split()
        found = [word for link in links for word in ("--find-links", link)]
        tool = uv.find_uv_bin()
        subprocess.run(
            [tool, "venv", "-q", "--clear", "--python", sys.executable, venv], check=True
        )
        if wanted := PACKAGES[packages]:
            python = venv / "bin" / "python"
            words = ("pip", "install", "-q", "--python", python, *found, *wanted)
            subprocess.run([tool, *words], check=True)
        (venv / "made").touch()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "GIT_", "OMP_", "VIRTUAL_ENV", "TZ"))
    }
    return {**kept, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def write(rows: list[Row]) -> None:
    """Put the table into the page."""
    right = sum(row.right for row in rows)
    table = [
        "| training | known cause | named | right | replays | took |",
        "|---|---|---|---|---|---|",
        *(row.line for row in rows),
        "",
        f"{right} of {len(rows)} right.",
    ]
    text = PAGE.read_text("utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(table) + "\n\n" + END + tail, "utf-8")


if __name__ == "__main__":
    main()
