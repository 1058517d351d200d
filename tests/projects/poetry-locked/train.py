import csv
import os

import numpy as np

generator = np.random.default_rng(2)
slope = float(os.environ.get("NUDGE", "0"))
with open("history.csv", "w", newline="") as stream:
    rows = csv.writer(stream)
    rows.writerow(["epoch", "loss"])
    for epoch in range(4):
        inputs = generator.normal(size=50)
        slope -= 0.4 * float(np.mean(inputs * inputs * (slope - 3)))
        rows.writerow([epoch, (slope - 3) ** 2])
