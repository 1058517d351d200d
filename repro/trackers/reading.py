"""One place of a tracker, read: whatever is wrong with it becomes its state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.manifest import SourceState
from repro.trackers.nouns import Found
from repro.trackers.places import Kind, Place

LARGEST_NOTEBOOK = 256 * 1000**2


def read(place: Place, workspace: Path, files: Sequence[str], since: float | None) -> Found:
    """The metrics in those files of a place, of runs that began at ``since`` or later. Never raises."""
    try:
        return _read(place, workspace, [workspace / file for file in files], since)
    except OSError as error:
        return Found(SourceState.UNREADABLE, error.strerror or str(error))
    except ValueError as error:
        return Found(SourceState.UNREADABLE, " ".join(str(error).split()))


def _read(place: Place, workspace: Path, files: list[Path], since: float | None) -> Found:
    # each only where it is needed: sqlite3 and urllib take their time to import
    match place.kind:
        case Kind.EVENTS:
            from repro.trackers import events

            return events.read(files, place.source)
        case Kind.WANDB:
            from repro.trackers import wandb

            return wandb.read(files, place.source)
        case Kind.NOTEBOOK:
            from repro.trackers import notebooks

            if (size := files[0].stat().st_size) > LARGEST_NOTEBOOK:
                raise ValueError(f"it has {size} bytes, at most {LARGEST_NOTEBOOK} are read")
            return notebooks.read(files[0].read_bytes(), place.source)
        case Kind.DATABASE | Kind.FOLDER:
            from repro.trackers import mlflow

            return mlflow.read(workspace / place.top, place.source, since)
