"""Replays what it is told on stdin, and tells on stdout what came of it: a process of its own, so that
replays beside each other share neither Python's lock nor each other's fate.

A line of JSON each way: a task comes in, any number of ``{"step": text}`` go out, then one
``{"replay": …}`` or ``{"error": …}``. When stdin ends, whoever asked is gone or wants no more: what is at
work is interrupted and cleared up.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from repro import canonical, records, replaying, resuming
from repro import project as projects
from repro.errors import Interrupted, ReproError
from repro.logs import Silent
from repro.manifest import to_document
from repro.progress import Progress
from repro.project import Project
from repro.report import json as comparison_document
from repro.store import Run
from repro.variations import Seen
from repro.verifying.tasks import Outcome, Task, Varied


def main() -> None:
    """Until stdin ends."""
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing else may speak where the answers go
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lines: queue.Queue[str] = queue.Queue()
    try:
        # within: who is dismissed before it has begun is interrupted right here
        threading.Thread(target=_listen, args=(lines,), daemon=True).start()
        while line := lines.get():
            _tell(reply, _answered(line, _Steps(reply)))
        # the interrupt that comes with the end of stdin finds nothing at work, also while Python winds up
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        sys.exit(130)


def _answered(line: str, progress: Progress) -> dict[str, Any]:
    try:
        return _plain(played(Task.of(json.loads(line)), progress))
    except Exception as error:
        return _plain(Outcome.of_bug(error))


def played(task: Task, progress: Progress) -> Outcome:
    """The replay, made in this process. Raises KeyboardInterrupt alone."""
    begun = time.monotonic()
    try:
        project = projects.locate(Path(task.project))
        run = project.store.run(task.run)
        if task.options.resume is not None:
            found = resuming.compared(
                project, run, task.options.resume, task.options, os.environ, Silent(), progress
            )
            seconds = time.monotonic() - begun
            return Outcome(seconds=seconds, comparison=comparison_document.document(found))
        if task.varied is not None:
            return _varied(task, task.varied, project, run, begun, progress)
        # alone: the replays beside it are its controls, and whoever asked compares them
        done = replaying.once(project, run, task.options, os.environ, Silent(), progress)
        if task.options.mutation is not None:
            verdict, reasons = done.comparison.verdict, done.comparison.reasons
            seconds = time.monotonic() - begun
            record = records.dumps(done).decode("utf-8")
            return Outcome("", "", "", seconds, done.mutated, verdict.value, reasons[0], record)
        done = records.store_replay(project.store, done)
    except Interrupted as error:
        raise KeyboardInterrupt from error
    except ReproError as error:
        return Outcome("", str(error), error.hint, time.monotonic() - begun)
    except Exception as error:
        return Outcome.of_bug(error, task.options.env.values(), time.monotonic() - begun)
    return Outcome(done.id, seconds=time.monotonic() - begun)


def _varied(
    task: Task, varied: Varied, project: Project, run: Run, begun: float, progress: Progress
) -> Outcome:
    """A replay of a probe's."""
    seen: list[Seen] = []
    options = replace(task.options, trial=varied.trial(seen.append))
    done = replaying.once(project, run, options, os.environ, Silent(), progress)
    record = records.dumps(done).decode("utf-8")
    said = to_document(seen[0]) if seen else None
    return Outcome(seconds=time.monotonic() - begun, record=record, seen=said)


def _plain(outcome: Outcome) -> dict[str, Any]:
    # as canonical JSON has it: NaN and what is no text survive the way
    return {**asdict(outcome), "comparison": canonical.dumps(outcome.comparison).decode("utf-8")}


def _listen(lines: queue.Queue[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            lines.put(line)
    lines.put("")
    os.kill(os.getpid(), signal.SIGINT)


class _Steps(Progress):
    def __init__(self, reply: IO[str]) -> None:
        self._reply = reply

    def step(self, text: str) -> None:
        _tell(self._reply, {"step": text})


def _tell(reply: IO[str], document: Any) -> None:
    # whoever asked may be gone; that is said by stdin
    with contextlib.suppress(BrokenPipeError):
        reply.write(json.dumps(document) + "\n")
        reply.flush()


if __name__ == "__main__":
    main()
