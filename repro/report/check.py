"""Whether what runs need is still to be had: a table, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro import canonical
from repro.bundles.metering import size
from repro.checking import Health, Ingredient, Where
from repro.checking.nouns import KINDS
from repro.report import layout
from repro.report.layout import clean, paint
from repro.saving import Saved

_WORDS = {Where.ELSEWHERE: "ok", Where.HERE: "here", Where.UNKNOWN: "unknown", Where.LOST: "LOST"}
_STYLE = {
    Where.ELSEWHERE: "green",
    Where.HERE: "yellow",
    Where.UNKNOWN: "yellow",
    Where.LOST: "bold red",
}


def as_json(
    found: Sequence[Health],
    savable: Mapping[str, Sequence[str]] | None = None,
    saved: Sequence[Saved] = (),
) -> str:
    """``{"schema": "repro/check/v1", "runs": [...]}``, one line; specs/documents.md."""
    document = {
        "schema": "repro/check/v1",
        "runs": [
            {
                "id": health.run,
                "where": health.where.value,
                "ingredients": [
                    {
                        "kind": item.kind,
                        "where": item.where.value,
                        "seen": item.seen,
                        "remedy": item.remedy,
                    }
                    for item in health.ingredients
                ],
                "savable": list((savable or {}).get(health.run, ())),
            }
            for health in found
        ],
        "saved": [_saved(item) for item in saved],
    }
    return canonical.dumps(document).decode() + "\n"


def _saved(item: Saved) -> dict[str, object]:
    return {
        "run": item.run,
        "counts": dict(item.counts),
        "size": item.size,
        "failed": list(item.failed),
    }


def saved(done: Sequence[Saved], width: int) -> str:
    """What was copied into the store, run by run, and what could not be."""
    lines: list[str] = []
    for item in done:
        parts = [_counted(part, number) for part, number in item.counts.items()]
        what = f"{', '.join(parts)} ({size(item.size)})" if parts else "nothing new"
        lines += layout.wrap(what, width, f"saved   {item.run[:12]}: ", " " * 9)
        for line in item.failed:
            lines += layout.wrap(clean(line), width, "  not saved: ", " " * 9)
    return "\n".join(lines) + "\n"


def _counted(part: str, number: int) -> str:
    words = {"data": ("data file", "data files"), "packages": ("package", "packages")}
    return "the image" if part == "image" else f"{number} {words[part][number != 1]}"


def _savable(lacking: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Which parts the store could still be given; no line where it has all."""
    counts: dict[str, int] = {}
    for parts in lacking.values():
        for part in parts:
            counts[part] = counts.get(part, 0) + 1
    if not counts:
        return []
    listed = ", ".join(
        f"{part} of {number} run{'s' * (number != 1)}" for part, number in counts.items()
    )
    said = f"not in the store (--fix saves what can still be had): {listed}"
    return ["", *layout.wrap(said, width, "", "  ")]


def render(
    found: Sequence[Health],
    *,
    colour: bool,
    width: int,
    savable: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A row per run; below, what is not to be had elsewhere, once for all runs that it concerns."""
    header = ("run", *KINDS)
    cells = [(item.run[:12], *(_word(item.of(kind)) for kind in KINDS)) for item in found]
    widths = [max(layout.width(row[at]) for row in (header, *cells)) for at in range(len(header))]
    lines = [paint(layout.line(header, widths, ()), "dim", colour)]
    for health, row in zip(found, cells):
        padded = [layout.pad(cell, columns) for cell, columns in zip(row, widths)]
        for at, kind in enumerate(KINDS, 1):
            if item := health.of(kind):
                padded[at] = padded[at].replace(row[at], paint(row[at], _STYLE[item.where], colour))
        lines.append(("  " + "  ".join(padded)).rstrip())
    for item, runs in _concerns(found).items():
        several = f" ({len(runs)} runs)" if len(runs) > 1 else f" ({runs[0][:12]})"
        first = f"{layout.pad(_WORDS[item.where], 7)}  {item.kind}{several}: "
        lines.append("")
        lines += layout.wrap(clean(item.seen), width, first, " " * 9)
        if item.remedy:
            lines += layout.wrap(clean(item.remedy), width, " " * 9 + "-> ", " " * 12)
    lines += _savable(savable or {}, width)
    return "\n".join([*lines, "", _summary(found, colour)]) + "\n"


def _word(item: Ingredient | None) -> str:
    return _WORDS[item.where] if item else "-"


def _concerns(found: Sequence[Health]) -> dict[Ingredient, list[str]]:
    """By ingredient, the worst first, the runs that it is said of."""
    order = list(Where)
    concerns: dict[Ingredient, list[str]] = {}
    for health in found:
        for item in health.ingredients:
            if item.where is not Where.ELSEWHERE:
                concerns.setdefault(item, []).append(health.run)
    return dict(sorted(concerns.items(), key=lambda pair: -order.index(pair[0].where)))


def _summary(found: Sequence[Health], colour: bool) -> str:
    counts = {place: sum(item.where is place for item in found) for place in Where}
    said = {
        Where.ELSEWHERE: "to be had by anybody",
        Where.HERE: "to be had on this machine only",
        Where.UNKNOWN: "not known",
        Where.LOST: "cannot be replayed any more",
    }
    parts = [
        paint(f"{count} {said[place]}", _STYLE[place], colour)
        for place, count in counts.items()
        if count
    ]
    return f"{len(found)} run{'s' * (len(found) != 1)}: {', '.join(parts)}"
