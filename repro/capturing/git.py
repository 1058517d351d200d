"""Runs git, through GitPython, so that neither the user's settings nor the caller's environment can
change what it says, and so that it changes nothing by itself: no hooks, no locks, no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from repro.errors import NotFound, ReproError

NEUTRAL = {
    # nothing of the user's runs
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "log.showSignature": "false",
    "diff.external": "",
    # nothing is tidied up on the way
    "gc.auto": "0",
    "maintenance.auto": "false",
    # the index is one whole file, and no stat shortcut is taken that could hide a change
    "core.splitIndex": "false",
    "core.untrackedCache": "false",
    "core.ignoreStat": "false",
    "core.trustctime": "true",
    "core.checkStat": "default",
    # output that does not depend on taste
    "core.safecrlf": "false",
    "status.showStash": "false",
    "submodule.recurse": "false",
    # a name that some system takes for .git is refused when it is recorded, not when it is replayed
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "i18n.logOutputEncoding": "UTF-8",
    # what is written lies in a scratch folder
    "core.looseCompression": "0",
    "core.logAllRefUpdates": "false",
}
ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # a partial clone would fetch what it lacks in the middle of anything
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
}
ISOLATION = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
}
"""No configuration of this user or machine."""

# GIT_DIR, GIT_INDEX_FILE and their kin, as a hook hands them down, would point git somewhere else:
# every GIT_ variable but these is taken away
_HARMLESS = re.compile(
    "GIT_(CONFIG_.+|PYTHON_.+|EXEC_PATH|SSH.*|ASKPASS|EDITOR|SEQUENCE_EDITOR|PAGER|AUTHOR_.+"
    "|COMMITTER_.+|SSL_.+|HTTP_.+|PROXY_.+|LFS_.+|PS1_.+|MERGE_.+|CEILING_DIRECTORIES"
    "|DISCOVERY_ACROSS_FILESYSTEM)"
)


class GitFailed(ReproError):
    """git did not do what it was asked; carries what it printed."""

    def __init__(self, message: str, stderr: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.stderr = stderr


@dataclass(frozen=True)
class Output:
    exit_code: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True)
class Git:
    """git in one folder, with these settings (``-c``) and environment variables."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def using(
        self, settings: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None
    ) -> Git:
        """The same with further settings and variables."""
        return replace(
            self,
            settings={**self.settings, **(settings or {})},
            env={**self.env, **(env or {})},
        )

    def isolated(self) -> Git:
        """The same without the configuration of this user and this machine."""
        return self.using({"core.attributesFile": os.devnull}, ISOLATION)

    def run(self, *words: str, stdin: bytes | Path | None = None) -> bytes:
        """What git prints. Raises GitFailed, or NotFound, where its exit code is not 0."""
        return self.demand(*words, stdin=stdin).stdout

    def demand(self, *words: str, stdin: bytes | Path | None = None) -> Output:
        """As ``run``, with what git said on stderr."""
        output = self.attempt(*words, stdin=stdin)
        if output.exit_code:
            raise _failure(self.folder, words[0], output)
        return output

    def line(self, *words: str, stdin: bytes | None = None) -> str:
        """What git prints, as one line of text."""
        return os.fsdecode(self.run(*words, stdin=stdin)).rstrip("\n")

    def attempt(self, *words: str, stdin: bytes | Path | None = None) -> Output:
        """Exit code and all; only a git that is not there raises. ``stdin``: content, or a file."""
        if isinstance(stdin, Path):
            with stdin.open("rb") as stream:
                return self._start(words, stream, None)
        return self._start(words, subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdin)

    def _start(self, words: Sequence[str], source: IO[bytes] | int, stdin: bytes | None) -> Output:
        library = _library()
        env = {**ENVIRONMENT, **self.env}
        command = [*_without(env), library.Git.GIT_PYTHON_GIT_EXECUTABLE, "--no-pager"]
        # as an option, not as GitPython's working directory: that one expands $ and ~ in names
        command += ["-C", os.fspath(self.folder)]
        for key, value in {**NEUTRAL, **self.settings}.items():
            command += ["-c", f"{key}={value}"]
        extra: dict[str, Any] = {"umask": 0o022} if os.name == "posix" else {}
        try:
            process = library.Git().execute(
                [*command, *words],
                istream=source,
                as_process=True,
                env=env,
                **extra,
            )
        except library.GitCommandNotFound as error:
            raise missing() from error
        stdout, stderr = process.communicate(stdin)
        return Output(process.returncode, stdout, stderr.decode("utf-8", "surrogateescape"))


def missing() -> ReproError:
    return NotFound("git is not installed, or not on the PATH", "install git: https://git-scm.com")


def is_installed() -> bool:
    return shutil.which("git") is not None


@cache
def _library() -> Any:
    # imported at first use: it takes longer than all that git does for a clean repository
    try:
        import git
    except ImportError as error:
        if not is_installed():
            raise missing() from error
        raise
    return git


def _without(env: Mapping[str, str]) -> Sequence[str]:
    """The words that start a command without the variables that would mislead git.

    GitPython hands down the whole environment; to change our own would be seen by all threads.
    """
    names = [
        name
        for name in os.environ
        if name.startswith("GIT_") and name not in env and not _HARMLESS.fullmatch(name)
    ]
    if not names:
        return ()
    tool = shutil.which("env")
    if tool is None:
        raise ReproError(f"{names[0]} is set, which would mislead git", f"unset {names[0]}")
    return [tool, *(word for name in names for word in ("-u", name))]


def _failure(folder: Path, word: str, output: Output) -> ReproError:
    said = output.stderr.strip()
    if "dubious ownership" in said or "unsafe repository" in said:
        return ReproError(
            f"git refuses to read {folder}: the folder belongs to another user",
            f"if you trust it: git config --global --add safe.directory {folder}",
        )
    if "not a git repository" in said:
        return NotFound(f"not a git repository: {folder}", "git init, and commit the project")
    lines = [line for line in said.splitlines() if not line.startswith(("hint:", "warning:"))]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    reason = (fatal or lines or [f"exit code {output.exit_code}"])[0]
    hint = "git fsck tells whether the repository is damaged"
    if re.search("no space left|out of diskspace|quota exceeded", said, re.IGNORECASE):
        hint = "free some space; nothing half-written was left behind"
    return GitFailed(f"git {word} failed in {folder}: {reason}", said, hint)
