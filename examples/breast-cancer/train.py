"""Train a random forest on the Wisconsin breast cancer data and write its metrics."""

import csv
import json
import pickle
from pathlib import Path

import numpy as np
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

DATA = Path("data/breast_cancer.csv")
MODEL = Path("models/model.pkl")
METRICS = Path("metrics.json")
REPORT_EVERY = 200  # trees


def load(path):
    """Return the features (rows x 30) and the labels: 1 is benign, 0 is malignant."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    if header[-1] != "benign":
        raise SystemExit(f"{path}: the last column should be 'benign', it is {header[-1]!r}")
    table = np.array(rows, dtype=float)
    return table[:, :-1], table[:, -1].astype(int)


def fit(x, y, params, seed):
    """Grow the forest a batch of trees at a time, so that there is something to watch."""
    forest = RandomForestClassifier(
        n_estimators=0,
        max_features=params["max_features"],
        min_samples_leaf=params["min_samples_leaf"],
        warm_start=True,
        random_state=seed,
        n_jobs=1,
    )
    while forest.n_estimators < params["n_trees"]:
        forest.n_estimators = min(forest.n_estimators + REPORT_EVERY, params["n_trees"])
        forest.fit(x, y)
        print(f"{forest.n_estimators} trees, train accuracy {forest.score(x, y):.4f}", flush=True)
    return forest


def evaluate(forest, x, y):
    probability = forest.predict_proba(x)[:, 1]
    predicted = forest.predict(x)
    return {
        "rows": len(y),
        "accuracy": float(accuracy_score(y, predicted)),
        "f1": float(f1_score(y, predicted)),
        "roc_auc": float(roc_auc_score(y, probability)),
        "log_loss": float(log_loss(y, probability)),
    }


def main():
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    x, y = load(DATA)
    print(f"{len(y)} rows, {x.shape[1]} features", flush=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=params["data"]["test_fraction"], stratify=y, random_state=params["seed"]
    )
    forest = fit(x_train, y_train, params["model"], params["seed"])
    metrics = {
        "train": evaluate(forest, x_train, y_train),
        "test": evaluate(forest, x_test, y_test),
    }

    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_bytes(pickle.dumps(forest))
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(f"test accuracy {metrics['test']['accuracy']:.4f}, wrote {METRICS} and {MODEL}")


if __name__ == "__main__":
    main()
