"""Train softmax regression on the digits by Hogwild SGD: threads share the weights, without a lock.

Niu, Recht, Re, Wright: "Hogwild!: A Lock-Free Approach to Parallelizing SGD", 2011.
"""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import yaml

DATA = Path("data/digits.csv")
METRICS = Path("metrics.json")
HISTORY = Path("history.csv")


def load(path, test_fraction):
    """Return train and test, each (pixels and a 1 for the bias, digits), split in file order."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    x = np.column_stack([table[:, :-1] / 16, np.ones(len(table))])
    y = table[:, -1].astype(int)
    cut = round(len(y) * (1 - test_fraction))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def evaluate(weights, x, y):
    probability = softmax(x @ weights)
    return {
        "log_loss": float(-np.log(probability[np.arange(len(y)), y]).mean()),
        "accuracy": float((probability.argmax(axis=1) == y).mean()),
    }


def descend(weights, x, y, shard, params):
    """Update the shared weights in place for each batch of the shard, whoever else does so too."""
    for start in range(0, len(shard), params["batch_size"]):
        batch = shard[start : start + params["batch_size"]]
        error = softmax(x[batch] @ weights)
        error[np.arange(len(batch)), y[batch]] -= 1
        weights -= params["learning_rate"] / len(batch) * (x[batch].T @ error)


def fit(x, y, params):
    """Return the weights and one row (step, loss, accuracy) for each epoch."""
    rng = np.random.default_rng()
    weights = np.zeros((x.shape[1], 10))
    history = []
    with ThreadPoolExecutor(max_workers=params["workers"]) as pool:
        for step in range(1, params["epochs"] + 1):
            shards = np.array_split(rng.permutation(len(y)), params["workers"])
            list(pool.map(lambda shard: descend(weights, x, y, shard, params), shards))
            now = evaluate(weights, x, y)
            history.append((step, now["log_loss"], now["accuracy"]))
            if step % 5 == 0:
                print("epoch {}: loss {:.5f}, accuracy {:.4f}".format(*history[-1]), flush=True)
    return weights, history


def main():
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    train, test = load(DATA, params["test_fraction"])
    weights, history = fit(*train, params)
    metrics = {"train": evaluate(weights, *train), "test": evaluate(weights, *test)}

    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    with HISTORY.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "loss", "accuracy"])
        writer.writerows(history)
    print(f"test accuracy {metrics['test']['accuracy']:.4f}, wrote {METRICS} and {HISTORY}")


if __name__ == "__main__":
    main()
