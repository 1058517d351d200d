"""Replays on the workers of a Dask cluster. Which worker makes which is Dask's business, also when one dies;
ours is how many are asked for at once, who is not fit, and that nothing is waited for in vain."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import repro
from repro import process, sessions
from repro.errors import ReproError, UsageError
from repro.manifest import to_document
from repro.progress import Progress
from repro.project import Project
from repro.store import Run
from repro.verifying import cluster_answers, cluster_routes
from repro.verifying.cluster_answers import Answer, Kind, Request
from repro.verifying.cluster_link import (
    Address,
    Again,
    Asked,
    GaveUp,
    Link,
    Unreachable,
    Worker,
)
from repro.verifying.cluster_routes import Bundles, Pushed
from repro.verifying.tasks import Outcome, Say, Task

PATIENCE = "REPRO_CLUSTER_PATIENCE"
"""Environment variable: seconds that a cluster without a fit worker is waited for."""
TICK = 1.0
"""Seconds between two looks at who is there."""
ROUNDS = 50
"""How often one replay is put to the cluster again, because a worker was not fit or lacked the run."""


@dataclass(frozen=True)
class Wish:
    """Which cluster, and how it is to be used."""

    scheduler: str
    jobs: int | None = None
    """Replays at once; None: as many as the workers that are there have room for."""
    via: str = ""
    """Where runs are pushed to for workers that do not see this store."""


@contextlib.contextmanager
def opened(
    project: Project,
    runs: Sequence[Run],
    wish: Wish,
    environ: Mapping[str, str],
    say: Say,
    progress: Progress,
) -> Iterator[Cluster]:
    """The Place. Before it is one, the scheduler has answered and every run is where workers pull it.
    Raises UsageError, Unreachable, and what a push raises."""
    address = Address.of(wish.scheduler)
    with Link.open(address) as link, sessions.session(project.store) as session:
        cluster = Cluster(project, runs, link, session.name, environ, say)
        progress.step(cluster.introduce(address.text))
        if wish.via:
            cluster.pushed = cluster_routes.push_all(project, runs, wish.via, environ, progress)
        with cluster.at_work(wish.jobs):
            yield cluster


class NoSecrets(UsageError):
    """What a variable is given anew would go through the scheduler, and into whatever it and Dask write."""

    def __init__(self) -> None:
        super().__init__(
            "--env: a secret is not sent through Dask", "replay it here: without --scheduler"
        )


class Cluster:
    """A Place. ``notes`` says what a person should know of the workers."""

    def __init__(
        self,
        project: Project,
        runs: Sequence[Run],
        link: Link,
        token: str,
        environ: Mapping[str, str],
        say: Say,
    ) -> None:
        self._project, self._link, self._token, self._say = project, link, token, say
        self._runs = {run.id: run for run in runs}
        self._bundles = Bundles(project, environ)
        self._patience = _patience(environ)
        self._guard, self._looking = threading.Lock(), threading.Lock()
        self._seen: dict[str, Worker] = {}
        self._looked = 0.0
        self._unfit: dict[str, str] = {}
        """By the worker's id: why it makes none."""
        self._greeted: set[str] = set()
        self._at: dict[str, dict[str, str]] = {}
        """By key: what the worker that is making it told of itself."""
        self._labels: dict[str, str] = {}
        self._asked: dict[str, Asked] = {}
        self._over = False
        self._notes: list[str] = []
        self.pushed: dict[str, Pushed] = {}
        link.listen(cluster_answers.topic(token), self._hear)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._notes))

    def introduce(self, address: str) -> str:
        """Get to know the workers; a line about them. Raises Unreachable where none of them will do."""
        every = self._every()
        fit = self._fit(every)
        if every and not fit:
            raise Unreachable(
                f"no worker of {address} can replay: {self._reasons(every)}",
                "install the same repro beside Dask on the workers",
            )
        slots = sum(item.slots for item in fit.values())
        if not every:
            return f"{address}: no worker is there yet; waiting up to {self._patience:g} s for one"
        return f"{address}: {len(fit)} worker{'s' * (len(fit) != 1)}, {slots} at once"

    @contextlib.contextmanager
    def at_work(self, jobs: int | None) -> Iterator[None]:
        slots = sum(item.slots for item in self._fit(self._every()).values())
        self._threads = ThreadPoolExecutor(jobs or max(slots, 1), thread_name_prefix="cluster")
        try:
            yield
        finally:
            self.cancel()

    def submit(self, task: Task) -> Future[Outcome]:
        if task.options.env:
            raise NoSecrets
        return self._threads.submit(self._play, task)

    def cancel(self) -> None:
        with self._guard:
            self._over = True
            asked = list(self._asked.values())
        for item in asked:
            item.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)
        limit = time.monotonic() + process.GRACE * 3
        while self._at and time.monotonic() < limit:
            self._forget_lost()
            time.sleep(0.1)
        for key, told in list(self._at.items()):
            self._note(f"{self._labels[key]} may still be at work on {_called(told)}")
        self._at = {}

    # --- one replay ---

    def _play(self, task: Task) -> Outcome:
        barred: dict[str, str] = {}
        try:
            for _ in range(ROUNDS):
                try:
                    answer = Answer.of(self._answer(task, barred))
                    outcome = self._settled(task, answer, barred)
                except Again:
                    time.sleep(TICK)  # until it is known who came, or went
                    continue
                if outcome:
                    return outcome
        except GaveUp as error:
            return Outcome(error=str(error), hint="look at the scheduler and at the workers' logs")
        except ReproError as error:
            return Outcome(error=str(error), hint=error.hint)
        except Exception as error:
            return Outcome.of_bug(error)
        why = "; ".join(dict.fromkeys(barred.values())) or "they stumbled, or were gone"
        return Outcome(error=f"after {ROUNDS} attempts no worker has made it: {why}")

    def _settled(self, task: Task, answer: Answer, barred: dict[str, str]) -> Outcome | None:
        """None: it has to be asked again."""
        run = self._runs[task.run]
        if answer.kind is Kind.OUTCOME:
            try:
                return cluster_answers.taken(self._project, run, task, answer)
            except ReproError as error:
                return cluster_answers.refused(answer, error)
        who = f"{answer.worker} on {answer.host}"
        if answer.kind is Kind.ABSENT:
            wrong = self._link.deliver(answer.worker, run.id, self._bundles.of(run))
            if not wrong:
                return None
            answer = Answer(Kind.UNFIT, answer.worker, answer.host, f"it takes no run: {wrong}")
        self._bar(answer, barred)
        self._note(f"{who} was passed over for {task.label}: {answer.reason}")
        return None

    def _bar(self, answer: Answer, barred: dict[str, str]) -> None:
        worker = self._every().get(answer.worker)
        if worker:
            (self._unfit if answer.wholly else barred)[worker.id] = answer.reason

    def _answer(self, task: Task, barred: Mapping[str, str]) -> Any:
        """What a worker says. Raises GaveUp where there is none to say it."""
        key = f"{cluster_answers.topic(self._token)}-{os.urandom(4).hex()}"
        pushed = self.pushed.get(task.run, Pushed())
        request = Request(
            repro.__version__, self._token, key, task, pushed.reference, pushed.digest
        )
        among = self._among(barred)
        with self._guard:
            if self._over:
                raise GaveUp("it was not begun any more")
            self._labels[key] = task.label
            asked = self._asked[key] = self._link.ask(to_document(request), among)
        try:
            self._wait(key, asked, among, barred)
            return asked.answer()
        finally:
            asked.cancel()
            self._asked.pop(key, None)

    def _among(self, barred: Mapping[str, str]) -> list[Worker] | None:
        """Who may make it; None: whoever there is, who comes later too."""
        every = self._every()
        fit = self._fit(every, barred)
        if every and not fit:
            raise GaveUp(f"no worker can make it: {self._reasons(every, barred)}")
        declared = any(item.declared for item in fit.values())
        return list(fit.values()) if declared or len(fit) < len(every) else None

    def _wait(
        self, key: str, asked: Asked, among: Sequence[Worker] | None, barred: Mapping[str, str]
    ) -> None:
        """Until there is an answer. Raises GaveUp where nobody is left to give one, Again where others are."""
        alone_since: float | None = None
        while not asked.is_settled(TICK) and not self._over:
            every = self._every()
            if self._at.get(key, {}).get("begun") in self._there():
                alone_since = None
                continue  # it is being made, whatever became known of its worker since
            there = {item.id for item in self._fit(every, barred).values()}
            able = there if among is None else there & {item.id for item in among}
            if able:
                alone_since = None
                continue
            if there:
                raise Again("who could make it is gone")
            now = time.monotonic()
            alone_since = alone_since or now
            if now - alone_since > self._patience:
                raise GaveUp(f"no worker that could make it was there for {self._patience:g} s")

    # --- who is there ---

    def _every(self) -> dict[str, Worker]:
        """The workers, asked for at most once in a tick, however many replays wait; where any says how many
        replays it can make, only such."""
        with self._looking:
            if time.monotonic() - self._looked > TICK / 2:
                before = {item.id: item for item in self._seen.values()}
                self._seen, self._looked = self._link.workers(), time.monotonic()
                for gone in before.keys() - {item.id for item in self._seen.values()}:
                    self._say("cluster", f"the worker {before[gone].name} is gone")
            declaring = {address: item for address, item in self._seen.items() if item.declared}
            return declaring or self._seen

    def _there(self) -> set[str]:
        """The ids of all workers when they were last asked for, of those that are not asked any more too."""
        return {item.id for item in self._seen.values()}

    def _fit(
        self, every: Mapping[str, Worker], barred: Mapping[str, str] | None = None
    ) -> dict[str, Worker]:
        """Those that may make a replay; who is new is asked for its repro first."""
        with self._looking:
            new = [item for item in every.values() if item.id not in self._greeted]
            if new:
                self._greet({item.address: item for item in new})
        return {
            address: item
            for address, item in every.items()
            if item.id not in self._unfit and item.id not in (barred or {})
        }

    def _greet(self, new: Mapping[str, Worker]) -> None:
        for address, said in self._link.hello(new).items():
            worker = new[address]
            self._greeted.add(worker.id)
            if not cluster_answers.is_compatible(said, repro.__version__):
                self._unfit[worker.id] = f"its repro is {said}, this one is {repro.__version__}"
                self._note(f"the worker {worker.name} is left out: {self._unfit[worker.id]}")

    def _reasons(self, every: Mapping[str, Worker], barred: Mapping[str, str] | None = None) -> str:
        why = {**self._unfit, **(barred or {})}
        return "; ".join(
            f"{item.name}: {why[item.id]}" for item in every.values() if item.id in why
        )

    # --- what they tell ---

    def _hear(self, told: Mapping[str, Any]) -> None:
        """Of what a worker does. It comes from another machine: what is not as expected is passed over."""
        words = {str(name): str(value) for name, value in told.items()}
        key = words.get("key", "")
        label = self._labels.get(key)
        if label is None:
            return
        if "step" in words:
            self._say(label, words["step"])
        elif "begun" in words:
            before = self._at.get(key)
            if before and before["begun"] != words["begun"]:
                self._note(f"{label}: {_called(before)} was lost, {_called(words)} took it over")
            self._at[key] = words
        elif "ended" in words and self._at.get(key, {}).get("begun") == words["ended"]:
            del self._at[key]

    def _forget_lost(self) -> None:
        there = {item.id for item in self._link.workers().values()}
        for key, told in list(self._at.items()):
            if told["begun"] not in there:
                self._at.pop(key, None)

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._say("cluster", text)


def _called(told: Mapping[str, str]) -> str:
    return f"the worker {told.get('name')} on {told.get('host')}"


def _patience(environ: Mapping[str, str]) -> float:
    text = environ.get(PATIENCE) or "60"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{PATIENCE} is {text!r}", "a number of seconds, e.g. 60")
    return seconds
