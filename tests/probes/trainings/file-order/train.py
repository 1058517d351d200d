"""Trains on the files of a folder in the order in which the system lists them."""

import json
import os

weight = 0.0
for name in os.listdir("data"):
    with open(os.path.join("data", name)) as stream:
        for line in stream:
            x, y = map(float, line.split(","))
            weight -= 0.1 * (weight * x - y) * x
with open("metrics.json", "w") as stream:
    json.dump({"weight": weight}, stream)
