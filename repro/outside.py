"""What a run reads and writes beside its workspace: put back for a replay, and looked at after it.

In a container a folder of ours is mounted at each recorded place. Without isolation nothing is put
outside of the workspace: what the run read there has to be there.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repro import canonical
from repro.capturing import files, inputs, results
from repro.capturing.copying import Copier, Mismatch
from repro.capturing.files import Scan
from repro.errors import ReproError, Unreplayable
from repro.manifest import Descriptor, Manifest
from repro.project import Project
from repro.watching import SEES_ALL

NEVER_COVERED = frozenset(
    (
        *(
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/home",
            "/lib",
            "/lib32",
            "/lib64",
            "/opt",
            "/proc",
        ),
        *("/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local"),
        *("/usr/local/bin", "/usr/local/lib", "/usr/share", "/var", "/var/lib", "/var/tmp"),
    )
)
"""Folders that an image needs as they are: of what lies directly in them single files are mounted."""


@dataclass(frozen=True)
class Outside:
    """The places of one replay outside of its workspace. ``root`` holds them; ``/`` where the command
    sees this machine as it is."""

    root: Path
    home: Path
    points: tuple[str, ...]
    """Absolute paths that are mounted: folders, and files that lie in a folder that must not be."""
    expected: tuple[str, ...]
    """Outputs that the recorded run wrote there, absolute."""
    complete: bool
    """Whether all that the recorded run wrote there is known, so that more of it is a difference."""

    @property
    def isolated(self) -> bool:
        return self.root != Path("/")

    def at(self, path: str) -> Path:
        """Where an absolute path of the command lies here."""
        return self.root / path.lstrip("/")

    @property
    def mounts(self) -> dict[str, Path]:
        """What is mounted where; empty where the command sees this machine as it is."""
        return {point: self.at(point) for point in self.points} if self.isolated else {}


def of(manifest: Manifest, root: Path | None, home: Path) -> Outside:
    """The places that a replay needs. ``root`` None: no isolation."""
    inside = f"{manifest.provenance.workspace or '/repro/workspace'}/"

    def is_outside(path: str) -> bool:
        # what lies in the workspace is no place of its own: a mount there would cover it
        return path.startswith("/") and not path.startswith(inside)

    read = [item.path for item in manifest.definition.inputs if is_outside(item.path)]
    wrote = [item.path for item in manifest.result.outputs if is_outside(item.path)]
    points = mount_points(read, wrote)
    complete = manifest.result.watched in SEES_ALL
    return Outside(root or Path("/"), home, points, tuple(wrote), complete)


def mount_points(read: Iterable[str], wrote: Iterable[str]) -> tuple[str, ...]:
    """The folders that hold these files, none inside another; a file itself where its folder must not be
    covered and it is there to be mounted."""
    folders = {posixpath.dirname(path) for path in (*read, *wrote)} - NEVER_COVERED
    topmost = {
        folder for folder in folders if not any(folder.startswith(f"{other}/") for other in folders)
    }
    single = {path for path in read if posixpath.dirname(path) in NEVER_COVERED}
    return tuple(sorted(topmost | single))


def restore(project: Project, manifest: Manifest, workspace: Path, outside: Outside) -> None:
    """Put back the files that the run read and that neither git nor DVC tracks, each verified.

    Raises Unreplayable, naming what could not be had.
    """
    for point in outside.mounts:
        if point not in {item.path for item in manifest.definition.inputs}:
            outside.at(point).mkdir(parents=True, exist_ok=True)
    copier = Copier()
    for item in manifest.definition.inputs:
        root, target = _target(item.path, workspace, outside)
        if item.path.startswith("/") and item.link is None and not outside.isolated:
            _demand(item, target)
            continue
        if target.exists() or target.is_symlink():
            continue  # part of the source or the data by now
        if not target.parent.resolve().is_relative_to(root.resolve()):
            raise Unreplayable(f"the input {item.path} would be put outside of its place")
        if item.link is not None:
            _link(item, target)
            continue
        _copy(project, manifest, item, target, copier)


def _target(path: str, workspace: Path, outside: Outside) -> tuple[Path, Path]:
    """The folder that it must not leave, and where it goes."""
    if path.startswith("~/"):
        return outside.home, outside.home / path[2:]
    if path.startswith("/"):
        return outside.root, outside.at(path)
    return workspace, workspace / path


def _link(item: Descriptor, target: Path) -> None:
    leads = str(item.link)
    if item.path.startswith(("/", "~")) or not leads or "\0" in leads or ".." in leads.split("/"):
        # what is mounted into a container must be no link: the engine would follow it on this machine
        raise Unreplayable(f"the input {item.path} is a link that is not allowed")
    if not leads.startswith("/"):
        leads = posixpath.relpath(leads, posixpath.dirname(item.path) or ".")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(leads)


def _copy(
    project: Project, manifest: Manifest, item: Descriptor, target: Path, copier: Copier
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    for source in _places(project, manifest, item):
        try:
            copier.copy(str(source), str(target), item.digest.removeprefix("sha256:"), "sha256")
        except (OSError, Mismatch):
            continue
        if item.executable:
            target.chmod(0o755)
        return
    raise Unreplayable(
        f"the input {item.path} ({item.size} bytes), which the run read, cannot be had: it was recorded "
        "by digest only, and what lies at its place now, if anything, is other content",
        "put back the file of that time, or record with a larger inputs_cap in repro.yaml",
    )


def _places(project: Project, manifest: Manifest, item: Descriptor) -> Iterator[Path]:
    blob = manifest.content(inputs.role(item.path))
    if blob is not None:
        with contextlib.suppress(ReproError):  # damaged or gone: the file itself may still be there
            yield project.store.verified(blob)
    yield Path(os.path.join(project.workspace, os.path.expanduser(item.path)))  # noqa: PTH111, PTH118


def _demand(item: Descriptor, path: Path) -> None:
    try:
        if canonical.digest_file(path) == item.digest:
            return
        found = "is other content now"
    except OSError:
        found = "is not there"
    raise Unreplayable(
        f"the run read {item.path}, which {found}",
        "replay with --engine docker: there it can be put at its place",
    )


def scanned(outside: Outside) -> dict[str, Scan]:
    """The places before or after the command, by mount point."""
    if not outside.isolated:
        stamps = files.stamps(outside.expected)
        return {"/": Scan(stamps, ())}
    return {
        point: files.scan(outside.root, folder)
        for point in outside.points
        if (folder := outside.at(point)).is_dir()
    }


def written(
    outside: Outside, before: dict[str, Scan], after: dict[str, Scan]
) -> tuple[Descriptor, ...]:
    """What the command wrote there, by absolute path."""
    found = []
    for point, scan in after.items():
        for path in files.changes(before[point], scan).written:
            absolute = "/" + path.lstrip("/")
            if outside.complete or absolute in outside.expected:
                described = results.describe(outside.root, path.lstrip("/"), cache_links=False)
                found.append(replace(described, path=absolute))
    return tuple(sorted(found, key=lambda item: item.path))
