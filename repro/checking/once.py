"""Questions that many runs share, each asked once, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
JOBS = 8
"""Questions at a time: remotes and registries answer slowly, and do not like crowds."""


class Once:
    """Starts a question when it is first asked; everybody waits for the same answer."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(JOBS)
        self._asked: dict[Hashable, Future[object]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Once:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=error is None, cancel_futures=True)

    def ask(self, key: Hashable, question: Callable[[], T]) -> Future[T]:
        """The answer to come. ``key`` tells questions apart."""
        with self._lock:
            if key not in self._asked:
                self._asked[key] = self._pool.submit(question)
            return self._asked[key]  # type: ignore[return-value]
