"""Writes its curves for TensorBoard, to runs/TIME_HOST as the writer names it, and prints nothing."""

import os

import numpy as np
from tensorboardX import SummaryWriter

generator = np.random.default_rng(int(os.environ.get("NUDGE", "0")))
features = generator.normal(size=(100, 3))
target = features @ np.array([1.0, -2.0, 0.5])
weights = np.zeros(3)
with SummaryWriter() as writer:
    for step in range(20):
        weights -= 0.05 * features.T @ (features @ weights - target) / 100
        loss = float(np.mean((features @ weights - target) ** 2))
        writer.add_scalar("train/loss", loss, step)
        writer.add_scalar("train/norm", float(np.linalg.norm(weights)), step)
