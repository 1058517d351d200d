"""Checks of the project: its repository, its configuration, its environment."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from repro import config
from repro.capturing import lockfile, revisions, source_head
from repro.capturing.git import Git
from repro.diagnosis_nouns import (
    Answer,
    counted,
    listed,
    ok,
    problem,
    unknown,
    warning,
)
from repro.diagnosis_scene import Probe, Scene
from repro.errors import NotFound, UsageError
from repro.manifest import Finding, Severity

IN_PROGRESS = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


# --- source ---------------------------------------------------------------------------------


def _repository(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    workspace = project.workspace
    try:
        source_head.refuse_unwritable(workspace)
    except UsageError as error:
        yield problem(str(error), error.hint)
        return
    git = Git(workspace)
    status = git.run("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "-uall").split(
        b"\0"
    )
    lines = [os.fsdecode(line) for line in status if line]
    facts = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    commit, branch = facts.get("branch.oid", "(initial)"), facts.get("branch.head", "?")
    on = "no branch" if branch == "(detached)" else branch
    at = "no commit yet" if commit == "(initial)" else commit[:12]
    parts = [f"{on}, {at}", *_uncommitted(lines)]
    if commit != "(initial)":
        parts += _unpushed(git)
    parts += [f"{word} is in progress" for word in _in_progress(workspace)]
    if (revisions.git_folder(workspace) / "shallow").exists():
        parts.append("a shallow clone")
    yield ok("; ".join(parts))
    conflicts = [line for line in lines if line.startswith("u ")]
    if conflicts:
        seen = f"{counted(len(conflicts), 'file')} with conflicts: recorded with their marks"
        yield warning(seen, "resolve and commit them: git status")
    large = _large(workspace, lines, project.config.untracked_cap)
    if large:
        seen = f"{listed(large)}: untracked, and too large to be recorded with the code"
        yield warning(seen, "dvc add, ignore in .gitignore, or raise untracked_cap in repro.yaml")


def _large(workspace: Path, lines: list[str], cap: int) -> list[str]:
    found = []
    for path in (line[2:] for line in lines if line.startswith("? ")):
        with contextlib.suppress(OSError):
            if (workspace / path).lstat().st_size > cap:
                found.append(path)
    return found


def _uncommitted(lines: list[str]) -> Iterator[str]:
    changed = sum(line[:2] in ("1 ", "2 ", "u ") for line in lines)
    untracked = sum(line.startswith("? ") for line in lines)
    parts = [f"{changed} changed"] if changed else []
    parts += [f"{untracked} untracked"] if untracked else []
    if parts:
        yield f"{' and '.join(parts)}, which a run records as they are"
    else:
        yield "nothing uncommitted"


def _unpushed(git: Git) -> Iterator[str]:
    if not git.run("remote").strip():
        yield "no git remote"
        return
    if not git.run("for-each-ref", "--count=1", "refs/remotes").strip():
        yield "what the remote has is not known here"
        return
    count = int(git.line("rev-list", "--count", "HEAD", "--not", "--remotes"))
    if count:
        yield f"{counted(count, 'commit')} not pushed, of which a run keeps its own"


def _in_progress(workspace: Path) -> list[str]:
    marker = workspace / ".git"
    folder = marker
    if marker.is_file():  # a linked work tree has a folder of its own for these
        named = marker.read_text("utf-8", "surrogateescape").partition("gitdir:")[2].strip()
        folder = (workspace / named).resolve()
    found = (word for name, word in IN_PROGRESS.items() if (folder / name).exists())
    return list(dict.fromkeys(found))


def _submodules(scene: Scene) -> Iterator[Answer]:
    workspace = scene.needed().workspace
    entries = Git(workspace).run("ls-files", "--stage", "-z").split(b"\0")
    paths = [os.fsdecode(item.partition(b"\t")[2]) for item in entries if item[:6] == b"160000"]
    absent = [path for path in paths if not (workspace / path / ".git").exists()]
    if absent:
        seen = f"{listed(absent)} not checked out: a run sees an empty folder there"
        yield warning(seen, "git submodule update --init --recursive")
    elif paths:
        yield ok(f"{len(paths)} checked out")


def _configuration(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    settings, folder = project.config, project.folder
    if scene.config_error:
        yield problem(str(scene.config_error), scene.config_error.hint)
        return
    if settings.path is None:
        yield ok("there is none: what is found counts (repro init writes one)")
        return
    wanted = [("working_directory", settings.working_directory), ("image", settings.dockerfile)]
    absent = [f"{key}: {path}" for key, path in wanted if path and not (folder / path).exists()]
    if absent:
        yield problem(f"{listed(absent)} does not exist", f"correct {config.NAME}")
    lost = [path for path in settings.params if not (folder / path).is_file()]
    if lost:
        yield warning(
            f"params: {listed(lost)} does not exist", f"correct {config.NAME}, or write the file"
        )
    if not absent and not lost:
        yield ok(f"{config.NAME} is valid")


# --- environment ----------------------------------------------------------------------------


def _command(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    command = scene.command()
    title = shlex.join(command.argv) if command else "no command is configured; python"
    if project.config.dockerfile:
        what = shlex.join(command.argv) if command else "what is run"
        yield ok(f"{what} is executed in the image of {project.config.dockerfile}")
        return
    try:
        found = scene.found()
    except NotFound as error:
        if command:
            raise
        yield warning("no command is configured, and there is no python on the PATH", error.hint)
        return
    probe = scene.probe()
    if probe is None:
        yield warning(
            f"{title}: which Python it runs cannot be told ({found.how})",
            "name the interpreter in the command, or run it in an image: repro run --image REF",
        )
        return
    python = f"{probe.interpreter.implementation} {probe.interpreter.version}"
    seen = f"{title}: {python}, {found.path}"
    if found.certain:
        yield ok(seen)
    else:
        yield warning(f"{seen}, as a guess: {found.how}", "name the interpreter in the command")


def _packages(scene: Scene) -> Iterator[Answer]:
    if dockerfile := scene.needed().config.dockerfile:
        yield ok(f"those in the image of {dockerfile}")
        return
    probe = scene.known_probe()
    if probe is None:
        yield unknown("the interpreter was not found")
        return
    inventory = scene.inventory()
    yield ok(f"{counted(len(inventory.packages), 'package')} installed in {probe.prefix}")
    grave = [item for item in inventory.findings if item.severity is not Severity.NOTE]
    yield from _from_findings(grave)


def _lockfile(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    found = lockfile.find(project.folder, project.config.lockfile)
    if found is None:
        yield ok("none: a run locks what is installed, with hashes")
        return
    name = os.path.relpath(found.path, project.folder)
    if project.config.dockerfile:
        yield ok(f"{name} is not compared with the image of {project.config.dockerfile}")
        return
    probe = scene.known_probe()
    if probe is None:
        yield unknown(f"{name} cannot be compared: the interpreter was not found")
        return
    installed = scene.inventory().packages
    findings = lockfile.findings(found, project.folder, installed, probe)
    differing = [item for item in findings if item.remedy]
    yield from _from_findings(differing)
    notes = [item.message for item in findings if not item.remedy]
    if not differing and found.entries is not None:
        notes.insert(0, f"what is installed is what {name} says")
    if notes:
        yield ok("; ".join(notes))


def _from_findings(findings: list[Finding]) -> Iterator[Answer]:
    yield from (warning(item.message, item.remedy) for item in findings)


PROJECT = (
    Probe("project", "repository", _repository),
    Probe("project", "submodules", _submodules),
    Probe("project", "configuration", _configuration),
    Probe("project", "command", _command),
    Probe("project", "packages", _packages),
    Probe("project", "lockfile", _lockfile),
)
