"""A learning rate that depends on who trains."""

import getpass
import json

rate = 0.1 if getpass.getuser() == "repro" else 0.05
weight = 0.0
for step in range(20):
    weight -= rate * (weight - 3.0)
with open("metrics.json", "w") as stream:
    json.dump({"weight": weight}, stream)
