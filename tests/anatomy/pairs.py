"""Pairs of files to open: here, or by the reader of the container in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from repro import anatomy
from repro.anatomy import ContentDifference, Place
from repro.dissecting_inside import install

SIDES = ("the record", "the replay")


def written(folder: Path, name: str, a: bytes, b: bytes) -> tuple[Path, Path]:
    """The two contents as files called so."""
    paths = folder / "a" / name, folder / "b" / name
    for path, content in zip(paths, (a, b)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return paths


def compared(folder: Path, name: str, a: bytes, b: bytes) -> ContentDifference:
    """Opened here."""
    return anatomy.compare(name, *written(folder, name, a, b))


def read_inside(
    folder: Path, name: str, a: Path, b: Path, python: str = sys.executable
) -> ContentDifference:
    """Opened as in a container, though without one: the reader alone, isolated from this repro.
    Raises Unreadable."""
    place, form = anatomy.place_of(name, a)
    assert place is Place.INSIDE, (place, form)
    room = folder / "room"
    (room / "out").mkdir(parents=True, exist_ok=True)
    if not (room / "repro").exists():
        install(room)
    tasks = [{"path": str(path), "form": form, "name": side} for path, side in ((a, "a"), (b, "b"))]
    (room / "tasks.json").write_text(json.dumps(tasks), "utf-8")
    for left in (room / "out").iterdir():
        left.unlink()
    words = ["-B", "-m", "repro.anatomy.inside.main", "tasks.json", "out"]
    subprocess.run([python, *words], cwd=room, check=True, timeout=300)
    return anatomy.compare_plain(room / "out" / "a", room / "out" / "b")


def lines(content: ContentDifference) -> list[str]:
    return list(anatomy.summary(content, SIDES))
