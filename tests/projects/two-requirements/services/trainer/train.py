"""Started in its own folder, reads the configuration beside itself and the data of the repository."""

import json
import os
from pathlib import Path

import numpy as np

config = json.loads(Path("params.json").read_text())
table = np.loadtxt("../../data/table.csv", delimiter=",")
generator = np.random.default_rng(config["seed"] + int(os.environ.get("NUDGE", "0")))
weights = generator.normal(size=3)
for _ in range(config["steps"]):
    weights -= config["rate"] * table[:, :3].T @ (table[:, :3] @ weights - table[:, 3]) / len(table)
loss = float(np.mean((table[:, :3] @ weights - table[:, 3]) ** 2))
Path("results").mkdir(exist_ok=True)
Path("results/metrics.json").write_text(json.dumps({"train": {"loss": loss}}))
