import random


def line(x: float) -> tuple[float, float]:
    return x, 4 * x + random.gauss(0, 0.2)
