"""Stage 1: split the digits into data/split/train.csv and data/split/test.csv."""

import csv
from pathlib import Path

import numpy as np
import yaml

SOURCE = Path("data/digits.csv")
SPLIT = Path("data/split")


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"wrote {path}: {len(rows)} rows", flush=True)


def main():
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["prepare"]
    with SOURCE.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    order = np.random.default_rng(params["seed"]).permutation(len(rows))
    n_test = round(len(rows) * params["test_fraction"])
    test, train = ([rows[i] for i in part] for part in np.split(order, [n_test]))
    SPLIT.mkdir(parents=True, exist_ok=True)
    write(SPLIT / "train.csv", header, train)
    write(SPLIT / "test.csv", header, test)


if __name__ == "__main__":
    main()
