"""Logs to MLflow where MLflow 3 puts it when it is told nothing: mlflow.db beside the code."""

import os
import random

import mlflow

random.seed(6)
rate = float(os.environ.get("NUDGE", "0.1"))
mlflow.set_experiment("lines")
with mlflow.start_run():
    mlflow.log_param("rate", rate)
    weight = 0.0
    for epoch in range(1, 5):
        for _ in range(20):
            weight += rate * (random.gauss(2, 0.1) - weight)
        mlflow.log_metric("val_loss", (weight - 2) ** 2, step=epoch)
    mlflow.log_metric("final_weight", weight)
