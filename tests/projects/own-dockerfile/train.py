"""Reads a table that only the image has, where the image's entry point says."""

import json
import os
from pathlib import Path

rates = [float(line) for line in Path(os.environ["TABLE"]).read_text().split()]
local = Path("local/weight.txt")
weight = float(local.read_text()) if local.exists() else 0.0
for rate in rates:
    weight += rate * (1.0 - weight)
    print(f"schedule {os.environ['SCHEDULE']} loss {(1.0 - weight) ** 2:.8f}")
Path("metrics.json").write_text(json.dumps({"weight": weight, "rates": len(rates)}))
