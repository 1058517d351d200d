"""One run probed: a control pair, everything varied at once, then one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import sessions
from repro.capturing import host
from repro.errors import Interrupted
from repro.manifest import PackageOrigin, Result
from repro.probes import differences, searching
from repro.probes.nouns import Change, Guilt, Kind, Probe, Probed
from repro.probes.trials import Trials, Tried
from repro.process import Sink
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.replaying import Options
from repro.store import Run
from repro.variations import ALL, Conditions, Held, Scene, Variation, processors, together

ROUNDS = 3
"""Other values for what differs by itself and was not moved by the first ones."""
BY_NAME: Mapping[str, Variation] = {item.name: item for item in ALL}
NOTHING = Conditions()


@dataclass(frozen=True)
class Choice:
    """Which variations a person wants."""

    only: frozenset[str] = frozenset()
    """Empty: all."""
    skip: frozenset[str] = frozenset()

    def wanted(self, name: str) -> bool:
        return name not in self.skip and (not self.only or name in self.only)


def probe(
    project: Project,
    run: Run,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress = SILENT,
    choice: Choice = Choice(),
) -> Probe:
    """Find out what the run depends on that it should not. No replay of it is stored.

    Interrupted, it returns what it had found, with ``interrupted`` set. Raises EngineError.
    """
    with sessions.session(project.store) as session:
        trials = Trials(project, run, options, environ, sink, progress)
        work = _Work(trials, choice, session.folder("leftovers"))
        try:
            work.through()
        except (Interrupted, KeyboardInterrupt):
            work.interrupted = True
        return work.said()


class _Work:
    """One probe on its way: what is known so far."""

    def __init__(self, trials: Trials, choice: Choice, leftovers: Path) -> None:
        self._trials, self._choice, self._leftovers = trials, choice, leftovers
        self._first: Tried | None = None
        self._unstable: tuple[Change, ...] = ()
        self._unexplained: tuple[Change, ...] = ()
        self._baseline: Result | None = None
        self._holds: dict[str, Conditions] = {}
        self._scene = self._look(False)
        self._left_out: frozenset[tuple[Kind, str]] = frozenset()
        self._known: dict[str, Probed] = {}
        self._drawn: tuple[tuple[str, str, int], ...] = ()
        self._notes: list[str] = []
        self._held = False
        self.interrupted = False

    # --- the course ---

    def through(self) -> None:
        if not self._control_pair():
            return
        if self._unstable:
            self._hold()
            if self._baseline is None:
                self._unexplained = self._unstable
                return
        self._search()

    def _control_pair(self) -> bool:
        """Two replays under the same conditions; False where there is nothing to go on from."""
        first = self._trials.take("control", NOTHING, self._leftovers)
        self._first = first
        if not first.finished or first.result is None:
            return False
        self._trials.give_time(first.result)
        self._scene = self._look(False)
        second = self._trials.take("control, once more", NOTHING)
        if second.result is None:
            return False
        self._baseline = first.result
        self._unstable = self._changes(second.result)
        return True

    def _hold(self) -> None:
        """Everything held, twice, to have something to compare with."""
        self._held, self._baseline = True, None
        self._scene = self._look(True)
        tried = self._held_pair()
        if tried is None:
            self._notes.append("with everything held the training does not finish")
            return
        self._baseline = tried[0].result
        self._drawn = tried[0].seen.drawn
        assert tried[1].result
        left = self._changes(tried[1].result)
        if left:
            left = self._alone(left)
        self._unexplained = left
        self._left_out = frozenset(item.key for item in left)

    def _held_pair(self) -> tuple[Tried, Tried] | None:
        holds = {item.name: item.hold(self._scene) for item in ALL if item.hold}
        for dropped in (
            (),
            ("addresses",),
            ("addresses", "clock"),
            ("addresses", "clock", "entropy"),
        ):
            self._holds = {name: held for name, held in holds.items() if name not in dropped}
            what = f"everything held but {', '.join(dropped)}" if dropped else "everything held"
            first = self._trials.take(what, self._conditions())
            if first.finished:
                if dropped:
                    self._notes.append(f"could not be held here: {', '.join(dropped)}")
                return first, self._trials.take(f"{what}, once more", self._conditions())
        return None

    def _alone(self, left: tuple[Change, ...]) -> tuple[Change, ...]:
        """What is left of the differences where only one CPU works; the rest is parallelism's."""
        if self._scene.cpus < 2 or not self._choice.wanted("parallelism"):
            return left
        alone = together([self._conditions(), processors.ALONE])
        tried = [self._trials.take("everything held, on one CPU", alone) for _ in range(3)]
        results = [item.result for item in tried if item.finished and item.result]
        if len(results) < 3:
            return left
        policy = self._trials.policy
        keys = {
            item.key
            for other in results[1:]
            for item in differences.changes(results[0], other, policy)
        }
        calmed = tuple(item for item in left if item.key not in keys)
        if calmed:
            self._know("parallelism", Guilt.GUILTY, changes=calmed)
        return tuple(item for item in left if item.key in keys)

    def _search(self) -> None:
        """All at once, then by halves; what differs by itself is tried with other values as well."""
        for attempt in range(ROUNDS):
            self._round(attempt)
            if not self._held or not self._not_moved():
                return
            if attempt + 1 < ROUNDS:
                self._reopen()
        self._unexplained = (*self._unexplained, *self._not_moved())

    def _round(self, attempt: int) -> None:
        found: list[str] = []

        def moves(names: Iterable[str]) -> bool:
            return bool(self._vary(tuple(names), attempt)[0])

        def settled(name: str, guilty: bool) -> None:
            if guilty:
                found.append(name)
            else:
                self._know(name, Guilt.HARMLESS)

        searching.search(self._candidates(attempt), moves, settled)
        for name in found:
            self._confirm(name, attempt)

    # --- single steps ---

    def _candidates(self, attempt: int) -> list[str]:
        names = []
        for item in ALL:
            if not self._choice.wanted(item.name):
                self._know(item.name, Guilt.NOT_VARIED, "left out by --only or --skip")
                continue
            if item.name in self._known:
                continue
            found = item.vary(self._scene, attempt)
            if isinstance(found, Held):
                self._know(item.name, Guilt.NOT_VARIED, found.why)
            elif item.python_only and self._first and not self._first.seen.interpreters:
                why = "no Python interpreter of the command's took repro's shim in"
                self._know(item.name, Guilt.NOT_VARIED, why)
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

    def _vary(self, names: tuple[str, ...], attempt: int) -> tuple[tuple[Change, ...], Tried]:
        many = len(names) > 3
        what = f"{len(names)} things varied" if many else f"varied: {', '.join(names)}"
        tried = self._trials.take(what, self._conditions(names, attempt))
        if tried.result is None:
            return (Change(Kind.END, "replay", None, None, tried.reason),), tried
        return self._changes(tried.result), tried

    def _confirm(self, name: str, attempt: int) -> None:
        """Once more and by itself: a training that wavers must not have a harmless thing blamed."""
        changed, tried = self._vary((name,), attempt)
        if tried.result is None:
            self._know(name, Guilt.NOT_VARIED, f"it could not be varied here: {tried.reason}")
            return
        if changed:
            again = self._trials.take("control, again", self._conditions())
            if again.result and (wavering := self._changes(again.result)):
                keys = {item.key for item in wavering}
                changed = tuple(item for item in changed if item.key not in keys)
                self._left_out |= keys
                self._unstable = (*self._unstable, *wavering)
        if changed:
            self._know(name, Guilt.GUILTY, changes=changed)
            return
        why = "something moved once with it, and not when it alone was varied again"
        self._know(name, Guilt.UNSETTLED, why)

    def _changes(self, result: Result) -> tuple[Change, ...]:
        assert self._baseline
        return differences.changes(self._baseline, result, self._trials.policy, self._left_out)

    # --- what is explained ---

    def _not_moved(self) -> tuple[Change, ...]:
        """What differed in the control pair and is neither left over nor moved by anything guilty."""
        moved = {
            item.key
            for probed in self._known.values()
            if probed.guilt is Guilt.GUILTY
            for item in probed.changes
        }
        return tuple(
            item
            for item in self._unstable
            if item.key not in moved and item.key not in self._left_out
        )

    def _reopen(self) -> None:
        """What may move something with other values is tried again."""
        again = ("hash-seed", "entropy", "clock", "host-name", "file-order", "addresses")
        for name in again:
            if name in self._known and self._known[name].guilt is Guilt.HARMLESS:
                del self._known[name]

    # --- the end ---

    def _know(
        self, name: str, guilt: Guilt, why: str = "", changes: tuple[Change, ...] = ()
    ) -> None:
        item = BY_NAME[name]
        guilty = guilt is Guilt.GUILTY
        self._known[name] = Probed(
            name,
            item.subject,
            guilt,
            why,
            changes,
            item.remedy if guilty else "",
            item.cost if guilty else "",
            self._evidence() if guilty and name == "entropy" else (),
        )

    def _evidence(self) -> tuple[str, ...]:
        return tuple(f"{path}:{line}: {what}" for what, path, line in self._drawn)

    def said(self) -> Probe:
        first = self._first
        probed = tuple(self._settled(item) for item in ALL) if self._baseline else ()
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
            self._held,
            self._unexplained,
            probed,
            tuple(self._notes),
            unreplayable,
            remedy,
            self.interrupted,
        )

    def _settled(self, item: Variation) -> Probed:
        known = self._known.get(item.name)
        if known is None:
            why = "the probe ended before"
            return Probed(item.name, item.subject, Guilt.UNSETTLED, why)
        if item.name == "workers" and known.guilt is Guilt.HARMLESS and not self._trials.loaders:
            why = "the training made no data loader of torch's"
            return Probed(item.name, item.subject, Guilt.NOT_VARIED, why)
        return known

    def _look(self, held: bool) -> Scene:
        manifest = self._trials.run.manifest
        definition, recorded = manifest.definition, manifest.result.host
        wanted = self._trials.options.cpus or recorded.cpus
        here = host.usable_cpus() or 1
        origins = {package.origin for package in definition.environment.packages}
        gpus = self._trials.options.gpus
        written = any(self._leftovers.iterdir())
        return Scene(
            definition.env,
            manifest.provenance.workspace or "/repro/workspace",
            host.usable_cpus(wanted) or 1,
            here,
            bool(recorded.gpus) if gpus is None else gpus,
            hasattr(os, "getuid") and os.getuid() == 0,
            not origins & {PackageOrigin.EDITABLE, PackageOrigin.LOCAL},
            self._leftovers if written else None,
            held,
        )
