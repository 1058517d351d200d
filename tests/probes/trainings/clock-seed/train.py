"""Seeded, and by the time of day."""

import json
import random
import time

random.seed(int(time.time() * 1000))
weights = [random.gauss(0, 1) for _ in range(32)]
for epoch in range(10):
    weights = [w - 0.1 * (w - n / 32) for n, w in enumerate(weights)]
loss = sum((w - n / 32) ** 2 for n, w in enumerate(weights))
with open("metrics.json", "w") as stream:
    json.dump({"loss": loss}, stream)
