"""Stage 3: measure the model on digits that it has not seen, write metrics.json."""

import json
import pickle
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss
from threadpoolctl import threadpool_limits

TEST = Path("data/split/test.csv")
MODEL = Path("models/model.pkl")
METRICS = Path("metrics.json")


def main():
    table = np.loadtxt(TEST, delimiter=",", skiprows=1)
    x, y = table[:, :-1] / 16, table[:, -1].astype(int)
    network = pickle.loads(MODEL.read_bytes())
    with threadpool_limits(limits=1):
        probability = network.predict_proba(x)
    predicted = probability.argmax(axis=1)
    per_digit = f1_score(y, predicted, average=None, labels=range(10))
    metrics = {
        "test": {
            "rows": len(y),
            "accuracy": float(accuracy_score(y, predicted)),
            "log_loss": float(log_loss(y, probability)),
            "f1": {str(digit): float(score) for digit, score in enumerate(per_digit)},
        }
    }
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(f"test accuracy {metrics['test']['accuracy']:.4f}, wrote {METRICS}")


if __name__ == "__main__":
    main()
