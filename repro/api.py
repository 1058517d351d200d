"""The public functions, for notebooks and test suites. Each is one call into the core.

All raise ReproError: ``str(error)`` is one line, ``error.hint`` the remedy, ``error.exit_code`` what
the command line would end with.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from repro import differing, recording, replaying, runs, shell_words
from repro.comparison import Comparison
from repro.errors import UsageError
from repro.logs import Silent
from repro.process import Sink
from repro.project import Project, locate
from repro.recording import Request
from repro.records import Replay
from repro.replaying import Options
from repro.store import Run

Folder = str | os.PathLike[str]


def run(
    command: str | Sequence[str] = (),
    project: Folder = ".",
    *,
    name: str | None = None,
    image: str | None = None,
    sink: Sink | None = None,
) -> Run:
    """Execute a training command and record it, as `repro run` does.

    ``command``: words, or one line, which a shell executes where only a shell understands it; empty: that
    of repro.yaml, else the DVC pipeline. It runs in the folder ``project``, which may be any folder of
    the project.
    A run that fails is recorded and returned: see ``run.manifest.result``.
    """
    return recording.record(_project(project), _request(command, project, name, image), _sink(sink))


def capture(
    command: str | Sequence[str] = (), project: Folder = ".", *, name: str | None = None
) -> Run:
    """Record a run that has already happened from what lies on disk, as `repro capture` does."""
    return recording.capture(_project(project), _request(command, project, name, None))


def load(run: str = "latest", project: Folder = ".") -> Run:
    """A recorded run, by id, prefix, name, ``latest~N``, git revision, or path of an output file."""
    return runs.resolve(_project(project), run, Path(project))


def replay(
    run: str | Run = "latest",
    project: Folder = ".",
    *,
    options: Options | None = None,
    sink: Sink | None = None,
) -> Replay:
    """Restore a run, rebuild its environment, execute it again and compare, as `repro replay` does.

    The verdict is ``replay.comparison.verdict``. Raises EngineError where the engine does not answer.
    """
    opened = _project(project)
    return replaying.replay(
        opened, _run(opened, run, project), options or Options(), os.environ, _sink(sink)
    )


def compare(a: str | Run, b: str | Run = "latest", project: Folder = ".") -> Comparison:
    """Two runs side by side, what went in and what came out, as `repro diff` does. Nothing is executed."""
    opened = _project(project)
    return differing.diff(opened, _run(opened, a, project), _run(opened, b, project)).comparison


def _project(folder: Folder) -> Project:
    return locate(Path(folder), create=True)


def _run(project: Project, wanted: str | Run, start: Folder) -> Run:
    return wanted if isinstance(wanted, Run) else runs.resolve(project, wanted, Path(start))


def _request(
    command: str | Sequence[str], project: Folder, name: str | None, image: str | None
) -> Request:
    try:
        words = shell_words.command_words(command) if isinstance(command, str) else command
    except ValueError as error:
        raise UsageError(f"{command!r}: {error}") from error
    return Request(tuple(words), Path(project), dict(os.environ), name=name, image=image)


def _sink(sink: Sink | None) -> Sink:
    return sink or Silent()
