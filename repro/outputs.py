"""Keeps small outputs in the store: with both sides at hand a report can say where they differ."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from repro import anatomy, canonical
from repro.manifest import Descriptor
from repro.store import Store

CAP = 4 * 1000**2
"""Bytes: a larger text is known by its digest only."""
OPENED_CAP = 16 * 1000**2
"""Bytes: so is a larger file of another format that can be opened."""
TOGETHER = 8
"""As many times the cap are kept of one run's files of such formats, the smallest first."""
TYPES = ("application/json", "application/yaml", "application/toml", "text/")


def limit(item: Descriptor, cap: int | None = None) -> int:
    """Bytes up to which an output is kept; ``cap`` is the project's own, for all that are."""
    if _is_text(item):
        return CAP if cap is None else cap
    if not anatomy.is_known(item.path):
        return 0
    return OPENED_CAP if cap is None else cap


def keep(
    store: Store,
    workspace: Path,
    outputs: tuple[Descriptor, ...],
    cap: int | None = None,
    opened: bool = True,
) -> None:
    """Copy the small outputs of an execution into the store; without ``opened`` only the texts."""
    left = TOGETHER * (OPENED_CAP if cap is None else cap)
    for item in sorted(outputs, key=lambda item: item.size):
        if item.link is not None or item.size > limit(item, cap):
            continue
        if not _is_text(item):
            left -= item.size
            if left < 0 or not opened:
                continue
        with contextlib.suppress(FileNotFoundError):
            store.put_file(workspace / item.path, item.path)


def _is_text(item: Descriptor) -> bool:
    return item.media_type.startswith(TYPES)


def reader(store: Store) -> Callable[[Descriptor], bytes | None]:
    """What reads an output's content for a comparison: None where it was not kept."""

    def read(descriptor: Descriptor) -> bytes | None:
        if descriptor.size > CAP or not store.has(descriptor.digest):
            return None
        return store.read(descriptor)

    return read


def find(store: Store, item: Descriptor, workspace: Path) -> Path | None:
    """A file with the very content of that output: in the store, or where it was written, as long as it
    still lies there unchanged. Raises OSError, Corrupt."""
    if store.has(item.digest):
        return store.verified(item)
    path = workspace / item.path
    if path.is_symlink() or not path.is_file() or path.stat().st_size != item.size:
        return None
    return path if canonical.digest_file(path) == item.digest else None
