"""What `repro probe -j 2` saves of a training of 5 s that repeats itself: the figures of docs/probe.md.

    python benchmarks/probing_beside.py            5 s that wait, so that the load of other programs counts little
    python benchmarks/probing_beside.py --work     5 s of one processor's time: on a machine with two idle ones

Needs a Docker Engine. Prints a line for each number of jobs, and the ratio of their times. What is guilty has to
be the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from probing import _env

CAUSES = {
    "none": "0",
    "time zone": "datetime.datetime.fromtimestamp(0).hour",
}
TRAINING = """\
import datetime, json, time
{passing}
json.dump({{"loss": {loss}}}, open("metrics.json", "w"))
"""
WAITING = "time.sleep(5)"
WORKING = "while time.process_time() < 5: pass"
REPRO = [sys.executable, "-c", "from repro.cli import main; main()"]


def main() -> None:
    passing = WORKING if "--work" in sys.argv else WAITING
    with tempfile.TemporaryDirectory(prefix="repro-probing-") as scratch:
        for number, (cause, loss) in enumerate(CAUSES.items()):
            folder = Path(scratch) / f"{number}"
            _recorded(folder, TRAINING.format(passing=passing, loss=loss))
            one, two = (_probed(folder, cause, jobs) for jobs in (1, 2))
            print(f"{cause}: {two / one:.2f}", flush=True)


def _recorded(folder: Path, code: str) -> None:
    folder.mkdir()
    (folder / "train.py").write_text(code)
    (folder / ".gitignore").write_text("metrics.json\n")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "As it is")):
        subprocess.run(("git", *words), cwd=folder, check=True)
    words = [*REPRO, "run", "--", "python", "train.py"]
    subprocess.run(words, cwd=folder, env=_env("none"), capture_output=True, check=True)
    # the environment is built once, and not by the first that is timed
    subprocess.run([*REPRO, "replay", "-q"], cwd=folder, env=_env("none"), capture_output=True)


def _probed(folder: Path, cause: str, jobs: int) -> float:
    words, start = [*REPRO, "probe", "--json", "-j", str(jobs)], time.monotonic()
    done = subprocess.run(words, cwd=folder, env=_env("none"), capture_output=True)
    seconds = time.monotonic() - start
    said = json.loads(done.stdout)
    named = ", ".join(item["name"] for item in said["probed"] if item["guilt"] == "guilty")
    print(
        f"  {cause}, -j {jobs}: {said['replays']} replays, {seconds:.0f} s, guilty: {named or 'none'}"
    )
    return seconds


if __name__ == "__main__":
    main()
