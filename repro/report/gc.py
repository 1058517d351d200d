"""What the store holds, and what of it is garbage: as a table, and as JSON."""

from __future__ import annotations

from pathlib import Path

from repro import canonical
from repro.collecting import Held, Inventory
from repro.report import layout
from repro.report.layout import paint
from repro.report.run import size as size_text


def as_json(found: Inventory, root: Path, *, deleted: bool) -> str:
    """``{"schema": "repro/gc/v1", "held", "garbage", "deleted"}``, one line; specs/documents.md."""
    document = {
        "schema": "repro/gc/v1",
        "deleted": deleted,
        "held": [
            {"kind": item.kind, "count": item.count, "size": item.size} for item in found.held
        ],
        "garbage": [
            {
                "kind": item.kind,
                "path": item.path.relative_to(root).as_posix(),
                "size": item.size,
            }
            for item in found.garbage
        ],
        "size": found.size,
    }
    return canonical.dumps(document).decode() + "\n"


def render(found: Inventory, *, deleted: bool, cache: bool, colour: bool) -> str:
    """Two tables, and what to do."""
    lines = [paint("kept", "bold", colour), *_table(found.held)]
    wasted = _by_kind(found)
    if wasted:
        title = "removed" if deleted else "nothing refers to this, or it can be made again"
        lines += ["", paint(title, "bold", colour), *_table(wasted)]
    size = size_text(found.size)
    if deleted:
        lines += ["", f"{size} freed" if wasted else "there was nothing to remove"]
    elif wasted:
        options = " --cache" if cache else ""
        lines += ["", f"nothing was removed; to free {size}: repro gc --delete{options}"]
    else:
        lines += ["", "there is nothing to remove"]
    return "\n".join(lines) + "\n"


def _by_kind(found: Inventory) -> tuple[Held, ...]:
    kinds: dict[str, list[int]] = {}
    for item in found.garbage:
        kinds.setdefault(item.kind, []).append(item.size)
    return tuple(Held(kind, len(sizes), sum(sizes)) for kind, sizes in kinds.items())


def _table(rows: tuple[Held, ...]) -> list[str]:
    cells = [(item.kind, str(item.count), size_text(item.size)) for item in rows]
    widths = [max(layout.width(row[at]) for row in cells) if cells else 0 for at in range(3)]
    return [f"  {layout.line(row, widths, range(1, 3))}" for row in cells] or ["  nothing"]
