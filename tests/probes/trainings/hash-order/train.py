"""A text classifier whose vocabulary is a set: its order decides which weights are updated first."""

import json

TEXTS = [
    ("the film was a quiet and lovely thing", 1),
    ("a dull and noisy film without a story", 0),
    ("lovely acting and a story that stays", 1),
    ("noisy acting and dull dull dialogue", 0),
    ("quiet dialogue that stays with you", 1),
]
vocabulary = {word for text, _ in TEXTS for word in text.split()}
index = {word: number for number, word in enumerate(vocabulary)}
weights = [0.0] * len(index)
for epoch in range(20):
    for text, label in TEXTS:
        for word in set(text.split()):
            error = label - sum(weights[index[other]] for other in text.split())
            weights[index[word]] += 0.05 * error
loss = sum((y - sum(weights[index[w]] for w in t.split())) ** 2 for t, y in TEXTS)
with open("metrics.json", "w") as stream:
    json.dump({"loss": loss}, stream)
print(f"loss {loss:.12f}")
