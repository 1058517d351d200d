"""uv's own program, found by many threads at once in a process that has not looked before."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import threading
from repro.engines import uv
import uv as library
found, begin = [], threading.Barrier(16)
def find():
    begin.wait()
    try:
        found.append(str(uv.executable()))
    except Exception as error:
        found.append(repr(error))
threads = [threading.Thread(target=find) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(set(found)) == 1 and "Error" not in found[0], set(found)
"""


def test_many_threads_find_the_same_program() -> None:
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
