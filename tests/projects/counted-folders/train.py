"""Two fits, each in the next `version_N` that is free, as Lightning's loggers take it; tables with empty cells."""

import csv
import os
import struct
from itertools import count
from pathlib import Path

ROWS = [(n / 8, n / 4 + (n % 3) / 10) for n in range(16)]


def folder() -> Path:
    free = (Path(f"lightning_logs/version_{number}") for number in count())
    return next(path for path in free if not path.exists())


for rate in (0.05, 0.1 + float(os.environ.get("NUDGE", "0"))):
    here = folder()
    (here / "checkpoints").mkdir(parents=True)
    slope = 0.0
    with (here / "metrics.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["epoch", "train_loss", "val_loss"])
        table.writeheader()
        for epoch in range(3):
            slope -= rate * sum((slope * x - y) * x for x, y in ROWS) / len(ROWS)
            loss = sum((slope * x - y) ** 2 for x, y in ROWS) / len(ROWS)
            table.writerow({"epoch": epoch, "train_loss": loss})
            table.writerow({"epoch": epoch, "val_loss": loss / 2})
    (here / "checkpoints/epoch=2-step=3.ckpt").write_bytes(struct.pack("<d", slope))
    print(f"Epoch 2: 3/3 v_num={here.name[8:]} train_loss={loss:.4f}")
