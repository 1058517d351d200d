"""Replays runs as often as asked, beside each other, and judges each as its replays come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace

from repro import printed, records, redacting, yardstick
from repro.manifest import Result
from repro.project import Project
from repro.verifying import judging
from repro.verifying.nouns import Chosen, Played, Request, Verification, Verified
from repro.verifying.tasks import Outcome, Place, Task

Watcher = Callable[[Verified], None]
"""Told of each run once all that will be known of it is known."""


def verify(
    project: Project,
    chosen: Sequence[Chosen],
    request: Request,
    place: Place,
    watcher: Watcher = lambda verified: None,
) -> Verification:
    """One verdict per run. Every replay is stored; those that were stopped are not.

    The first replay of each run comes before the second of any, so that a time limit leaves the least
    unknown.
    """
    begun = time.monotonic()
    ledger = _Ledger(project, chosen, request, watcher)
    waiting: dict[Future[Outcome], tuple[int, int]] = {}
    for number in range(1, request.replays + 1):
        for at, item in enumerate(chosen):
            label = (
                f"{item.label} {number}/{request.replays}" if request.replays > 1 else item.label
            )
            task = Task(str(project.folder), item.run.id, label, request.of(item.run))
            waiting[place.submit(task)] = (at, number)
    stopped, interrupted = "", False
    try:
        while waiting and not stopped:
            left = None if request.within is None else request.within - (time.monotonic() - begun)
            done, _ = wait(waiting, None if left is None else max(left, 0), FIRST_COMPLETED)
            for future in done:
                ledger.take(*waiting.pop(future), _outcome(future))
            if not done:
                stopped = f"the time was up ({request.within:g} s)"
            elif request.fail_fast and ledger.is_red():
                stopped = "stopped at the first that did not pass (--fail-fast)" if waiting else ""
    except KeyboardInterrupt:
        stopped, interrupted = "interrupted", True
    if waiting:
        place.cancel()
    seconds = time.monotonic() - begun
    return Verification(ledger.closed(), seconds, stopped, interrupted, tuple(_notes(request)))


def _notes(request: Request) -> Iterator[str]:
    if given := request.options.env:
        yield redacting.said_of(given)
    if steps := request.options.resume:
        yield (
            f"{2 * steps} steps at once were compared with {steps} steps and {steps} more: with the record "
            "nothing was"
        )
    if steps := request.options.steps:
        yield (
            f"of each run only the first {steps} step{'s' * (steps > 1)} of its series were compared: "
            "neither what comes later nor its outputs"
        )


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except CancelledError:
        return Outcome(error="it was cancelled")


class _Ledger:
    """What is known of each run so far."""

    def __init__(
        self, project: Project, chosen: Sequence[Chosen], request: Request, watcher: Watcher
    ) -> None:
        self._project, self._chosen, self._request = project, chosen, request
        self._watcher = watcher
        self._played: list[list[Played]] = [[] for _ in chosen]
        self._results: list[dict[int, Result]] = [{} for _ in chosen]
        self._closed: dict[int, Verified] = {}

    def take(self, at: int, number: int, outcome: Outcome) -> None:
        """One replay has come to its end."""
        self._played[at].append(self._read(at, number, outcome))
        if len(self._played[at]) == self._request.replays:
            self._close(at)

    def is_red(self) -> bool:
        return any(
            not item.comparison.verdict.passed for played in self._played for item in played
        ) or any(not item.passed for item in self._closed.values())

    def closed(self) -> tuple[Verified, ...]:
        """All runs, in the order in which they were chosen."""
        for at in range(len(self._chosen)):
            if at not in self._closed:
                self._close(at)
        return tuple(self._closed[at] for at in range(len(self._chosen)))

    def _close(self, at: int) -> None:
        chosen = self._chosen[at]
        policy = yardstick.policy_now(self._project, chosen.run.manifest)
        self._closed[at] = judging.judged(
            chosen,
            self._request.replays,
            self._played[at],
            self._results[at],
            policy,
            self._request.options.steps,
        )
        self._watcher(self._closed[at])

    def _read(self, at: int, number: int, outcome: Outcome) -> Played:
        if outcome.comparison:
            found = records.comparison_of(outcome.comparison, "what a worker sent")
            return Played(number, found, seconds=round(outcome.seconds, 3))
        if not outcome.replay:
            said = judging.unplayed(outcome.error, outcome.hint)
            return Played(number, said, seconds=outcome.seconds, host=outcome.host)
        run, store = self._chosen[at].run, self._project.store
        record = records.read(store, run.id, outcome.replay)
        if record.result:
            how = printed.rules(yardstick.policy_now(self._project, run.manifest))
            self._results[at][number] = printed.taken_in(store, record.result, how)
        played = Played(number, record.comparison, outcome.replay, outcome.seconds, record.reused)
        return replace(played, seconds=round(outcome.seconds, 3), host=outcome.host)
