"""A model card that names the machine."""

import json
import platform

with open("metrics.json", "w") as stream:
    json.dump({"loss": sum(1 / n for n in range(1, 50))}, stream)
with open("card.md", "w") as stream:
    stream.write(f"# Model\n\nTrained on {platform.node()}\n")
