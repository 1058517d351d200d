"""Reads the clock, the host's name, the order of files and random numbers; none of it counts."""

import datetime
import json
import os
import random
import socket
import tempfile
import time
import uuid

started = time.time()
run = f"{socket.gethostname()}-{uuid.uuid4()}-{datetime.datetime.now():%Y%m%d}-{os.getpid()}"
generator = random.Random(0)
points = [(generator.random(), generator.random()) for _ in range(200)]
weight = 0.0
with tempfile.TemporaryDirectory() as folder:
    for name in sorted(os.listdir(".")):
        open(os.path.join(folder, name + ".seen"), "w").close()
    for x, y in points:
        weight -= 0.1 * (weight * x - y) * x
with open("metrics.json", "w") as stream:
    json.dump({"weight": weight, "words": sorted({"b", "a", "c"})}, stream)
print(f"{len(run) > 0} after {time.time() - started:.3f} s")
