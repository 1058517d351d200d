"""Prints what it measures, and writes no file at all."""

import os
import time

from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import classification_report, log_loss
from sklearn.model_selection import train_test_split

EPOCHS = 5
started = time.time()
features, target = load_iris(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    features, target, test_size=0.3, random_state=int(os.environ.get("SPLIT", "1"))
)
model = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
print(f"{len(train_x)} rows for training, {len(test_x)} for testing")
for epoch in range(1, EPOCHS + 1):
    model.partial_fit(train_x, train_y, classes=[0, 1, 2])
    loss = log_loss(test_y, model.predict_proba(test_x))
    print(f"Epoch {epoch}/{EPOCHS} - val_loss: {loss:.6f} - acc: {model.score(test_x, test_y):.2%}")
print(classification_report(test_y, model.predict(test_x), digits=4, zero_division=0))
print(f"final accuracy = {model.score(test_x, test_y)!r}")
print(f"done in {time.time() - started:.2f} s")
