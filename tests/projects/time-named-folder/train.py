"""Writes to outputs/DATE/TIME, as hydra does, with the configuration beside the metrics."""

import json
import os
import random
import time
from pathlib import Path

folder = Path(time.strftime("outputs/%Y-%m-%d/%H-%M-%S"))
(folder / ".hydra").mkdir(parents=True)
config = {"seed": 4, "lr": 0.1}
(folder / ".hydra" / "config.yaml").write_text("".join(f"{k}: {v}\n" for k, v in config.items()))
random.seed(config["seed"])
weight = float(os.environ.get("NUDGE", "0"))
for _ in range(50):
    weight += config["lr"] * (random.gauss(1, 0.1) - weight)
(folder / "metrics.json").write_text(json.dumps({"val": {"error": abs(weight - 1)}, "steps": 50}))
(folder / "model.txt").write_text(repr(weight))
