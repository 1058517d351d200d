"""Is this machine, is this project ready? Each check stands alone: what keeps one from answering keeps
no other, and none may take longer than PATIENCE.

A *problem* is what `repro run` or `repro replay` needs and does not have; a *warning* is what a replay
may suffer from, here or elsewhere; *unknown* is what was not answered.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.diagnosis_machine import MACHINE
from repro.diagnosis_nouns import Answer, Check, State
from repro.diagnosis_project import PROJECT
from repro.diagnosis_scene import Scene
from repro.errors import ReproError

__all__ = ["Answer", "Check", "Diagnosis", "State", "diagnose"]

PATIENCE = 5.0
"""Seconds for all checks together: they run side by side."""

Asker = Callable[[Scene], Iterable[Answer]]


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
        table = [*MACHINE, *(PROJECT if scene.project else ())]
        rows = [_Row(topic, name, ask, scene) for topic, name, ask in table]
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
    """One check at work. A daemon: one that hangs must not keep repro from ending."""

    def __init__(self, topic: str, name: str, ask: Asker, scene: Scene) -> None:
        super().__init__(name=f"doctor: {name}", daemon=True)
        self._place, self._ask, self._scene = (topic, name), ask, scene
        self._answers: tuple[Answer, ...] | None = None

    def run(self) -> None:
        try:
            self._answers = tuple(self._ask(self._scene))
        except ReproError as error:
            self._answers = (Answer(State.PROBLEM, str(error), error.hint),)
        except OSError as error:
            self._answers = (Answer(State.PROBLEM, _system(error), "check the permissions"),)
        except Exception as error:
            # not a finding about the machine: a bug here, which must not hide the other checks
            said = f"could not be checked: {type(error).__name__}: {error}"
            self._answers = (Answer(State.UNKNOWN, said, "this is a bug in repro: report it"),)

    def checks(self) -> Iterable[Check]:
        """The answers, once they are there; an unknown when the time is over."""
        self.join(max(0.0, self._scene.deadline - time.monotonic()))
        answers = self._answers
        if answers is None:
            seconds = f"{self._scene.patience:g} s"
            answers = (Answer(State.UNKNOWN, f"no answer within {seconds}", "ask again"),)
        return [Check.of(*self._place, answer) for answer in answers]


def _system(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{where}"
