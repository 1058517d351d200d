import random

random.seed(11)
for _ in range(100):
    x = random.uniform(-1, 1)
    print(f"{x!r},{3 * x - 1 + random.gauss(0, 0.05)!r}")
