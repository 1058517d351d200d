"""What is said of two contents, for a person: a line with the first difference, a few with the rest."""

from __future__ import annotations

from collections.abc import Iterator

from repro.anatomy.nouns import Change, ContentDifference, PartDifference

NAMED = 3
"""Further parts that are named; the others are counted."""
MANY_ULP = 1_000_000
"""Steps between two floats; more of them say nothing to a person."""
_NAMES = 60
"""Characters of a name in a list of names."""


def summary(content: ContentDifference, sides: tuple[str, str]) -> tuple[str, ...]:
    """The lines, the first of them the one that can stand alone; values in it are not yet escaped."""
    return tuple(_lines(content, sides))


def _lines(content: ContentDifference, sides: tuple[str, str]) -> Iterator[str]:
    first = next(iter(content.parts), None)
    if content.reason:
        if content.parts:
            yield _bytes(content)
        yield f"not opened: {content.reason}" + (f" ({content.remedy})" if content.remedy else "")
        return
    if content.format == "bytes":
        yield _bytes(content)
        return
    if first is None:
        yield f"{content.format}: {_alike(content)}"
    else:
        yield f"{content.format}: {_first(first, sides)}"
        yield from _figures(content)
        yield from _others(content, sides)
        if content.reordered:
            yield "what both have stands in another order"
    yield from content.notes


def _alike(content: ContentDifference) -> str:
    if not content.complete:
        return "no value differs in what was compared"
    if content.reordered:
        return "the same values in another order"
    return "the same values, written differently"


def _bytes(content: ContentDifference) -> str:
    found = []
    for part in content.parts:
        if part.change is Change.VALUE:
            found.append(f"first differing byte at {part.where}: {part.a} -> {part.b}")
            found.append(f"{part.differing} of {part.compared} bytes differ")
        else:
            found.append(f"{part.a} -> {part.b}")
    return "; ".join(found) or "the same bytes"


def _first(part: PartDifference, sides: tuple[str, str]) -> str:
    where = f"first at {part.where}: " if part.where or part.path else ""
    if part.change in (Change.MISSING, Change.NEW):
        side, value = (sides[0], part.a) if part.change is Change.MISSING else (sides[1], part.b)
        return f"{where}only in {side}" + (f" ({value})" if value else "")
    return f"{where}{part.a} -> {part.b}"


def _figures(content: ContentDifference) -> Iterator[str]:
    if not content.differing:
        return
    text = []
    if content.compared > 1:
        least = "" if content.complete else "at least "
        verb = "differs" if content.differing == 1 else "differ"
        counted = f"{least}{content.differing} of {content.compared} values {verb}"
        if 1 < content.parts_compared < content.compared:
            changed = content.parts_differing - content.missing - content.new
            counted += f", in {changed} of {content.parts_compared} parts"
        text.append(counted)
    far = [
        f"{_short(content.absolute)} absolute" if content.absolute is not None else "",
        f"{_short(content.relative)} relative" if content.relative is not None else "",
        f"{content.ulp} ULP" if content.ulp is not None and content.ulp <= MANY_ULP else "",
    ]
    if any(far):
        text.append(f"at most {', '.join(filter(None, far))} apart")
    if text:
        yield "; ".join(text)


def _short(number: float) -> str:
    return f"{number:.3g}"


def _others(content: ContentDifference, sides: tuple[str, str]) -> Iterator[str]:
    """The other parts in a line each kind: those on one side only, those of another shape or type."""
    rest = content.parts[1:]
    for change, side, total in (
        (Change.MISSING, sides[0], content.missing),
        (Change.NEW, sides[1], content.new),
    ):
        listed = [part.path for part in content.parts if part.change is change]
        if total and not (total == 1 and content.parts[0].change is change):
            yield f"only in {side}: {_names(listed, total)}"
    changed = [
        f"{_cut(part.path)} ({part.a} -> {part.b})"
        for part in rest
        if part.change in (Change.SHAPE, Change.TYPE, Change.LAYOUT)
    ]
    if changed:
        yield f"of another type or shape: {_names(changed, len(changed))}"
    values = [part.path for part in rest if part.change is Change.VALUE]
    if values:
        whole = content.parts_differing - content.missing - content.new - len(changed)
        whole -= (
            content.parts[0].change is not Change.MISSING
            and content.parts[0].change is not Change.NEW
        )
        yield f"also in {_names(values, max(whole, len(values)))}"


def _names(listed: list[str], total: int) -> str:
    shown = [_cut(name) for name in listed[:NAMED]]
    more = total - len(shown)
    if not shown:  # past those of which the names were kept
        return f"{total} part{'s' * (total > 1)}"
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _cut(name: str) -> str:
    return name if len(name) <= _NAMES else name[: _NAMES - 3] + "..."
