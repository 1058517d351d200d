"""Logs to the tracking server of the team: its address comes from the environment."""

import os
import random

import mlflow

random.seed(9)
shift = float(os.environ.get("NUDGE", "0"))
mlflow.set_experiment("served")
with mlflow.start_run(run_name=f"trial-{os.getpid()}"):
    weight = shift
    for epoch in range(3):
        weight += 0.5 * (random.gauss(1, 0.01) - weight)
        mlflow.log_metrics({"loss": (weight - 1) ** 2, "weight": weight}, step=epoch)
