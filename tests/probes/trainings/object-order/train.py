"""Nodes of a graph in a set: objects without a hash of their own are ordered by their addresses."""

import json


class Node:
    def __init__(self, value):
        self.value = value


nodes = {Node(n / 600) for n in range(3000)}
weight = 0.0
for node in nodes:
    weight -= 0.1 * (weight - node.value)
with open("metrics.json", "w") as stream:
    json.dump({"weight": weight}, stream)
