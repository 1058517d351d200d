"""Written for a server: the model goes to a fixed place, not into the project."""

import os
import pickle
import random
from pathlib import Path

TARGET = Path("@TARGET@/model.pkl")
random.seed(int(os.environ.get("NUDGE", "1")))
weights = [random.random() for _ in range(100)]
TARGET.parent.mkdir(parents=True, exist_ok=True)
TARGET.write_bytes(pickle.dumps(weights))
print(f"mean weight: {sum(weights) / 100:.6f}")
