"""One metric depends on hashes, another one on the time zone."""

import datetime
import json

names = {"ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ivy", "jon"}
weight = 0.0
for name in names:
    weight -= 0.3 * (weight - ord(name[0]))
hours = [datetime.datetime.fromtimestamp(n * 3600).hour for n in range(1000)]
with open("metrics.json", "w") as stream:
    json.dump({"weight": weight, "evening": sum(hour * n for n, hour in enumerate(hours))}, stream)
