"""Is the green worth something? One ingredient of each run is changed, and the replay has to turn red."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace

from repro import mutating
from repro.comparison import Verdict
from repro.project import Project
from repro.verifying.nouns import Caught, Chosen, Request, SelfTest, Verification
from repro.verifying.tasks import Outcome, Place, Task

_RED = (Verdict.DIFFERENT.value, Verdict.FAILED.value)


def self_test(
    project: Project,
    chosen: Sequence[Chosen],
    request: Request,
    place: Place,
    steady: Sequence[Collection[str]],
    watcher: Callable[[SelfTest], None] = lambda test: None,
) -> tuple[SelfTest, ...]:
    """One change after the other on each run, until one turns it red. Nothing of it is stored.

    ``steady``: of each run the machines on which it came out the same unchanged; on others red says nothing.
    Raises KeyboardInterrupt, once what was at work is cleared up.
    """
    tests = [SelfTest(item) for item in chosen]
    tried = [0] * len(chosen)
    doubtful: list[dict[str, None]] = [{} for _ in chosen]
    waiting: dict[Future[Outcome], int] = {}

    def go_on(at: int) -> None:
        """The next change of this run; or none, and its test is over."""
        run = chosen[at].run
        test = tests[at]
        if (
            not test.caught
            and not test.error
            and tried[at] < len(mutating.candidates(run.manifest))
        ):
            options = replace(request.of(run), mutation=tried[at])
            tried[at] += 1
            label = f"{chosen[at].label} changed ({tried[at]})"
            waiting[place.submit(Task(str(project.folder), run.id, label, options))] = at
            return
        if doubtful[at] and not test.caught and not test.error:
            tests[at] = replace(test, error="; ".join(doubtful[at]))
        watcher(tests[at])

    try:
        for at in range(len(chosen)):
            go_on(at)
        while waiting:
            done, _ = wait(waiting, None, FIRST_COMPLETED)
            for future in done:
                at = waiting.pop(future)
                outcome = _outcome(future)
                if outcome.mutated and outcome.verdict in _RED and outcome.host not in steady[at]:
                    doubtful[at][_doubt(outcome)] = None
                else:
                    tests[at] = _with(tests[at], outcome)
                go_on(at)
    except KeyboardInterrupt:
        place.cancel()
        raise
    return tuple(tests)


def steady(found: Verification) -> tuple[frozenset[str], ...]:
    """Of each run the machines on which all of its replays passed; this one is the empty name."""
    machines = []
    for item in found.runs:
        red = {one.host for one in item.replays if not one.comparison.verdict.passed}
        machines.append(frozenset(one.host for one in item.replays) - red)
    return tuple(machines)


def _doubt(outcome: Outcome) -> str:
    where = f"on {outcome.host}" if outcome.host else "here"
    return f"changed, it was {outcome.verdict} {where}, where no unchanged replay of it passed: that says nothing"


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except CancelledError:
        return Outcome(error="it was cancelled")


def _with(test: SelfTest, outcome: Outcome) -> SelfTest:
    if outcome.error:
        kept = f"; its traceback is in {outcome.traceback}" if outcome.traceback else ""
        return replace(test, error=f"{outcome.error}{kept}")
    if not outcome.mutated:
        return test  # it could not be changed: another one is tried
    if outcome.verdict in _RED:
        return replace(test, caught=(*test.caught, Caught(outcome.mutated, outcome.verdict)))
    if outcome.verdict == Verdict.UNREPLAYABLE.value:
        return replace(test, error=f"with a change it could not be replayed: {outcome.said}")
    return replace(test, missed=(*test.missed, outcome.mutated))
