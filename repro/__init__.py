"""repro: record a training run, replay it, and say truthfully what came out the same."""

__version__ = "0.1.0"
