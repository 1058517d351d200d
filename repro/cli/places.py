"""Where `verify` has its replays made: processes of this machine, or the workers of a cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.cli.heartbeat import Heartbeat

if TYPE_CHECKING:
    from repro.progress import Progress
    from repro.project import Project
    from repro.verifying import Chosen
    from repro.verifying.tasks import Outcome, Place, Task


@dataclass(frozen=True)
class Where:
    """As it was asked for."""

    jobs: int | None = None
    """Replays at the same time; None: one here, in a cluster as many as it has room for."""
    scheduler: str | None = None
    """Of a Dask cluster; None: this machine."""
    via: str = ""
    """Where runs are pushed to for workers that do not see this folder."""

    def fitting(self, chosen: Sequence[Chosen]) -> tuple[int, str]:
        """Replays at a time on this machine, and why not as many as asked for; a cluster knows its own."""
        from repro.verifying import fitting

        return (1, "") if self.scheduler else fitting.jobs(self.jobs or 1, chosen)


class Opened:
    """A Place. ``notes`` says what to know of it: all of that once it is closed."""

    def __init__(self, place: Place, notes: Callable[[], tuple[str, ...]] = lambda: ()) -> None:
        self._place, self._notes = place, notes

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes()

    def submit(self, task: Task) -> Future[Outcome]:
        return self._place.submit(task)

    def cancel(self) -> None:
        self._place.cancel()


@contextlib.contextmanager
def opened(
    where: Where, project: Project, chosen: Sequence[Chosen], jobs: int, progress: Progress
) -> Iterator[Opened]:
    """The place, its processes gone afterwards. ``jobs`` is what fits this machine."""
    from repro.verifying.workers import Workers

    with Heartbeat(progress.step) as beat:
        if where.scheduler is None:
            with Workers(jobs, os.environ, beat.step) as workers:
                yield Opened(beat.around(workers))
            return
        from repro.verifying import cluster

        wish = cluster.Wish(where.scheduler, where.jobs, where.via)
        runs = [item.run for item in chosen]
        with cluster.opened(project, runs, wish, os.environ, beat.step, progress) as place:
            yield Opened(beat.around(place), lambda: place.notes)
