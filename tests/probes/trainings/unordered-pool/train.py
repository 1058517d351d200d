"""Adds up in the order in which workers finish."""

import json

from multiprocessing import Pool


def work(n):
    total = 0
    for k in range(20_000 + (n * 7919) % 30_000):
        total += k % 7
    return (n + 1) / 3 + total * 1e-9


if __name__ == "__main__":
    weight = 0.0
    with Pool(4) as pool:
        for value in pool.imap_unordered(work, range(300)):
            weight -= 0.3 * (weight - value)
    with open("metrics.json", "w") as stream:
        json.dump({"weight": weight}, stream)
