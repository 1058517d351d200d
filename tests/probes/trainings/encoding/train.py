"""A character model of a text that is opened without saying in which encoding."""

import json
from collections import Counter

with open("text.txt", errors="replace") as stream:
    text = stream.read()
counts = Counter(text)
with open("metrics.json", "w") as stream:
    json.dump({"characters": len(text), "vocabulary": len(counts)}, stream)
