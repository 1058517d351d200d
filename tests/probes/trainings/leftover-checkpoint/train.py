"""Goes on from a checkpoint wherever one lies."""

import json
import os

state = {"epoch": 0, "weight": 0.0}
if os.path.exists("checkpoints/last.json"):
    with open("checkpoints/last.json") as stream:
        state = json.load(stream)
for epoch in range(5):
    state["weight"] -= 0.1 * (state["weight"] - 3.0)
    state["epoch"] += 1
os.makedirs("checkpoints", exist_ok=True)
with open("checkpoints/last.json", "w") as stream:
    json.dump(state, stream)
with open("metrics.json", "w") as stream:
    json.dump({"loss": (state["weight"] - 3.0) ** 2}, stream)
