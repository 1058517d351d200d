"""Files that the run read and that neither git nor DVC tracks: taken along, or named by digest.

A path tells where the file lies: relative, inside the workspace; ``~/…``, below the home folder, which a
replay has one of its own of; absolute, elsewhere on the machine. A link that led to such files is one of
them: what it leads to is told in the same way.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repro import canonical
from repro.capturing import secrets
from repro.capturing.digests import Digests
from repro.errors import ReproError
from repro.manifest import Descriptor, Finding, Severity
from repro.store import Store

ROLE = "inputs/"
"""How the roles of their blobs begin."""
MOST = 20_000
"""Files; a training that reads more of them is named, and its files are not taken one by one."""
_SHOWN = 5


@dataclass(frozen=True)
class Read:
    """What was read first, by where it lies. ``changed``: those that the run itself rewrote later."""

    workspace: Path
    home: Path
    inside: tuple[str, ...] = ()
    """Relative to the workspace."""
    below_home: tuple[str, ...] = ()
    """Absolute."""
    elsewhere: tuple[str, ...] = ()
    """Absolute."""
    changed: tuple[str, ...] = ()
    as_before: Mapping[str, Path] = field(default_factory=dict)
    """Inside, and changed by the run: copies of what it began with."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Inside, in no other part of the record, and on the way to what was read: where each leads in the end,
    relative to the workspace or absolute."""

    def places(self) -> Iterator[tuple[str, Path]]:
        """(path as it is recorded, where it lies), by path."""
        for path in self.inside:
            yield path, self.workspace / path
        yield from self.as_before.items()
        for path in self.elsewhere:
            yield path, Path(path)
        for path in self.below_home:
            yield posixpath.join("~", Path(path).relative_to(self.home).as_posix()), Path(path)


@dataclass(frozen=True)
class Inputs:
    """For the definition, for the store, and what is to be said."""

    items: tuple[Descriptor, ...] = ()
    kept: tuple[Descriptor, ...] = ()
    findings: tuple[Finding, ...] = ()


def take(store: Store, read: Read, cap: int, since: float) -> Inputs:
    """Hash what was read, and keep up to ``cap`` bytes of it in all, the small ones first.

    ``since``: seconds since the epoch at which the run began; what changed later is not what it read.
    """
    places = sorted(read.places())
    if len(places) > MOST:
        return Inputs(findings=(_too_many(places),))
    items: list[tuple[Descriptor, Path]] = []
    lost: list[str] = []
    moved: list[str] = list(read.changed)
    withheld: list[str] = []
    with Digests(store.cache / "digests.sqlite") as digests:
        for path, where in places:
            try:
                status = where.stat()
                if not stat.S_ISREG(status.st_mode):
                    continue
                digest = "sha256:" + digests.of(where, "sha256", status)
            except (OSError, ReproError):
                lost.append(path)
                continue
            if hits := secrets.held_by(where):
                withheld.append(f"{path} ({hits[0].kind})")
                continue
            if status.st_mtime > since and path not in read.as_before:
                moved.append(path)
                continue
            items.append(
                (
                    Descriptor(
                        path, digest, status.st_size, executable=bool(status.st_mode & 0o100)
                    ),
                    where,
                )
            )
    kept, left = _keep(store, items, cap)
    links = [_link(path, target) for path, target in read.links.items()]
    kept += [store.put_bytes(os.fsencode(str(link.link)), role(link.path)) for link in links]
    described = tuple(sorted((*(item for item, _ in items), *links), key=lambda item: item.path))
    findings = (*_findings(described, left, lost, moved, cap), *_withheld(withheld))
    return Inputs(described, tuple(kept), findings)


def _link(path: str, target: str) -> Descriptor:
    """As an output that is a link is described: its digest is that of the target's text."""
    text = os.fsencode(target)
    return Descriptor(path, canonical.digest_bytes(text), len(text), link=target)


def role(path: str) -> str:
    """The role of an input's blob: relative like every role, and no two inputs have the same."""
    if path.startswith("/"):
        return f"{ROLE}root{path}"
    return f"{ROLE}home/{path[2:]}" if path.startswith("~/") else f"{ROLE}workspace/{path}"


def _keep(
    store: Store, items: Iterable[tuple[Descriptor, Path]], cap: int
) -> tuple[list[Descriptor], list[Descriptor]]:
    kept, left, used = [], [], 0
    for item, where in sorted(items, key=lambda pair: (pair[0].size, pair[0].path)):
        used += item.size
        if used > cap:
            left.append(item)
            continue
        blob = Descriptor(role(item.path), item.digest, item.size)
        if not store.has(item.digest) and store.put_file(where, blob.path).digest != item.digest:
            left.append(item)  # it is being written while we look
            continue
        kept.append(blob)
    return kept, left


def _findings(
    items: tuple[Descriptor, ...],
    left: Collection[Descriptor],
    lost: list[str],
    moved: list[str],
    cap: int,
) -> Iterator[Finding]:
    if items:
        outside = [item.path for item in items if item.path.startswith(("/", "~"))]
        where = f", {len(outside)} of them outside of the project" if outside else ""
        yield Finding(
            Severity.NOTE,
            "inputs",
            f"the run read {_files(len(items))} that neither git nor DVC tracks{where}: "
            f"{_some([_shown(item) for item in items])}",
            "they are recorded by digest, and taken along up to the cap (`inputs_cap` in repro.yaml)",
        )
    if left:
        size = sum(item.size for item in left) / 1e6
        yield Finding(
            Severity.BREAKS,
            "inputs",
            f"{_files(len(left))} that the run read, {size:,.0f} MB, are recorded by digest only, beyond "
            f"the cap of {cap / 1e6:,.0f} MB: {_some([item.path for item in left])}",
            "dvc add them, or raise inputs_cap in repro.yaml; a replay looks for them at the same place",
        )
    if moved:
        yield Finding(
            Severity.RISKS,
            "inputs",
            f"read by the run and changed since it began, so what it read is not known: {_some(moved)}",
            "a run that starts from what an earlier one left depends on it: commit such a file, or dvc "
            "add it",
        )
    if lost:
        yield Finding(
            Severity.RISKS,
            "inputs",
            f"read by the run, and gone or unreadable now: {_some(lost)}",
            "a replay may lack them",
        )


def _withheld(names: list[str]) -> Iterator[Finding]:
    if names:
        yield Finding(
            Severity.RISKS,
            "inputs",
            f"read by the run and in no part of the record, because it looks like a secret: {_some(names)}",
            "a replay runs without it; what the training needs of it, give in a file of its own",
        )


def _too_many(places: list[tuple[str, Path]]) -> Finding:
    folders = sorted({posixpath.dirname(path) for path, _ in places})
    return Finding(
        Severity.BREAKS,
        "inputs",
        f"the run read {len(places)} files that neither git nor DVC tracks, more than are taken one by "
        f"one ({MOST}): in {_some(folders)}",
        "dvc add the folders",
    )


def _files(number: int) -> str:
    return f"{number} file" + "s" * (number != 1)


def _shown(item: Descriptor) -> str:
    return item.path if item.link is None else f"{item.path} -> {item.link}"


def _some(names: Collection[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
