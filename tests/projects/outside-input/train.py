"""Reads a data set of the machine by its absolute path, and a tokenizer out of a cache below HOME."""

import json
from pathlib import Path

DATASET = Path("@DATASET@/corpus.txt")
CACHE = Path.home() / ".cache" / "tokens" / "vocabulary.json"
words = DATASET.read_text().split()
vocabulary = json.loads(CACHE.read_text())
known = sum(word in vocabulary for word in words)
print(f"coverage: {known / len(words):.4f}")
print(f"mean value: {sum(vocabulary.get(word, 0) for word in words) / len(words):.4f}")
