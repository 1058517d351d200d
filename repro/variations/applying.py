"""Puts conditions into force: for the job of one replay, and in its workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from repro.engines.base import Job
from repro.variations import shim, shim_clock, shim_entropy
from repro.variations.nouns import Conditions, Seen
from repro.watching import hook

INSIDE = "/repro/probe"
"""Where the command's interpreters find the shim."""
_BESIDE = {
    "repro_hook": hook,
    "repro_probe_clock": shim_clock,
    "repro_probe_entropy": shim_entropy,
}
"""What the shim imports, by the names under which it finds it."""
MOST = 1000
"""Lines of one interpreter's log that are read."""


def applied(conditions: Conditions, job: Job, folder: Path) -> Job:
    """The job under these conditions. ``folder`` is empty and becomes the shim's; it has to be writable by
    the command."""
    _write_shim(conditions.shim, folder)
    env = {**job.env, **conditions.env}
    before = env.get("PYTHONPATH")
    env["PYTHONPATH"] = f"{INSIDE}:{before}" if before else INSIDE
    argv = ("setarch", "-R", *job.argv) if conditions.fixed_addresses else job.argv
    return replace(
        job,
        argv=argv,
        env=env,
        mounts={**job.mounts, INSIDE: folder},
        cpus=conditions.cpus or job.cpus,
        hostname=conditions.hostname,
        user=conditions.user,
        home_inside=conditions.home,
        init=not conditions.first_process,
        fixed_addresses=conditions.fixed_addresses,
    )


def _write_shim(settings: Mapping[str, object], folder: Path) -> None:
    logs = folder / "logs"
    logs.mkdir()
    logs.chmod(0o1777)
    text = Path(shim.__file__).read_text("utf-8")
    marker = "CONFIG = {}"
    assert text.count(marker) == 1
    text = text.replace(marker, f"CONFIG = {dict(settings)!r}")
    (folder / "sitecustomize.py").write_text(text, "utf-8")
    for name, module in _BESIDE.items():
        shutil.copyfile(str(module.__file__), folder / f"{name}.py")
    for path in folder.glob("*.py"):
        path.chmod(0o644)
    folder.chmod(0o755)


def reported(folder: Path, inside: str) -> Seen:
    """What the shim wrote in that folder; the command could write there too, so nothing is trusted to be
    more than text. ``inside`` is where the command saw the workspace."""
    interpreters, loaders, failures = 0, 0, []
    sites: dict[str, list[tuple[str, str, int]]] = {"drawn": [], "unordered": []}
    for words in _lines(folder / "logs"):
        match words:
            case ["begin", _]:
                interpreters += 1
            case ["failed", where, what]:
                failures.append(f"{where}: {what}")
            case ["workers", _, _]:
                loaders += 1
            case [("drawn" | "unordered") as kind, what, path, number] if number.isdecimal():
                place = path.removeprefix(inside).lstrip("/")
                sites[kind].append((what, place, int(number[:9])))
    return Seen(
        interpreters,
        tuple(dict.fromkeys(failures)),
        tuple(dict.fromkeys(sites["drawn"])),
        tuple(dict.fromkeys(sites["unordered"])),
        loaders,
    )


def _lines(logs: Path) -> Iterator[list[str]]:
    for path in sorted(logs.iterdir()) if logs.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            for _ in range(MOST):
                line = stream.readline(4096)
                if not line:
                    break
                yield line.decode("utf-8", "replace").rstrip("\n").split("\t")


def put_leftovers(source: Path, workspace: Path) -> None:
    """Copy what an earlier execution wrote into a restored workspace; what is there is replaced."""
    top = workspace.resolve()
    for parent, folders, names in os.walk(source):
        here = workspace / Path(parent).relative_to(source)
        if not here.resolve().is_relative_to(top):
            continue
        here.mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*names, *links):
            target = here / name
            if target.is_dir() and not target.is_symlink():
                continue
            target.unlink(missing_ok=True)
            shutil.copy2(Path(parent) / name, target, follow_symlinks=False)


def keep_leftovers(workspace: Path, paths: tuple[str, ...], target: Path) -> None:
    """Copy what an execution wrote, for ``put_leftovers``."""
    for path in paths:
        source = workspace / path
        if source.is_symlink() or source.is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / path, follow_symlinks=False)
