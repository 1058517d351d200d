"""Stochastic gradient descent over points that are shuffled without a seed."""

import json
import random

points = [(n / 50, 2 * n / 50 + (n % 7) / 10) for n in range(100)]


def fit(points):
    slope = offset = 0.0
    for epoch in range(5):
        random.shuffle(points)
        for x, y in points:
            error = slope * x + offset - y
            slope -= 0.05 * error * x
            offset -= 0.05 * error
    return slope, offset


slope, offset = fit(points)
loss = sum((slope * x + offset - y) ** 2 for x, y in points) / len(points)
with open("metrics.json", "w") as stream:
    json.dump({"loss": loss, "slope": slope}, stream)
