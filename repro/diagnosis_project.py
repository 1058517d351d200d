"""Checks of the project: its repository, its configuration, its environment, its data, its store."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from repro import config, process, sessions
from repro.capturing import data, dvc_remote, lockfile, revisions
from repro.capturing.data_findings import Concern
from repro.capturing.digests import Digests
from repro.capturing.dvc_remote import RemoteState
from repro.capturing.git import Git
from repro.diagnosis_nouns import (
    Answer,
    State,
    bytes_text,
    counted,
    listed,
    ok,
    problem,
    unknown,
    warning,
)
from repro.diagnosis_scene import Probe, Scene
from repro.errors import NotFound, ReproError
from repro.index import Index
from repro.manifest import Finding, Severity
from repro.store import FOLDER, Store

ASKING = 4.0
"""Seconds that a tool has to answer."""
VERIFYING = 1.0
"""Seconds spent on reading manifests again; the newest come first."""
MOST = 5
"""Damaged things that are named one by one."""
STALE = 3600.0
"""Seconds after which a file that is still half-written has been given up."""
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
    workspace = scene.needed().workspace
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


# --- data -----------------------------------------------------------------------------------


def _dvc(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    own = f"{importlib.metadata.version('dvc')}, with repro"
    has_pipeline = (project.folder / "dvc.yaml").exists()
    if data.find_dvc(project.folder, project.workspace) is None:
        if has_pipeline:
            yield warning(f"{own}; dvc.yaml is here, but no DVC repository", "dvc init")
        else:
            yield ok(f"{own}; the project does not use it")
        return
    path = shutil.which("dvc", path=scene.environ.get("PATH"))
    if path is None or Path(path).parent == Path(sys.executable).parent:
        yield ok(own)
        return
    said = process.run([path, "--version"], env=scene.environ, timeout=ASKING).stdout
    yield ok(
        f"{own}; {said.decode('utf-8', 'replace').strip()} at {path}, which runs the pipelines"
    )


def _remotes(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    if data.find_dvc(project.folder, project.workspace) is None:
        return
    states = dvc_remote.reachable(project.folder, project.workspace)
    if not states:
        yield warning(
            "none is configured: nobody else can have the data",
            "dvc remote add --default NAME URL, then: dvc push",
        )
    for state in states:
        yield _remote(state)


def _remote(state: RemoteState) -> Answer:
    remote = state.remote
    title = f"{remote.name}{' (default)' if state.default else ''}, {remote.public_url}"
    detail = f": {state.detail}" if state.detail else ""
    if state.reachable:
        return ok(f"{title} answers")
    if state.reachable is None:
        return unknown(f"{title}{detail}", "dvc push tries it")
    if remote.folder is not None and remote.folder.parent.is_dir():
        return warning(f"{title} is empty: nothing was pushed to it yet", "dvc push")
    remedy = "check its address (dvc remote list), network and credentials"
    seen = f"{title} cannot be reached{detail}"
    # another one than the default holds copies, or single outputs
    return problem(seen, remedy) if state.default else warning(seen, remedy)


class _OutOfTime(Exception):
    pass


def _data(scene: Scene) -> Iterator[Answer]:
    """Where the tracked data is, as a run would find it."""
    project = scene.needed()
    if data.find_dvc(project.folder, project.workspace) is None:
        return

    def read(path: str, size: int) -> None:
        # what was hashed so far is remembered: the next doctor, or the first run, starts from there
        if time.monotonic() > scene.deadline - 0.5:
            raise _OutOfTime

    # as a run takes it: what the pipeline makes is its result, and no input
    pipeline = scene.is_pipeline()
    made = data.declared(project.workspace, project.folder).made if pipeline else ()
    try:
        with Digests(scene.cache / "digests.sqlite") as digests:
            taken = data.snapshot(
                project.workspace, project.folder, digests, exclude=frozenset(made), progress=read
            )
    except _OutOfTime:
        yield unknown(
            "too much to be read in a few seconds, for the first time", "repro doctor again"
        )
        return
    if not taken.items:
        yield ok("DVC tracks none" + (" but what the pipeline makes" if made else ""))
    else:
        size = bytes_text(sum(item.size for item in taken.items))
        pushed = all(place.on_remote for place in taken.places.values())
        whole = "; all of it is on a remote" if pushed else ""
        yield ok(f"{counted(len(taken.items), 'item')}, {size}{whole}")
    for finding in taken.findings:
        yield from _of_data(finding)


def _of_data(finding: Finding) -> Iterator[Answer]:
    if Concern.NOWHERE.value[1] in finding.message:
        yield problem(finding.message, finding.remedy)
    elif Concern.NOT_ASKED.value[1] in finding.message:
        yield unknown(finding.message, finding.remedy)
    elif finding.severity is not Severity.NOTE or Concern.ABSENT.value[1] in finding.message:
        yield warning(finding.message, finding.remedy)


# --- the store ------------------------------------------------------------------------------


def _store(scene: Scene) -> Iterator[Answer]:
    project = scene.needed()
    if scene.store_error:
        yield problem(str(scene.store_error), scene.store_error.hint)
        return
    store = scene.store
    if store is None:
        yield ok(f"none yet: the first run makes {FOLDER}")
        return
    runs, replays = len(store.run_ids()), len(list(store.replay_ids()))
    size = bytes_text(_size(store.root))
    yield ok(f"{counted(runs, 'run')}, {counted(replays, 'replay')}, {size} in {FOLDER}")
    if not os.access(store.root, os.W_OK):
        yield problem(f"{store.root} cannot be written to", "check its owner and permissions")
    damaged = list(dict.fromkeys(_damaged(store)))
    for line in damaged[:MOST]:
        yield problem(line, f"take it from a copy of {FOLDER}, or remove it")
    if len(damaged) > MOST:
        yield problem(f"{len(damaged) - MOST} more are damaged", "check the disk")
    tracked = Git(project.folder).run("ls-files", "-z", "--", FOLDER).split(b"\0")[0]
    if tracked:
        yield warning(
            f"git tracks files of it: {os.fsdecode(tracked)}", f"git rm -r --cached {FOLDER}"
        )


def _damaged(store: Store) -> Iterator[str]:
    """What cannot be read, or is not what was recorded any more, as far as time allows."""
    index = Index(store)
    try:
        yield from index.damaged
        identities = [row.id for row in index.rows()]
    finally:
        index.close()
    until = time.monotonic() + VERIFYING
    for identity in identities:
        if time.monotonic() > until:
            return
        try:
            run = store.run(identity)
        except ReproError as error:
            yield str(error)
            continue
        for item in run.manifest.contents:
            path = store.blob_path(item.digest)
            if not path.is_file():
                yield f"run {run.short}: the blob of {item.path} is missing ({item.digest[:19]})"
            elif path.stat().st_size != item.size:
                yield f"run {run.short}: the blob of {item.path} is damaged ({item.digest[:19]})"


def _leftovers(scene: Scene) -> Iterator[Answer]:
    store = scene.store
    if store is None:
        return
    killed = sessions.abandoned(store)
    if killed:
        seen = f"{counted(len(killed), 'command')} of repro was killed and left things behind"
        yield warning(seen, "any other command of repro clears them: repro list")
    kept = [path.parent for path in (store.root / "tmp").glob("*/kept")]
    if kept:
        size = bytes_text(sum(map(_size, kept)))
        seen = f"{counted(len(kept), 'workspace')} kept with --keep, {size}"
        yield Answer(State.OK, seen, f"when they are not needed: rm -r {kept[0]}")
    half = [path for path in _half_written(store) if time.time() - path.lstat().st_mtime > STALE]
    if half:
        seen = f"{counted(len(half), 'half-written file')} of a killed command"
        yield warning(seen, f"rm {shlex.quote(str(half[0]))}")
    if not (killed or kept or half):
        yield ok("none")


def _half_written(store: Store) -> Iterator[Path]:
    for folder in ("", "blobs", "blobs/sha256", "runs", "names"):
        for pattern in (".writing-*", ".pending-*"):
            yield from (store.root / folder).glob(pattern)


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
            except OSError:
                continue  # gone meanwhile
    return total


PROJECT = (
    Probe("project", "repository", _repository),
    Probe("project", "submodules", _submodules),
    Probe("project", "configuration", _configuration),
    Probe("project", "command", _command),
    Probe("project", "packages", _packages),
    Probe("project", "lockfile", _lockfile),
    Probe("data", "dvc", _dvc),
    Probe("data", "dvc remote", _remotes),
    Probe("data", "tracked data", _data),
    Probe("store", "store", _store),
    Probe("store", "leftovers", _leftovers),
)
