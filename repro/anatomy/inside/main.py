"""What runs inside the container: reads each file in a process of its own, with limits on its time and on
what it writes, and leaves the result or a reason beside it.

    python -m repro.anatomy.inside.main TASKS OUT

TASKS is a JSON list of {"path", "form", "name"}; OUT a folder. The whole of it is read as a stranger's.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from repro.anatomy.inside import dumping, joblibs, libraries
from repro.anatomy.inside.values import Refused

SECONDS = 120
WRITTEN = 8 << 30
"""Bytes of one file."""


def read(form: str, path: str, place: str) -> None:
    """Dump the file as what it is. Raises Refused, and whatever a library raises."""
    if form in ("pickle", "torch"):
        name, content, root = joblibs.pickled(path, place + ".unpacked")
        dumping.write(name, joblibs.leaves(root), content, place)
        return
    reader = {
        "hdf5": libraries.hdf5,
        "keras": libraries.keras,
        "parquet": libraries.parquet,
        "image": libraries.image,
        "npy": joblibs.numpy_objects,
    }[form]
    dumping.write(form, reader(path), path, place)


def _alone(task: Any, place: str) -> None:
    """Read one file; what is wrong with it is written down."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass
    signal.alarm(SECONDS)
    try:
        read(task["form"], task["path"], place)
    except MemoryError:
        _say(place, "it needs more memory than there is")
    except Refused as error:
        _say(place, str(error))
    except RecursionError:
        _say(place, "it is nested too deeply")
    except Exception as error:
        _say(place, f"{type(error).__name__}: {str(error)[:200]}")


def _say(place: str, text: str) -> None:
    with open(place + ".reason", "w", encoding="utf-8") as file:
        file.write(text)


def main(tasks: str, out: str) -> None:
    with open(tasks, encoding="utf-8") as file:
        items = json.load(file)
    for task in items:
        place = os.path.join(out, task["name"])
        child = os.fork()
        if child == 0:
            try:
                _alone(task, place)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            ended = f"it took longer than {SECONDS} s"
            _say(
                place,
                ended if number == signal.SIGALRM else f"the reader was ended by signal {number}",
            )


if __name__ == "__main__":
    main(*sys.argv[1:3])
