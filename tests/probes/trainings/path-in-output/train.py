"""Writes beside the model where its data lies: an absolute path."""

import json
from pathlib import Path

points = [tuple(map(float, line.split(","))) for line in open("points.csv")]
slope = sum(x * y for x, y in points) / sum(x * x for x, _ in points)
with open("metrics.json", "w") as stream:
    json.dump({"slope": slope}, stream)
with open("model.json", "w") as stream:
    json.dump({"slope": slope, "data": str(Path("points.csv").resolve())}, stream)
