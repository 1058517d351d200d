"""First step: found through PYTHONPATH=src only."""

import random
from pathlib import Path

from shapes import line

random.seed(5)
Path("work").mkdir(exist_ok=True)
points = (line(random.uniform(0, 1)) for _ in range(50))
Path("work/points.txt").write_text("\n".join(f"{x!r} {y!r}" for x, y in points))
print("prepared 50 points")
