"""Is this machine, is this project ready? Each check stands alone: what keeps one from answering keeps
no other, and none may take longer than PATIENCE.

A *problem* is what `repro run` or `repro replay` needs and does not have; a *warning* is what a replay
may suffer from, here or elsewhere; *unknown* is what was not answered.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.diagnosis_data import DATA
from repro.diagnosis_machine import MACHINE
from repro.diagnosis_nouns import Answer, Check, State
from repro.diagnosis_project import PROJECT
from repro.diagnosis_scene import Probe, Scene
from repro.diagnosis_store import STORE
from repro.errors import ReproError

__all__ = ["Answer", "Check", "Diagnosis", "State", "diagnose"]

PATIENCE = 8.0
"""Seconds for all checks together: they run side by side."""
PROBES = (*MACHINE, *PROJECT, *DATA, *STORE)
"""Everything, in the order in which it is shown."""


@dataclass(frozen=True)
class Diagnosis:
    """What was seen, topic by topic. ``project`` is None where there is none here."""

    project: Path | None
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether there is no problem."""
        return not any(check.state is State.PROBLEM for check in self.checks)

    def count(self, state: State) -> int:
        return sum(check.state is state for check in self.checks)


def diagnose(start: Path, environ: Mapping[str, str], patience: float = PATIENCE) -> Diagnosis:
    """Check the machine, and the project that ``start`` lies in. Raises nothing, changes nothing but
    caches of the project's store, where it has one."""
    with tempfile.TemporaryDirectory(prefix="repro-doctor-", ignore_cleanup_errors=True) as scratch:
        scene = Scene(start, environ, Path(scratch), time.monotonic() + patience)
        probes = PROBES if scene.project else MACHINE
        rows = [_Row(probe, scene) for probe in probes]
        for row in rows:
            row.start()
        checks = [check for row in rows for check in row.checks()]
        if scene.trouble is not None:
            checks.append(_no_project(scene.trouble))
    return Diagnosis(scene.project.folder if scene.project else None, tuple(checks))


def _no_project(error: ReproError) -> Check:
    answer = Answer(State.UNKNOWN, f"{error}; only the machine was checked", error.hint)
    return Check.of("project", "repository", answer)


class _Row(threading.Thread):
    """One probe at work. A daemon: one that hangs must not keep repro from ending."""

    def __init__(self, probe: Probe, scene: Scene) -> None:
        super().__init__(name=f"doctor: {probe.name}", daemon=True)
        self._probe, self._scene = probe, scene
        self._answers: list[Answer] = []
        self._done = False

    def run(self) -> None:
        try:
            # one by one: what was seen before the time is over counts
            for answer in self._probe.ask(self._scene):
                self._answers.append(answer)
        except Exception as error:
            self._answers.append(_failed(error))
        self._done = True

    def checks(self) -> Iterable[Check]:
        """The answers, once they are there; what is late says so."""
        self.join(max(0.0, self._scene.deadline - time.monotonic()))
        done, answers = self._done, list(self._answers)
        if not done:
            answers.append(self._late(further=bool(answers)))
        return [Check.of(self._probe.topic, self._probe.name, answer) for answer in answers]

    def _late(self, *, further: bool) -> Answer:
        seconds = f"{self._scene.patience:g} s"
        if further:
            return Answer(State.UNKNOWN, f"no further answer within {seconds}", self._probe.remedy)
        return Answer(self._probe.late, f"no answer within {seconds}", self._probe.remedy)


def _failed(error: Exception) -> Answer:
    match error:
        case ReproError():
            return Answer(State.PROBLEM, str(error), error.hint)
        case OSError():
            return Answer(State.PROBLEM, _system(error), "check permissions and disk")
        case sqlite3.Error():
            seen = f"a cache of repro cannot be used: {error}"
            return Answer(State.PROBLEM, seen, "rm -r .repro/cache, and check the disk")
    # not a finding about the machine: a bug here, which must not hide the other checks
    seen = f"could not be checked: {type(error).__name__}: {error}"
    return Answer(State.UNKNOWN, seen, "this is a bug in repro: please report it")


def _system(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{where}"
