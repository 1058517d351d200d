"""The files that a verification writes for a pipeline: options of a command, and what becomes of them.

What pipelines collect must never be left from an earlier verification: each file says that this one did not
come to its end until it did.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro import canonical
from repro.errors import ReproError, UsageError

if TYPE_CHECKING:
    from repro.verifying import Verification

_FILES = {
    "junit": "JUnit XML: a suite per run, a case per metric and output.",
    "markdown": "Markdown, as a job summary or a comment.",
    "gitlab": "GitLab's code quality report.",
    "prometheus": "Verdicts as a Prometheus textfile (needs repro-engine[prometheus]).",
}
SUMMARY_LIMIT = 1 << 20
"""Bytes that GitHub takes of one step's summary; of a larger one it takes none."""


@dataclass
class Reports:
    """What was asked for. ``begin`` comes before the first replay, ``finish`` once all is known."""

    files: dict[str, Path] = field(default_factory=dict)
    """By kind."""
    github: bool = False
    on_stderr: bool = False
    """stdout belongs to a document."""
    summary: Path | None = None
    """GitHub's file for the step's summary."""
    _token: str = ""

    def begin(self) -> None:
        """Refuse what cannot be written, and leave no report of an earlier verification. Raises UsageError."""
        for path in self._distinct().values():
            _check(path)
        for kind, path in self.files.items():
            content = _unfinished(kind)
            if content is not None:
                _write(path, content)
                continue
            probe = path.with_name(f".writable-{canonical.PROCESS}")
            _write(probe, b"")
            probe.unlink(missing_ok=True)
        if self.github:
            from repro.report import github

            self._token = secrets.token_hex(16)
            self._say(github.stopped(self._token))

    def finish(self, found: Verification) -> None:
        """Write all of them: whole or not at all, and one that fails keeps no other from being written."""
        failed: list[UsageError] = []
        for kind, path in self.files.items():
            try:
                _write(path, _rendered(kind, found))
            except UsageError as error:
                failed.append(error)
        if self.github:
            self._annotate(found, failed)
        if failed:
            raise failed[0]

    def abandon(self, message: str) -> None:
        """Nothing is known of any run; the files say so since ``begin``."""
        if self._token:
            from repro.report import github

            self._say(github.resumed(self._token))
            self._say(github.error(message))

    def _annotate(self, found: Verification, failed: list[UsageError]) -> None:
        from repro.report import github

        for line in (github.resumed(self._token), *github.commands(found)):
            self._say(line)
        self._token = ""
        if self.summary:
            try:
                _append(self.summary, found)
            except OSError as error:
                failed.append(UsageError(f"cannot write the job summary: {error}"))

    def _say(self, line: str) -> None:
        click.echo(line.encode("utf-8", "backslashreplace"), err=self.on_stderr)

    def _distinct(self) -> dict[str, Path]:
        """The files; two reports cannot be one file."""
        names: dict[Path, str] = {}
        for kind, path in self.files.items():
            if path in names:
                raise UsageError(f"--{names[path]} and --{kind} name the same file: {path}")
            names[path] = kind
        return self.files


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command takes ``reports`` and, for where stdout is a document, ``as_json``."""

    @functools.wraps(command)
    def with_reports(*args: Any, github: bool | None, **rest: Any) -> Any:
        files = {
            kind: _target(value) for kind in _FILES if (value := rest.pop(f"to_{kind}")) is not None
        }
        if github is None:
            github = os.environ.get("GITHUB_ACTIONS") == "true"
        named = os.environ.get("GITHUB_STEP_SUMMARY") if github else None
        summary = Path(named) if named else None
        reports = Reports(files, github, bool(rest.get("as_json")), summary)
        try:
            return command(*args, reports=reports, **rest)
        except ReproError as error:
            reports.abandon(f"{error}\n{error.hint}")
            raise
        except click.ClickException as error:
            reports.abandon(error.format_message())
            raise

    with_reports = click.option(
        "--github/--no-github",
        default=None,
        help="Annotations and job summary of GitHub Actions; default: where it runs there.",
    )(with_reports)
    for kind, what in reversed(_FILES.items()):
        with_reports = click.option(f"--{kind}", f"to_{kind}", metavar="FILE", help=what)(
            with_reports
        )
    return with_reports


def _target(value: str) -> Path:
    """Where it is written; a link is followed, so that it stays one."""
    if value == "-":
        raise UsageError(
            "'-' is no file to write a report to", "name a file; --json goes to stdout"
        )
    try:
        return Path(os.path.realpath(value))
    except (OSError, ValueError) as error:
        raise UsageError(f"{value!r} cannot be a file: {error}") from error


def _check(path: Path) -> None:
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise UsageError(f"cannot write a report to {path}: it is no file", "name a file")


def _write(path: Path, content: bytes) -> None:
    try:
        canonical.write_bytes(path, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"cannot write a report to {path}: {reason}", "name a file that can be written"
        ) from error


def _unfinished(kind: str) -> bytes | None:
    """What stands in the file until the verification has come to its end; None: what stood there before.

    What Prometheus reads has a time of its own, and is read at any moment."""
    from repro.verifying import Verification

    if kind == "prometheus":
        from repro.report import prometheus

        prometheus.library()
        return None

    return _rendered(kind, Verification((), 0.0, "the verification did not come to its end"))


def _rendered(kind: str, found: Verification) -> bytes:
    if kind == "junit":
        from repro.report import junit

        return junit.render(found)
    if kind == "gitlab":
        from repro.report import gitlab

        return gitlab.render(found)
    if kind == "prometheus":
        from repro.report import prometheus

        return prometheus.render(found)
    from repro.report import verification_markdown

    return verification_markdown.render(found).encode("utf-8", "backslashreplace")


def _append(path: Path, found: Verification) -> None:
    """To what the step has put there already."""
    from repro.report import verification_markdown

    there = path.stat().st_size if path.exists() else 0
    room = min(verification_markdown.LIMIT, SUMMARY_LIMIT - there - 4096)
    text = verification_markdown.render(found, max(room, 0))
    with path.open("ab") as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))
