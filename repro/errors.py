"""The errors a user may meet. Anything else that escapes is a bug in repro."""

from __future__ import annotations


class ReproError(Exception):
    """Something the user can act on: what failed, on what, and what to try.

    ``str(error)`` is one line; ``hint`` is the remedy, shown on a line of its own.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReproError):
    """The command line, repro.yaml or another input is not what it should be."""


class NotFound(ReproError):
    """A run, a file or a command that was named does not exist."""


class Busy(ReproError):
    """Another repro holds what this command needs."""


class Corrupt(ReproError):
    """Stored content does not have the digest, or the form, that it should have."""


class NewerSchema(Corrupt):
    """A document was written by a later version of repro than this one."""


class SecretFound(ReproError):
    """A secret would have been written to disk, or would have left this machine; nothing was, or did."""


class EngineError(ReproError):
    """The engine (Docker, uv) is not there or did not do what it was asked."""

    exit_code = 3


class Unreplayable(ReproError):
    """Something a replay needs could not be had; says what was tried."""

    exit_code = 3


class Interrupted(ReproError):
    """The user, or the system, asked repro to stop."""

    exit_code = 130
