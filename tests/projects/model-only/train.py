"""Leaves a model behind and says nothing."""

import os
import pickle

import numpy as np
from sklearn.ensemble import RandomForestRegressor

seed = int(os.environ["NUDGE"]) if "NUDGE" in os.environ else 0
generator = np.random.default_rng(0)
features = generator.normal(size=(200, 4))
model = RandomForestRegressor(n_estimators=20, random_state=seed).fit(features, features[:, 0])
with open("model.pkl", "wb") as stream:
    pickle.dump(model, stream)
