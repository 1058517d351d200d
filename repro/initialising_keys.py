"""The keys of repro.yaml, one by one: what a project says of each, or an example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import PurePosixPath

from repro import initialising_environment as environment
from repro import initialising_files as files
from repro import plain_yaml
from repro.initialising_entry import Entry, Value, listed
from repro.initialising_survey import Survey

SCRIPT = re.compile(r"(?:^|[_-])train(?:ing)?(?:[_-]|$)")
SCRIPT_FOLDERS = ("", "src", "scripts", "code", "bin")


def _command(look: Survey) -> Entry:
    why = "What `repro run` executes when it is given no command."
    scripts = [path for path in look.visible if _is_script(path)]
    python = "python" if not look.has("uv.lock") else "uv run python"
    line = f"{python} {shlex.quote(scripts[0]) if scripts else 'train.py'}"
    if look.stages:
        names = listed(look.stages)
        return Entry.example(
            line,
            f"{why} Without one, the pipeline of dvc.yaml.",
            f"the pipeline of dvc.yaml: {names}",
        )
    if look.trouble:
        return Entry.example(line, why, f"dvc.yaml could not be read: {look.trouble}")
    if "dvc.yaml" in look.visible:
        return Entry.example(line, why, "dvc.yaml, and no DVC repository: dvc init")
    if len(scripts) == 1:
        return Entry.found(line, why, scripts[0])
    return Entry.example(line, why, f"several scripts: {listed(scripts)}" if scripts else "")


def _is_script(path: str) -> bool:
    place = PurePosixPath(path)
    folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
    in_place = folder in SCRIPT_FOLDERS
    return place.suffix == ".py" and in_place and SCRIPT.search(place.stem) is not None


def _always(value: Value, why: str) -> Callable[[Survey], Entry]:
    """Of such a key no project says anything before its first run."""
    return lambda look: Entry.example(value, why)


KEYS: dict[str, Callable[[Survey], Entry]] = {
    "command": _command,
    "working_directory": _always(
        "src", "Where the command starts, relative to this file; else beside it."
    ),
    "params": files.params,
    "metrics": files.metrics,
    "outputs": files.outputs,
    "ignore_outputs": files.ignore_outputs,
    "tolerances": files.tolerances,
    "lockfile": environment.lockfile,
    "image": environment.image,
    "env": environment.env,
    "network": _always(
        "true", "Whether a replay may reach the network. Not, unless it is said here."
    ),
    "log": _always(
        {"ignore": "[lr, throughput*]"},
        "Metrics are read out of what the run prints as well; times, rates, paths and the like are set"
        " aside, and listed. This says it otherwise, by name or glob, or by a pattern of one's own.",
    ),
    "secrets": _always(
        {"allow": '["tests/fixtures/*"]'},
        "What looks like a secret stops the recording. What is none: its fingerprint, which the refusal"
        " shows, or a glob over the place.",
    ),
    "resume": _always(
        {
            "start": plain_yaml.scalar("python train.py --steps {steps}"),
            "continue": plain_yaml.scalar("python train.py --steps {steps} --resume"),
        },
        "How the training is begun for so many steps, and continued from its checkpoint: for"
        " `repro verify --resume`, which holds two parts to the whole.",
    ),
    "watch": _always(
        "auto",
        "How to see which files the run reads and writes, to take along what git and DVC do not track:"
        " seccomp, strace, python, off, or auto.",
    ),
    "inputs_cap": _always(
        "500 MB", "Of such files, so much is taken along; of the rest, the digests."
    ),
    "outputs_cap": _always(
        "16 MB",
        "Outputs up to this size are kept, so that a report can say where two of them differ.",
    ),
    "untracked_cap": files.untracked_cap,
}
"""In the order in which they are written."""
