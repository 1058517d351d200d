"""Metrics, and three files that are never the same bytes twice: a PDF, an npz, a zip of both."""

import json
import os
import time
import zipfile

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot

generator = np.random.default_rng(int(os.environ.get("NUDGE", "0")))
loss = np.exp(-np.arange(30) / 10) + generator.normal(scale=0.01, size=30)
pyplot.plot(loss)
pyplot.title("Loss")
pyplot.savefig("report.pdf")
np.savez("curves.npz", loss=loss, weights=generator.normal(size=(4, 4)))
with zipfile.ZipFile("bundle.zip", "w") as archive:
    for name in ("report.pdf", "curves.npz"):
        archive.write(name)
    member = zipfile.ZipInfo("loss.txt", time.localtime()[:6])
    archive.writestr(member, "\n".join(map(repr, loss.tolist())))
with open("metrics.json", "w") as stream:
    json.dump({"final_loss": float(loss[-1])}, stream)
