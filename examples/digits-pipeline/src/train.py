"""Stage 2: train a small neural network, write models/model.pkl and the loss of every epoch."""

import csv
import pickle
from pathlib import Path

import numpy as np
import yaml
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

TRAIN = Path("data/split/train.csv")
MODEL = Path("models/model.pkl")
HISTORY = Path("history.csv")


def load(path):
    """Return the pixels, scaled to 0..1, and the digits."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, :-1] / 16, table[:, -1].astype(int)


def fit(x, y, params):
    """Return the network and one row (step, loss, accuracy) for each epoch."""
    network = MLPClassifier(
        hidden_layer_sizes=(params["hidden_units"],),
        learning_rate_init=params["learning_rate"],
        batch_size=params["batch_size"],
        random_state=params["seed"],
    )
    history = []
    for step in range(1, params["epochs"] + 1):
        network.partial_fit(x, y, classes=np.arange(10))
        history.append((step, float(network.loss_), float(network.score(x, y))))
        if step % 10 == 0:
            print("epoch {}: loss {:.5f}, accuracy {:.4f}".format(*history[-1]), flush=True)
    return network, history


def main():
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train"]
    x, y = load(TRAIN)
    # The order in which BLAS adds up can depend on the number of its threads: one is one order.
    with threadpool_limits(limits=1):
        network, history = fit(x, y, params)

    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_bytes(pickle.dumps(network))
    with HISTORY.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "loss", "accuracy"])
        writer.writerows(history)
    print(f"wrote {MODEL} and {HISTORY}")


if __name__ == "__main__":
    main()
