"""The project's own command, which takes its settings from the package's own files."""

import argparse
import json
import os
from pathlib import Path

from lines.fitting import fit

SETTINGS = Path(__file__).with_name("settings.json")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    rate = float(os.environ.get("NUDGE", json.loads(SETTINGS.read_text())["rate"]))
    losses = list(fit(rate, given.epochs))
    for epoch, loss in enumerate(losses, 1):
        print(f"[{epoch}/{given.epochs}] loss={loss:.10f}")
    given.out.mkdir(exist_ok=True)
    (given.out / "scores.json").write_text(json.dumps({"loss": losses[-1]}))
    return 0
