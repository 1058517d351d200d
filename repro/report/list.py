"""The list of runs as a table, and as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence

from repro import canonical, listing
from repro.index import Row
from repro.manifest import Scalar
from repro.report import layout
from repro.report.layout import clean, paint
from repro.report.run import scalar

_STYLE = {
    "identical": "green",
    "equivalent": "green",
    "different": "red",
    "failed": "red",
    "unreplayable": "red",
}
GUESSED_COLUMNS = 2


def as_json(rows: Sequence[Row], total: int) -> str:
    """``{"schema": "repro/list/v1", "total", "runs": [...]}``, one line; specs/documents.md."""
    document = {
        "schema": "repro/list/v1",
        "total": total,
        "runs": [
            {
                "id": row.id,
                "created": row.created,
                "names": list(row.names),
                "command": row.command,
                "commit": row.commit,
                "dirty": row.dirty,
                "outcome": row.outcome,
                "duration": row.duration,
                "verdict": row.verdict,
                "replays": row.replays,
                "metrics": dict(row.metrics),
                "params": dict(row.params),
                "tracked": list(row.tracked),
            }
            for row in rows
        ],
    }
    return canonical.dumps(document).decode() + "\n"


def render(
    rows: Sequence[Row], total: int, columns: Sequence[str], *, colour: bool, width: int
) -> str:
    """The table, ending in a newline."""
    if not rows:
        return "no runs\n" if not total else "no run matches\n"
    columns = list(columns) or _guessed(rows)
    header = ["run", "when", "verdict", *columns, "commit", "name", "command"]
    if not any(row.names for row in rows):
        header.remove("name")
    named = "name" in header
    table = [[clean(cell) for cell in _cells(row, columns, named)] for row in rows]
    widths = [max(layout.width(line[at]) for line in [header, *table]) for at in range(len(header))]
    room = width - sum(widths[:-1]) - 2 * (len(header) - 1)
    widths[-1] = max(12, min(widths[-1], room))
    lines = [_line(header, widths, "bold", colour)]
    lines += [_line(line, widths, "", colour) for line in table]
    if len(rows) < total:
        lines.append(f"{total - len(rows)} more: --all")
    return "\n".join(lines) + "\n"


def _guessed(rows: Sequence[Row]) -> list[str]:
    """Without a wish: the first metrics that the newest run has."""
    return list(rows[0].metrics)[:GUESSED_COLUMNS]


def _cells(row: Row, columns: Sequence[str], named: bool) -> list[str]:
    verdict = row.verdict or ("-" if row.outcome == "finished" else f"({row.outcome})")
    values = [listing.value_of(row, name) for name in columns]
    commit = (row.commit or "-")[:8] + ("+" if row.dirty else "")
    return [
        row.id[:12],
        row.created[:16].replace("T", " "),
        verdict,
        *("-" if value is None else _short(value) for value in values),
        commit,
        *([", ".join(row.names)] if named else []),
        row.command,
    ]


def _short(value: Scalar) -> str:
    """Six digits: enough to tell runs apart; `repro show` and --json have them all."""
    return f"{value:.6g}" if isinstance(value, float) else scalar(value)


def _line(cells: Sequence[str], widths: Sequence[int], style: str, colour: bool) -> str:
    parts = []
    for at, (cell, columns) in enumerate(zip(cells, widths, strict=True)):
        text = layout.pad(layout.shorten(cell, columns), columns)
        parts.append(paint(text, _STYLE.get(cell, style) if at == 2 else style, colour))
    return "  ".join(parts).rstrip()
