"""Two runs side by side, for a person and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from repro import canonical
from repro.differing import DataDifference, RunDifference
from repro.manifest import to_document
from repro.report import json as comparison_document
from repro.report import layout, text
from repro.report.heading import Heading, Side
from repro.report.layout import clean, paint
from repro.report.run import size

SHOWN = 20


def heading(found: RunDifference) -> Heading:
    """Who is compared with whom."""
    return Heading(
        Side.of(found.a.manifest.result, "first", found.a.short),
        Side.of(found.b.manifest.result, "second", found.b.short),
    )


def as_json(found: RunDifference) -> str:
    """``{"schema": "repro/diff/v1", …}``, one line; specs/documents.md."""
    code = None
    if found.code is not None:
        code = {
            "commits": list(found.code.commits),
            "between": list(found.commits),
            "files": [asdict(item) for item in found.code.files],
            "settings": list(found.code.settings),
        }
    document = {
        "schema": "repro/diff/v1",
        "a": found.a.id,
        "b": found.b.id,
        "comparison": comparison_document.document(found.comparison, heading(found)),
        "code": code,
        "data": [
            {
                "path": item.path,
                "status": item.status,
                "a": to_document(item.a) if item.a else None,
                "b": to_document(item.b) if item.b else None,
                "changed": list(item.changed),
                "added": list(item.added),
                "removed": list(item.removed),
            }
            for item in found.data
        ],
        "notes": list(found.notes),
    }
    return canonical.dumps(document).decode() + "\n"


def render(found: RunDifference, *, colour: bool, width: int, all: bool = False) -> str:
    """The comparison, then the code and the data in detail; ends in a newline."""
    body = text.render(
        found.comparison, heading(found), colour=colour, width=width, all=all, equal=0
    )
    limit = None if all else SHOWN
    sections = [
        list(_code(found, limit, colour)),
        [line for item in found.data for line in _data(item, limit)],
        [f"note: {clean(note)}" for note in found.notes],
    ]
    if sections[1]:
        sections[1].insert(0, paint("data in detail", "bold", colour))
    return body + "".join("\n" + "\n".join(section) + "\n" for section in sections if section)


def _code(found: RunDifference, limit: int | None, colour: bool) -> Iterator[str]:
    if found.code is None or (found.code.same and not found.commits):
        return
    files = found.code.files
    added = sum(item.added or 0 for item in files)
    deleted = sum(item.deleted or 0 for item in files)
    count = f"{len(files)} file{'s' * (len(files) != 1)}"
    yield f"{paint('code in detail', 'bold', colour)}: {count}, +{added} -{deleted} lines"
    for line in found.commits[:limit]:
        yield f"  commit {clean(line)}"
    if files:
        columns = max(layout.width(clean(item.path)) for item in files[:limit])
        for item in files[:limit]:
            lines = "binary" if item.added is None else f"+{item.added} -{item.deleted}"
            yield f"  {item.status} {layout.pad(clean(item.path), columns)}  {lines}"
    yield from _more(files, limit)


def _data(item: DataDifference, limit: int | None) -> Iterator[str]:
    sizes = f"{size(item.a.size) if item.a else '-'} -> {size(item.b.size) if item.b else '-'}"
    files = ""
    if item.a and item.b and (item.a.files, item.b.files) != (1, 1):
        files = f", {item.a.files} -> {item.b.files} files"
    yield f"  {item.status} {clean(item.path)}  {sizes}{files}"
    for word, names in (("M", item.changed), ("A", item.added), ("D", item.removed)):
        for name in names[:limit]:
            yield f"    {word} {clean(name)}"
        yield from (f"  {line}" for line in _more(names, limit))


def _more(items: Sequence[object], limit: int | None) -> Iterator[str]:
    if limit is not None and len(items) > limit:
        yield f"  and {len(items) - limit} more (--all)"
