"""The comparison for a pull request or a job summary, in GitHub-flavoured Markdown.

What the run brought along (names, values, paths) stands in code spans; sentences are escaped. So
nothing in a bundle can add markup, mention a person or link an issue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repro.comparison import Comparison, MetricDifference, OutputDifference, Sides, Status
from repro.report import words
from repro.report.heading import Heading, Side
from repro.report.layout import clean


def render(comparison: Comparison, heading: Heading | None = None) -> str:
    """The whole report, ending in a newline."""
    titles = heading or Heading.of(comparison)
    sections = (
        _verdict(comparison),
        _sides(titles),
        _metrics(comparison, titles),
        _outputs(comparison, titles),
        _ingredients(comparison, titles),
        _circumstances(comparison, titles),
        _notes(comparison),
        _next_step(comparison),
    )
    blocks = ["\n".join(lines) for section in sections if (lines := list(section))]
    return "\n\n".join(blocks) + "\n"


def prose(text: str) -> str:
    """A sentence in which nothing is markup, a mention or a link."""
    escaped = _MARKUP.sub(r"\\\g<0>", clean(text)).replace("$", "<span>$</span>")
    # GitHub looks for mentions, issues and links in the rendered text, where no escape is left
    return _LINKS.sub(r"\1<!-- -->", escaped)


def code(text: str) -> str:
    """A name or a value as a code span that holds inside a table as well."""
    shown = clean(text)
    if not shown.strip():
        return ""
    if not _UNSAFE_IN_CODE.search(shown):
        return f"`{shown}`"
    entities = re.sub(r"[^\w \-]", lambda match: f"&#{ord(match.group())};", shown)
    return f"<code>{entities}</code>"


_MARKUP = re.compile(r"[\\`*_{}\[\]<>|~&^=!+]")
_LINKS = re.compile(r"([@#]|:(?=//)|www(?=\.))", re.IGNORECASE)
_UNSAFE_IN_CODE = re.compile(r"[`|\\<>&]")


# --- the sections ---------------------------------------------------------------------------


def _verdict(comparison: Comparison) -> Iterator[str]:
    mark = "✅" if comparison.exit_code == 0 else "❌"
    yield f"## {mark} {comparison.verdict.value}"
    yield ""
    yield from (f"- {prose(reason)}" for reason in words.reasons(comparison))


def _sides(heading: Heading) -> Iterator[str]:
    described = [side for side in (heading.a, heading.b) if side.described]
    if described:
        yield from _table(["", "run", "name", "time", "engine", "isolation"])
        yield from (_row([prose(side.label), *_side(side)]) for side in described)


def _side(side: Side) -> list[str]:
    return [code(text) for text in (side.run, side.name, side.time, side.engine, side.isolation)]


def _metrics(comparison: Comparison, heading: Heading) -> Iterator[str]:
    ordered = words.worst_first(comparison.metrics)
    if not ordered:
        return
    rows = [_metric(name, item) for name, item in zip(words.metric_names(ordered), ordered)]
    header = ["metric", *_labels(heading), "absolute", "relative", "tolerance", "status", "note"]
    yield from _folded("metrics", header, rows, [item.status for item in ordered], "-rrrr---")


def _metric(name: str, item: MetricDifference) -> list[str]:
    numbers = (
        *words.metric_values(item),
        words.distance_text(item.absolute),
        words.distance_text(item.relative),
    )
    note = prose("; ".join(words.metric_details(item)))
    return [
        code(name),
        *map(code, numbers),
        words.tolerance_text(item.tolerance),
        _status(item.status),
        note,
    ]


def _outputs(comparison: Comparison, heading: Heading) -> Iterator[str]:
    ordered = words.worst_first(comparison.outputs)
    if not ordered:
        return
    rows = [_output(item, comparison.sides) for item in ordered]
    header = ["output", *_labels(heading), "status", "where"]
    yield from _folded("outputs", header, rows, [item.status for item in ordered], "-----")


def _output(item: OutputDifference, sides: Sides) -> list[str]:
    columns = (
        f"{code(side.digest.removeprefix('sha256:')[:12])} {side.size} bytes" if side else "-"
        for side in (item.a, item.b)
    )
    where = "<br>".join(map(prose, words.output_details(item, sides)))
    return [code(item.path), *columns, _status(item.status), where]


def _ingredients(comparison: Comparison, heading: Heading) -> Iterator[str]:
    if comparison.ingredients:
        yield "### what went in differs"
        yield ""
        yield from _table(["ingredient", "name", *_labels(heading), "note"])
        for item in comparison.ingredients:
            values = (_or(value, words.NOTHING) for value in (item.a, item.b))
            yield _row([item.ingredient, code(item.name), *values, prose(item.detail)])


def _circumstances(comparison: Comparison, heading: Heading) -> Iterator[str]:
    if comparison.circumstances:
        yield "### what differs around the run"
        yield ""
        yield from _table(["", *_labels(heading)])
        for item in comparison.circumstances:
            yield _row([code(item.name), *(_or(side, "not known") for side in (item.a, item.b))])


def _notes(comparison: Comparison) -> Iterator[str]:
    if comparison.notes:
        yield "### notes"
        yield ""
        yield from (f"- {prose(note)}" for note in comparison.notes)


def _next_step(comparison: Comparison) -> Iterator[str]:
    if comparison.next_step:
        yield f"**next:** {prose(comparison.next_step)}"


# --- tables ---------------------------------------------------------------------------------


def _folded(
    title: str,
    header: list[str],
    rows: list[list[str]],
    statuses: Sequence[Status],
    alignment: str,
) -> Iterator[str]:
    """What is not equal in the open, what is equal folded away."""
    open_rows = [row for row, status in zip(rows, statuses) if status is not Status.EQUAL]
    equal = [row for row, status in zip(rows, statuses) if status is Status.EQUAL]
    yield f"### {title}"
    yield ""
    if open_rows:
        yield from _table(header, alignment)
        yield from map(_row, open_rows)
    if open_rows and equal:
        yield ""
    if equal:
        yield f"<details><summary>{len(equal)} equal</summary>"
        yield ""
        yield from _table(header, alignment)
        yield from map(_row, equal)
        yield ""
        yield "</details>"


def _table(header: Sequence[str], alignment: str = "") -> Iterator[str]:
    yield _row(header)
    yield _row(["--:" if mark == "r" else "---" for mark in alignment or "-" * len(header)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _labels(heading: Heading) -> tuple[str, str]:
    return prose(heading.a.label), prose(heading.b.label)


def _status(status: Status) -> str:
    return f"**{status.value}**" if status.red else status.value


def _or(value: str | None, nothing: str) -> str:
    return nothing if value is None else code(value)
