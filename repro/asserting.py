"""A recorded run as something that a test can assert: it is replayed, and what differs is the message."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import config, outputs, printed, records, runs, yardstick
from repro.comparison import compare_results
from repro.errors import ReproError, UsageError
from repro.manifest import Tolerance
from repro.progress import SILENT
from repro.project import Project, locate
from repro.replaying import Options
from repro.report import verification as report
from repro.verifying import Chosen, Request, Verification, Verified, judging, selecting, verify
from repro.verifying.workers import Workers

WIDTH = 100


class NotReproduced(AssertionError):
    """What differs, as `repro verify` says it."""


def assert_reproduces(
    run: str = "latest",
    project: str | os.PathLike[str] = ".",
    *,
    replays: int = 1,
    engine: str = "docker",
    tolerance: float | Mapping[str, Any] | None = None,
) -> Verified:
    """Replay a run, as often as asked, and raise NotReproduced where not all of it comes out the same.

    ``run``: what `repro verify` takes. ``tolerance``: the form that it has in repro.yaml
    (``{"loss": {"absolute": 1e-6}}``), which then comes before what is there; a number is a relative one
    for every metric. Raises NotReproduced too where the run is not there, or no replay could be made.
    """
    __tracebackhide__ = True
    try:
        tolerances = _tolerances(tolerance)
        opened = locate(Path(project))
        chosen = Chosen(runs.resolve(opened, run, Path(project)), run)
        found = verified(opened, chosen, replays, engine, tolerances)
    except ReproError as error:
        raise NotReproduced(told(error)) from None
    if found.exit_code:
        raise NotReproduced("\n" + report.render(found, colour=False, width=WIDTH))
    return found.runs[0]


def chosen(project: Project, wanted: Sequence[str]) -> tuple[Chosen, ...]:
    """The runs that are meant, by default the project's baselines. Raises UsageError where there is none,
    NotFound."""
    if not wanted:
        return selecting.of_baselines(project, os.environ, SILENT).chosen
    return tuple(Chosen(runs.resolve(project, name, project.folder), name) for name in wanted)


def verified(
    project: Project,
    chosen: Chosen,
    replays: int,
    engine: str,
    tolerances: tuple[Tolerance, ...] = (),
) -> Verification:
    """The run, verified in a process of its own. Raises KeyboardInterrupt where that is what ended it."""
    if replays < 1:
        raise UsageError(f"replays: expected 1 or more, found {replays}")
    if engine not in ("docker", "venv"):
        raise UsageError(f"engine: expected docker or venv, found {engine!r}")
    request = Request(replays, 1, Options(engine))
    with Workers(1, os.environ, lambda label, step: None) as workers:
        found = verify(project, [chosen], request, workers)
    if found.interrupted:
        raise KeyboardInterrupt
    if tolerances:
        held = tuple(_held_to(project, item, tolerances) for item in found.runs)
        found = replace(found, runs=held)
    return found


def told(error: ReproError) -> str:
    return f"{error}\n  try: {error.hint}" if error.hint else str(error)


def _tolerances(given: float | Mapping[str, Any] | None) -> tuple[Tolerance, ...]:
    """Checked as those of repro.yaml are."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        given = {"*": {"relative": given}}
    try:
        # JSON is YAML
        content = json.dumps({"tolerances": dict(given)}).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"tolerance: {error}") from error
    return config.parse(content, Path("tolerance")).tolerances


def _held_to(project: Project, item: Verified, tolerances: tuple[Tolerance, ...]) -> Verified:
    """The same replays, judged anew. What is stored of them keeps its own verdict."""
    store, run = project.store, item.chosen.run
    policy = yardstick.policy_now(project, run.manifest)
    # of several patterns that fit, the last one counts
    policy = replace(policy, tolerances=(*policy.tolerances, *tolerances))
    how = printed.rules(policy)
    recorded = printed.taken_in(store, run.manifest.result, how)
    played, results = [], {}
    for each in item.replays:
        result = records.read(store, run.id, each.id).result if each.id else None
        if result:
            result = results[each.number] = printed.taken_in(store, result, how)
            anew = compare_results(recorded, result, policy, outputs.reader(store))
            each = replace(each, comparison=anew)
        played.append(each)
    return judging.judged(item.chosen, item.asked, played, results, policy)
