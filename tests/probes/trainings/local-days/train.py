"""Sales by weekday, as the machine's own time zone has it."""

import json
import time

sales = [0.0] * 7
for hour in range(1000):
    sales[time.localtime(1_700_000_000 + hour * 3600).tm_wday] += 1 + (hour % 13) / 7
mean = sum(sales) / 7
with open("metrics.json", "w") as stream:
    json.dump({"variance": sum((value - mean) ** 2 for value in sales) / 7}, stream)
