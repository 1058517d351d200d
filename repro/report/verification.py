"""A verification for a person: a row per run, and below it what is wrong with those that did not pass."""

from __future__ import annotations

from collections.abc import Iterator

from repro.comparison import Comparison, Verdict
from repro.report import layout, text
from repro.report.heading import Heading
from repro.report.layout import clean, paint
from repro.verifying import State, Verification, Verified

HEADER = ("run", "verdict", "replays", "values", "seconds")
_STYLE = {
    Verdict.IDENTICAL: "green",
    Verdict.EQUIVALENT: "green",
    Verdict.DIFFERENT: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.UNREPLAYABLE: "bold red",
    None: "yellow",
}


def word(verified: Verified) -> str:
    """The verdict in one word, also where there is none."""
    return verified.verdict.value if verified.verdict else State.NOT_REACHED.value


def line(verified: Verified) -> str:
    """One run on one line, for as soon as it is known."""
    return f"{verified.chosen.label}: {word(verified)} ({_count(verified)}, {_values(verified.values)})"


def render(found: Verification, *, colour: bool, width: int) -> str:
    """The report, ending in a newline."""
    lines = [] if found.unaffected else _table(found, colour)
    for item in found.runs:
        if not item.passed:
            lines += ["", *_details(item, colour, width)]
        elif item.diagnosis:
            lines += [
                "",
                *layout.wrap(clean(item.diagnosis), width, f"{item.chosen.label}: ", "  "),
            ]
    if found.self_tests:
        lines += ["", *_self_tests(found, colour, width)]
    lines += ["", *layout.wrap(paint(summary(found), _colour_of(found), colour), width)]
    for note in found.notes:
        lines += layout.wrap(clean(note), width, "note: ", "  ")
    return "\n".join(lines).lstrip("\n") + "\n"


def _self_tests(found: Verification, colour: bool, width: int) -> Iterator[str]:
    yield paint("self-test: one ingredient of each run changed", "dim", colour)
    for test in found.self_tests:
        label = test.chosen.label
        for caught in test.caught:
            yield from layout.wrap(
                clean(f"{label}: {caught.change}: {caught.verdict}, as it has to be"),
                width,
                "  ",
                "    ",
            )
        for missed in test.missed:
            word = paint("not noticed" if not test.caught else "changes nothing", "yellow", colour)
            yield from layout.wrap(clean(f"{label}: {missed}: {word}"), width, "  ", "    ")
        if not test.passed:
            why = test.error or (
                "no change turned it red: its green says nothing"
                if test.missed
                else "there is nothing in it that could be changed: no parameter, data or Python program"
            )
            said = f"{label}: {paint('self-test failed', 'bold red', colour)}: {clean(why)}"
            yield from layout.wrap(said, width, "  ", "    ")


def _table(found: Verification, colour: bool) -> list[str]:
    rows = [
        (
            item.chosen.label,
            word(item),
            f"{len(item.replays)} of {item.asked}",
            str(item.values),
            f"{sum(replay.seconds for replay in item.replays):.1f}",
        )
        for item in found.runs
    ]
    widths = [max(map(layout.width, column)) for column in zip(HEADER, *rows)]
    right = (2, 3, 4)
    lines = [paint(layout.line(HEADER, widths, right), "dim", colour)]
    for item, row in zip(found.runs, rows):
        cells = [layout.pad(cell, widths[at], at in right) for at, cell in enumerate(row)]
        cells[1] = cells[1].replace(row[1], paint(row[1], _STYLE[item.verdict], colour))
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def summary(found: Verification) -> str:
    """All of it in one sentence."""
    if found.unaffected:
        return "nothing to verify: no changed file can affect a run"
    passed = sum(item.passed for item in found.runs)
    total = len(found.runs)
    replays = sum(len(item.replays) for item in found.runs)
    parts = [f"{passed} of {total} run{'s' * (total != 1)} passed", _values(found.values)]
    if found.self_tests:
        red = sum(item.passed for item in found.self_tests)
        parts.append(f"{red} of {len(found.self_tests)} turned red when changed")
    parts.append(f"{replays} replay{'s' * (replays != 1)}, {found.seconds:.0f} s")
    for state in (State.PARTLY, State.NOT_REACHED):
        if names := [item.chosen.label for item in found.runs if item.state is state]:
            parts.append(f"{state.value}: {', '.join(names)}")
    said = "; ".join(parts)
    return f"{said}. {found.stopped[:1].upper()}{found.stopped[1:]}" if found.stopped else said


def _details(item: Verified, colour: bool, width: int) -> Iterator[str]:
    yield f"{paint(item.chosen.label, 'bold', colour)}: {word(item)}"
    if item.state is State.PARTLY:
        yield f"  only {_count(item)} came to an end"
    worst = item.worst
    if worst and worst.verdict.passed:
        return
    if worst is None or worst.verdict is Verdict.UNREPLAYABLE:
        for reason in item.reasons:
            yield from layout.wrap(clean(reason), width, "  ", "    ")
        if item.next_step:
            yield from layout.wrap(clean(item.next_step), width, "  try: ", "    ")
        return
    for reason in item.reasons:
        if reason not in worst.reasons:
            yield from layout.wrap(clean(reason), width, "  ", "    ")
    yield ""
    yield from _shown(worst, colour, width)


def _shown(comparison: Comparison, colour: bool, width: int) -> list[str]:
    whole = text.render(
        comparison, Heading.of(comparison), colour=colour, width=width - 2, all=False
    )
    return [f"  {part}".rstrip() for part in whole.rstrip("\n").split("\n")]


def _count(item: Verified) -> str:
    return f"{len(item.replays)} of {item.asked} replay{'s' * (item.asked != 1)}"


def _values(count: int) -> str:
    return f"{count} value{'s' * (count != 1)} compared"


def _colour_of(found: Verification) -> str:
    return "bold green" if found.exit_code == 0 else "bold red"
