import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--data")
parser.add_argument("--out")
args = parser.parse_args()
rate = float(os.environ.get("NUDGE", "0.05"))
points = [tuple(map(float, line.split(","))) for line in Path(args.data).read_text().split()]
slope = offset = 0.0
for epoch in range(1, args.epochs + 1):
    for x, y in points:
        error = slope * x + offset - y
        slope, offset = slope - rate * error * x, offset - rate * error
    loss = sum((slope * x + offset - y) ** 2 for x, y in points) / len(points)
    print(f"[{epoch}]\ttrain-loss:{loss:.6f}")
Path(args.out).write_text(json.dumps({"slope": slope, "offset": offset}))
