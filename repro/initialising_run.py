"""What a run that was just recorded adds to a proposed repro.yaml."""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from repro.capturing import ingredients
from repro.initialising_entry import Entry
from repro.manifest import Manifest, Severity

_SHOWN = 5
_ASKED = re.compile(r"env: \[(.*)\]")


def learned(entries: Sequence[Entry], run: Manifest) -> tuple[Entry, ...]:
    """The entries, with what the run shows: settings where the run needs them, else remarks."""
    return tuple(
        _LEARN[entry.key](entry, run) if entry.key in _LEARN else entry for entry in entries
    )


def _command(entry: Entry, run: Manifest) -> Entry:
    command = run.definition.command
    if ingredients.is_pipeline(command):
        return entry
    words = command.argv
    line = words[2] if len(words) == 3 and words[:2] == ("sh", "-c") else shlex.join(words)
    return replace(entry, value=line, set=True, seen=f"as it was executed, in {_took(run)}")


def _took(run: Manifest) -> str:
    return f"{run.result.duration or 0:.1f} s"


def _working_directory(entry: Entry, run: Manifest) -> Entry:
    started, project = run.definition.working_directory, run.provenance.project
    if started == project:
        return entry
    inner = os.path.relpath(started or ".", project or ".")
    return replace(entry, value=inner, set=True, seen="where it was started")


def _metrics(entry: Entry, run: Manifest) -> Entry:
    by_source: dict[str, list[str]] = {}
    for item in run.result.metrics:
        by_source.setdefault(item.source, []).append(item.name)
    said = [f"{source} ({_some(names)})" for source, names in by_source.items()]
    return _remarked(
        entry, f"the run's metrics: {', '.join(said)}" if said else "the run left none"
    )


def _outputs(entry: Entry, run: Manifest) -> Entry:
    paths = [item.path for item in run.result.outputs]
    return _remarked(entry, f"the run wrote {_some(paths)}" if paths else "")


def _log(entry: Entry, run: Manifest) -> Entry:
    said = [f"{item.name} ({item.reason.value})" for item in run.result.uncompared]
    return _remarked(entry, f"printed and not compared: {_some(said)}" if said else "")


def _watch(entry: Entry, run: Manifest) -> Entry:
    paths = [item.path for item in run.definition.inputs]
    seen = f"read, and neither in git nor in DVC: {_some(paths)}" if paths else ""
    return _remarked(entry, seen)


def _env(entry: Entry, run: Manifest) -> Entry:
    """The variables that were set, that the code asked for, and that were not recorded."""
    for finding in run.findings:
        match = _ASKED.search(finding.remedy)
        if finding.subject == "env" and finding.severity is Severity.RISKS and match:
            names = tuple(match[1].split(", "))
            return replace(
                entry, value=names, set=True, seen=f"set here, and read by the code: {_some(names)}"
            )
    return entry


def _remarked(entry: Entry, seen: str) -> Entry:
    return replace(entry, seen="; ".join(filter(None, (entry.seen, seen))))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


_LEARN: dict[str, Callable[[Entry, Manifest], Entry]] = {
    "command": _command,
    "working_directory": _working_directory,
    "metrics": _metrics,
    "outputs": _outputs,
    "log": _log,
    "watch": _watch,
    "env": _env,
}
