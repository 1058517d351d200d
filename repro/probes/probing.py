"""One run probed: a control pair, everything varied at once, then one by one."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from repro import redacting, sessions
from repro.capturing import host
from repro.errors import Interrupted
from repro.manifest import PackageOrigin, Result
from repro.probes import differences, searching
from repro.probes.knowledge import Knowledge
from repro.probes.nouns import LEFT_OUT, Change, Guilt, Kind, Probe
from repro.probes.trials import Trials, Tried
from repro.process import Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.replaying import Options
from repro.store import Run
from repro.variations import ALL, Conditions, Held, Scene, processors, together
from repro.verifying import Chosen, fitting
from repro.verifying.workers import Workers

ROUNDS = 3
"""Attempts, each with other values, to find what moves that which differs by itself."""
SUSPICIOUS = 2
"""More guilty than that may only be what moves addresses."""
NOTHING = Conditions()
Take = Callable[[str, Conditions], Tried]
NOT_HELD = (), ("addresses",), ("addresses", "clock"), ("addresses", "clock", "entropy")
"""What to let go where a training does not finish with everything held."""


@dataclass(frozen=True)
class Choice:
    """Which variations a person wants."""

    only: frozenset[str] = frozenset()
    """Empty: all."""
    skip: frozenset[str] = frozenset()

    def wanted(self, name: str) -> bool:
        return name not in self.skip and (not self.only or name in self.only)


ALL_OF_THEM = Choice()


def probe(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress = SILENT,
    choice: Choice = ALL_OF_THEM,
    jobs: int = 1,
) -> Probe:
    """Find out what the run depends on that it should not. No replay of it is stored.

    ``jobs``: replays beside each other, as far as this machine has room, where no timing can matter.

    Interrupted, it returns what it had found, with ``interrupted`` set. Raises EngineError.
    """
    fit, why = fitting.jobs(jobs, [Chosen(run)])
    with sessions.session(project.store) as session, _beside(fit, environ) as place:
        trials = Trials(project, run, options, environ, sink, progress, place=place, jobs=fit)
        work = _Work(trials, choice, session.folder("leftovers"))
        if why:
            work.note(why)
        try:
            work.through()
        except (Interrupted, KeyboardInterrupt):
            work.interrupted = True
        return work.said()


def _beside(jobs: int, environ: Mapping[str, str]) -> AbstractContextManager[Workers | None]:
    return Workers(jobs, environ, lambda label, step: None) if jobs > 1 else nullcontext()


def _called(names: tuple[str, ...]) -> str:
    return f"{len(names)} things varied" if len(names) > 3 else f"varied: {', '.join(names)}"


class _Work:
    """One probe on its way: what is known so far."""

    def __init__(self, trials: Trials, choice: Choice, leftovers: Path) -> None:
        self._trials, self._choice, self._leftovers = trials, choice, leftovers
        self._knowledge = Knowledge()
        self._first: Tried | None = None
        self._scene = self._look(held=False)
        self._holds: dict[str, Conditions] = {}
        self._baseline: Result | None = None
        self._unstable: tuple[Change, ...] = ()
        self._unexplained: tuple[Change, ...] = ()
        self._left_out: frozenset[tuple[Kind, str]] = frozenset()
        self._alone: dict[str, Result] = {}
        """What came out where only this one was varied."""
        self._rechecked = False
        given = trials.options.env
        self._notes: list[str] = [redacting.said_of(given)] if given else []
        self.interrupted = False

    def note(self, text: str) -> None:
        """Something that a person should know of it."""
        self._notes.append(text)

    # --- the course ---

    def through(self) -> None:
        if not self._control_pair():
            return
        if self._unstable and not self._hold():
            self._unexplained = self._unstable
            return
        if self._scene.held:
            self._addresses(tries=2)
        self._search()

    def _control_pair(self) -> bool:
        """Two replays under the same conditions; False where there is nothing to go on from."""
        first = self._first = self._trials.take("control", NOTHING, self._leftovers)
        if not first.finished or first.result is None:
            return False
        self._trials.give_time(first.result)
        self._scene = self._look(held=False)
        second = self._trials.take("control, once more", NOTHING)
        self._baseline = first.result
        if second.result:
            self._unstable = self._changes(second.result)
        return second.result is not None

    def _hold(self) -> bool:
        """Everything held, twice, to have something to compare with."""
        self._scene = self._look(held=True)
        pair = self._held_pair()
        if pair is None:
            self._notes.append("with everything held the training does not finish")
            return False
        self._baseline, self._knowledge.seen = pair[0].result, pair[0].seen
        left = self._changes(pair[1].result) if pair[1].result else ()
        self._unexplained = self._on_one_cpu(left) if left else ()
        self._left_out = frozenset(item.key for item in left)
        return True

    def _held_pair(self) -> tuple[Tried, Tried] | None:
        holds = {item.name: item.hold(self._scene) for item in ALL if item.hold}
        if self._scene.foreign:
            self._notes.append(
                "memory addresses were not held: a run from elsewhere keeps the engine's own confinement"
            )
        for free in NOT_HELD:
            self._holds = {name: held for name, held in holds.items() if name not in free}
            what = f"everything held but {', '.join(free)}" if free else "everything held"
            first = self._trials.take(what, self._conditions())
            if first.finished:
                if free:
                    self._notes.append(f"could not be held here: {', '.join(free)}")
                return first, self._trials.take(f"{what}, once more", self._conditions())
        return None

    def _on_one_cpu(self, left: tuple[Change, ...]) -> tuple[Change, ...]:
        """What still differs where only one CPU works; the rest is for parallelism to answer."""
        if self._scene.cpus < 2 or not self._choice.wanted("parallelism"):
            return left
        alone = together([self._conditions(), processors.ALONE])
        tried = [self._trials.take("everything held, on one CPU", alone) for _ in range(3)]
        results = [item.result for item in tried if item.finished and item.result]
        if len(results) < len(tried):
            return left
        first, *others = results
        keys = {item.key for other in others for item in self._trials.changes(first, other)}
        if calmed := tuple(item for item in left if item.key not in keys):
            self._knowledge.settle("parallelism", Guilt.GUILTY, changes=calmed)
        return tuple(item for item in left if item.key in keys)

    def _addresses(self, tries: int) -> bool:
        """What depends on addresses moves with whatever is varied, so it is told before all else. Of the
        addresses few bits may count: one release can yield what was held."""
        if "addresses" not in self._holds or not self._choice.wanted("addresses"):
            return False
        for _ in range(tries):
            changed, tried = self._vary(("addresses",), 0)
            if changed and tried.result and not self._rechecked:
                self._recheck()
                changed = self._changes(tried.result)
            if changed and tried.result:
                self._knowledge.settle("addresses", Guilt.GUILTY, changes=changed)
                self._left_out |= {item.key for item in changed}
                return True
        return False

    def _search(self) -> None:
        """All at once, then by halves; once more with other values, as two may do the same by chance."""
        if not self._anything_left():
            return
        for attempt in range(ROUNDS if self._scene.held else 2):
            if attempt:
                self._knowledge.reopen()
            self._round(attempt)
            many = self._scene.held and len(self._knowledge.guilty()) > SUSPICIOUS
            if many and self._addresses(tries=4):
                self._knowledge.forget_moved(self._left_out)
                self._round(attempt)
            if not self._not_moved() if self._scene.held else self._knowledge.guilty():
                break
        if left := self._not_moved():
            self._unexplained = (*self._unexplained, *left)
            names = ", ".join(item.name for item in left)
            self._notes.append(
                f"the same where everything is held, and moved by nothing alone: {names}"
            )

    def _anything_left(self) -> bool:
        """Whether there is something to compare that does not differ whatever is done."""
        if not self._left_out or not self._baseline:
            return True
        names = ", ".join(sorted(name for _, name in self._left_out))
        if differences.keys(self._baseline) - self._left_out:
            self._notes.append(f"left out of the search, as it differs anyway: {names}")
            return True
        why = "there is nothing to compare that does not differ anyway"
        for name in self._candidates(0):
            self._knowledge.settle(name, Guilt.UNSETTLED, why)
        return False

    def _round(self, attempt: int) -> None:
        found: list[str] = []
        known: dict[frozenset[str], bool] = {}
        candidates = self._candidates(attempt)

        def moves(names: tuple[str, ...]) -> bool:
            # until something has moved, it is likely that nothing will, and all that follows was in vain
            most = self._trials.jobs if any(known.values()) else 1
            self._foresee(searching.ahead(candidates, known, most), attempt)
            moved = bool(self._vary(names, attempt, self._trials.foreseen)[0])
            known[frozenset(names)] = moved
            return moved

        def settled(name: str, guilty: bool) -> None:
            if guilty:
                found.append(name)
            else:
                self._knowledge.settle(name, Guilt.HARMLESS)

        searching.search(candidates, moves, settled)
        self._trials.forget()
        for name in found:
            self._confirm(name, attempt)
        if {"threads", "cpus"} <= self._knowledge.guilty():
            self._by_way_of_threads(attempt)

    # --- single steps ---

    def _candidates(self, attempt: int) -> list[str]:
        names = []
        for item in ALL:
            if self._knowledge.of(item.name):
                continue
            found = item.vary(self._scene, attempt)
            if not self._choice.wanted(item.name):
                found = Held(LEFT_OUT)
            elif item.python_only and self._first and not self._first.seen.interpreters:
                found = Held("no Python interpreter of the command's took repro's shim in")
            if isinstance(found, Held):
                self._knowledge.settle(item.name, Guilt.NOT_VARIED, found.why)
            else:
                names.append(item.name)
        return names

    def _conditions(self, varied: Iterable[str] = (), attempt: int = 0) -> Conditions:
        """What is held, without what is varied, and that as it is varied."""
        names = set(varied)
        parts = [held for name, held in self._holds.items() if name not in names]
        for item in ALL:
            if item.name in names:
                found = item.vary(self._scene, attempt)
                assert isinstance(found, Conditions)
                parts.append(found)
        return together(parts)

    def _foresee(self, questions: Sequence[tuple[str, ...]], attempt: int) -> None:
        """Begin what is asked next and what may be asked then; not of a training that does not repeat itself,
        whose threads may meet otherwise beside another replay."""
        if not self._unstable:
            self._trials.foresee(
                [(_called(names), self._conditions(names, attempt)) for names in questions]
            )

    def _vary(
        self, names: tuple[str, ...], attempt: int, take: Take | None = None
    ) -> tuple[tuple[Change, ...], Tried]:
        what, conditions = _called(names), self._conditions(names, attempt)
        tried = (take or self._trials.take)(what, conditions)
        if tried.result is None:
            return (Change(Kind.END, "replay", None, None, tried.reason),), tried
        return self._changes(tried.result), tried

    def _confirm(self, name: str, attempt: int) -> None:
        """Once more and by itself: a training that wavers must not have a harmless thing blamed."""
        changed, tried = self._vary((name,), attempt)
        if tried.result is None:
            why = f"it could not be varied here: {tried.reason}"
            self._knowledge.settle(name, Guilt.NOT_VARIED, why)
            return
        self._alone[name] = tried.result
        if changed and not self._rechecked:
            self._recheck()
            changed = self._changes(tried.result)
        if changed:
            self._knowledge.settle(name, Guilt.GUILTY, changes=changed)
            return
        why = "something moved once with it, and not when it alone was varied again"
        self._knowledge.settle(name, Guilt.UNSETTLED, why)

    def _recheck(self) -> None:
        """A third control, once: what wavers in it says nothing about anything varied."""
        self._rechecked = True
        again = self._trials.take("control, again", self._conditions())
        wavering = self._changes(again.result) if again.result else ()
        self._left_out |= {item.key for item in wavering}
        self._unstable = (*self._unstable, *wavering)
        self._unexplained = (*self._unexplained, *wavering)

    def _by_way_of_threads(self, attempt: int) -> None:
        """Fewer CPUs may only mean fewer threads: do they count where the number of threads is fixed?"""
        names = ("threads", "cpus")
        both = self._trials.take("varied: threads, cpus", self._conditions(names, attempt))
        alone = self._alone["threads"]
        if both.result and not self._trials.changes(alone, both.result, self._left_out):
            why = "only by way of the number of threads: with that fixed they move nothing"
            self._knowledge.settle("cpus", Guilt.HARMLESS, why)

    def _changes(self, result: Result) -> tuple[Change, ...]:
        assert self._baseline
        return self._trials.changes(self._baseline, result, self._left_out)

    def _not_moved(self) -> tuple[Change, ...]:
        """What differed in the control pair, is not left over, and was moved by nothing guilty."""
        moved = self._knowledge.moved_by(self._knowledge.guilty()) | self._left_out
        return tuple(item for item in self._unstable if item.key not in moved)

    # --- the end ---

    def said(self) -> Probe:
        first = self._first
        unreplayable, remedy = "", ""
        if first and not first.finished and not self.interrupted:
            unreplayable = first.reason or "the training does not finish when it is replayed"
            remedy = first.remedy
        return Probe(
            self._trials.run.id,
            self._trials.engine.name,
            self._trials.count,
            first.passed if first and first.result else None,
            self._unstable,
            self._scene.held,
            self._unexplained,
            self._knowledge.said(self._trials.loaders) if self._baseline else (),
            (*self._notes, *(f"not varied or held: {said}" for said in self._trials.failures)),
            unreplayable,
            remedy,
            self.interrupted,
        )

    def _look(self, held: bool) -> Scene:
        manifest = self._trials.run.manifest
        definition, recorded = manifest.definition, manifest.result.host
        origins = {package.origin for package in definition.environment.packages}
        gpus = self._trials.options.gpus
        return Scene(
            definition.env,
            manifest.provenance.workspace or "/repro/workspace",
            host.usable_cpus(self._trials.options.cpus or recorded.cpus) or 1,
            host.usable_cpus() or 1,
            bool(recorded.gpus) if gpus is None else gpus,
            hasattr(os, "getuid") and os.getuid() == 0,
            not origins & {PackageOrigin.EDITABLE, PackageOrigin.LOCAL},
            self._leftovers if any(self._leftovers.iterdir()) else None,
            platform.machine().lower() in ("x86_64", "amd64"),
            held,
            self._trials.is_foreign,
        )
