import logging
import os
from pathlib import Path

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s [%(levelname)s] %(message)s")
rate = float(os.environ["RATE"]) + float(os.environ.get("NUDGE", "0"))
points = [
    tuple(map(float, row.split())) for row in Path("work/points.txt").read_text().splitlines()
]
weight = 0.0
for step in range(10, 40, 10):
    for x, y in points * 10:
        weight -= rate * (weight * x - y) * x
    loss = sum((weight * x - y) ** 2 for x, y in points) / len(points)
    logging.info("step %d | loss %.8f | lr %g", step, loss, rate)
Path("weights.txt").write_text(f"{weight!r}\n")
