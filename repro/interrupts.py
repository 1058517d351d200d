"""Ctrl-C, SIGTERM and a terminal that is closed: held off while something must be brought to its end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

HANGUP = getattr(signal, "SIGHUP", None)
"""None on Windows."""


def heard() -> tuple[int, ...]:
    """The signals that end a command in good order; not the hang-up where somebody (nohup) has it ignored."""
    always = (signal.SIGINT, signal.SIGTERM)
    if HANGUP is None or signal.getsignal(HANGUP) is signal.SIG_IGN:
        return always
    return (*always, HANGUP)


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Within the block none of them has an effect; in another thread than the main one none had."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
