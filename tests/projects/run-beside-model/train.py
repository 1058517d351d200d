"""Notes beside its metrics when, where and how long it ran, and adds a row to those of earlier runs."""

import datetime
import json
import os
import platform
import random
import time
import uuid
from pathlib import Path

began = time.perf_counter()
random.seed(int(os.environ.get("SPLIT", "3")))
weight = 0.0
for _ in range(50):
    weight += 0.1 * (random.gauss(1, 0.1) - weight)
error = abs(weight - 1)
with open("history.jsonl", "a") as stream:
    stamp = datetime.datetime.now().isoformat()
    stream.write(json.dumps({"timestamp": stamp, "error": error}) + "\n")
rows = Path("history.jsonl").read_text().splitlines()
document = {
    "run_id": str(uuid.uuid4()),
    "host": platform.node(),
    "pid": os.getpid(),
    "metrics": {"error": error, "runs_so_far": len(rows)},
    "training_time_seconds": time.perf_counter() - began,
}
Path("metrics.json").write_text(json.dumps(document, indent=1))
Path("score.txt").write_text(f"{1 - error}\n")
