"""Averages models of as many shards as the machine has CPUs."""

import json
import os
from multiprocessing import Pool

POINTS = [(n / 60, (n % 11) / 3) for n in range(240)]


def fit(shard):
    weight = 0.0
    for x, y in shard:
        weight -= 0.1 * (weight * x - y) * x
    return weight


if __name__ == "__main__":
    count = os.cpu_count()
    with Pool(count) as pool:
        weights = pool.map(fit, [POINTS[start::count] for start in range(count)])
    with open("metrics.json", "w") as stream:
        json.dump({"weight": sum(weights) / count}, stream)
