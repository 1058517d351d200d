"""Keeps small text outputs in the store: with both sides at hand a report can say where they differ."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from repro.manifest import Descriptor
from repro.store import Store

CAP = 4 * 1000**2
"""Bytes: a larger output is known by its digest only."""
TYPES = ("application/json", "application/yaml", "application/toml", "text/")


def keep(store: Store, workspace: Path, outputs: tuple[Descriptor, ...]) -> None:
    """Copy the small text outputs of an execution into the store."""
    for item in outputs:
        if item.media_type.startswith(TYPES) and item.link is None and item.size <= CAP:
            with contextlib.suppress(FileNotFoundError):
                store.put_file(workspace / item.path, item.path)


def reader(store: Store) -> Callable[[Descriptor], bytes | None]:
    """What reads an output's content for a comparison: None where it was not kept."""

    def read(descriptor: Descriptor) -> bytes | None:
        if descriptor.size > CAP or not store.has(descriptor.digest):
            return None
        return store.read(descriptor)

    return read
