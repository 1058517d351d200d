"""How long a person waits for what only reads: `repro --help`, and `repro list` over many runs."""

from __future__ import annotations

import datetime
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ground import Ground
from timing import Row, Timer, command, figure, ratio, rounds, seconds

RUNS = 10_000
REPLAYS = 1_000


def help_text(ground: Ground) -> Iterator[Row]:
    """Against a hello-world made with click and installed beside it."""
    ours = command("repro", "--help", cwd=ground.scratch, env=ground.env)
    hello = command("bench-hello", cwd=ground.scratch, env=ground.env)
    rounds(3, ours, hello)
    took, least = rounds(10 if ground.quick else 40, ours, hello)
    yield ratio("repro --help", took, "a click hello-world", least, target=1.5)


def list_runs(ground: Ground) -> Iterator[Row]:
    """In a store of 10,000 runs, of which 1,000 were replayed once."""
    project = ground.project("listing")
    ground.run("repro", "run", "--", "python", "train.py", cwd=project)
    _multiply(project)
    index = project / ".repro" / "cache" / "index.sqlite"

    def cold() -> float:
        index.unlink(missing_ok=True)
        return seconds("repro", "list", cwd=project, env=ground.env)

    def ask(*words: str) -> Timer:
        return command("repro", "list", *words, cwd=project, env=ground.env)

    (first,) = rounds(2 if ground.quick else 3, cold)
    found, sought, everything, shown = rounds(
        3 if ground.quick else 11,
        ask(),
        ask("--where", "test.accuracy>0.93", "--sort", "-test.accuracy"),
        ask("--all", "--json"),
        command("repro", "show", "latest", cwd=project, env=ground.env),
    )
    over_many = f"over {RUNS:,} runs"
    yield figure(f"repro list {over_many}", found, target=1.0)
    yield figure(f"list --where --sort {over_many}", sought, target=1.0)
    yield figure(f"list --all --json {over_many}", everything)
    yield figure(f"repro show latest {over_many}", shown)
    yield figure(f"repro list {over_many}, index lost", first)


def _multiply(project: Path) -> None:
    """Make many runs of the one that was recorded: other metrics, parameters, times, commits."""
    store = project / ".repro"
    (recorded,) = (store / "runs").iterdir()
    run = json.loads(recorded.read_bytes())
    chance = random.Random(20)
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    for number in range(RUNS - 1):
        run["created"] = _moment(start + datetime.timedelta(minutes=17 * number))
        run["definition"]["source"]["commit"] = chance.randbytes(20).hex()
        for param in run["definition"]["params"]:
            if param["name"] == "seed":
                param["value"] = number
        run["definition_id"] = "sha256:" + _digest(_dumps(run["definition"]))
        for metric in run["result"]["metrics"]:
            metric["value"] = chance.random()
        for output in run["result"]["outputs"]:
            output["digest"] = f"sha256:{chance.randbytes(32).hex()}"
        content = _dumps(run)
        name = _digest(content)
        (store / "runs" / name).write_bytes(content)
        if number < REPLAYS:
            _add_replay(store / "replays" / name, name, run)


def _add_replay(folder: Path, name: str, run: dict[str, Any]) -> None:
    folder.mkdir()
    record = {
        "schema": "repro/replay/v1",
        "run": name,
        "created": run["created"],
        "engine": "docker",
        "isolation": "container",
        "result": run["result"],
        "comparison": {"verdict": "identical"},
    }
    content = _dumps(record)
    (folder / _digest(content)).write_bytes(content)


def _moment(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dumps(document: object) -> bytes:
    """Canonical JSON, see specs/manifest.md."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
