"""What nobody has foreseen: a bug, whose traceback is kept in a file for whoever mends it and is never shown; and
the machine's own no, which is none."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path

import repro
from repro.manifest import REDACTED

_REFUSALS = {
    errno.ENOSPC: "free some space; nothing half-written was left behind",
    errno.EDQUOT: "your quota is used up; nothing half-written was left behind",
    errno.EACCES: "check the permissions",
    errno.EPERM: "check the permissions",
    errno.EROFS: "copy the project to where you may write; list, show, diff and history work here too",
    errno.EISDIR: "a folder lies where a file should: take it away",
    errno.ENOTDIR: "something else lies where a folder should: take it away",
    errno.ELOOP: "symbolic links that lead nowhere: take them away",
    errno.EIO: "the disk, or the network it is reached by, does not work; see the system's log",
    errno.ESTALE: "the folder was moved or removed on its server; cd into it anew",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "the machine has too many files open; end what holds them",
    errno.EFBIG: "the file system, or ulimit -f, takes no file of that size",
}


def refusal(error: BaseException) -> tuple[str, str] | None:
    """What the machine refused (a full disk, a folder without permission), and a hint; None: it is a bug."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    where = f": {error.filename}" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{where}", _REFUSALS[error.errno]


def said(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """One line for a person."""
    return _without(f"a bug in repro: {type(error).__name__}: {error}", secrets)


def text(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The traceback, and what it was under. ``secrets`` stand in it nowhere."""
    lines = "".join(traceback.format_exception(error))
    return _without(f"repro {repro.__version__}, Python {sys.version}\n\n{lines}", secrets)


def kept(error: BaseException, secrets: Iterable[str] = ()) -> Path | None:
    """The file that has the traceback, readable for its owner alone; None where none can be written."""
    try:
        handle, path = tempfile.mkstemp(prefix="repro-traceback-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text(error, secrets))
    except OSError:
        return None
    return Path(path)


def hint(path: Path | None) -> str:
    """What to do with it."""
    if path is None:
        return "please report it; no temporary file could be written that would keep its traceback"
    return f"please report it with the traceback in {path}"


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text
