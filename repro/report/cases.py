"""A verified run as the single things that it was held to: what the reports for pipelines have in common.

A case never passes where nothing was compared: what the policy ignores, what nobody declared and what holds
no value is no case, and is counted in ``uncompared``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from repro.comparison import Comparison, MetricDifference, OutputDifference, Status, Verdict
from repro.comparison import verdict as rules
from repro.manifest import Descriptor
from repro.report import verification, words
from repro.report.heading import Heading
from repro.report.layout import clean
from repro.verifying import State, Verification, Verified
from repro.verifying.nouns import SelfTest

LONGEST = 300
"""Characters of one value in a line."""
OBSERVATIONS = 10
"""Comparisons of one case that are told in full."""


class Problem(str, Enum):
    """What is wrong with a case."""

    NONE = ""
    FAILURE = "failure"
    """It came out otherwise."""
    ERROR = "error"
    """It could not be told."""


@dataclass(frozen=True)
class Case:
    """One thing that a run was held to. All of its texts are clean."""

    kind: str
    """``verdict``, ``metric``, ``output``, ``metrics file``, ``self-test``."""
    name: str
    problem: Problem = Problem.NONE
    word: str = ""
    """What is wrong in one word: ``different``, ``missing``, ``not reached``."""
    message: str = ""
    """The same in one line."""
    text: str = ""
    """And in several, without a line feed at its end."""


@dataclass(frozen=True)
class _Seen:
    """One metric or output in one comparison."""

    where: str
    """``replay 2``, ``replays 1 and 2``."""
    labels: tuple[str, str]
    item: MetricDifference | OutputDifference
    red: bool
    counted: bool


def of(verified: Verified) -> tuple[Case, ...]:
    """The verdict, and then every metric, every output and every place of metrics that is amiss."""
    seen = list(_seen(verified))
    found = [*_grouped(seen), *_places(verified)]
    if not seen:
        found = list(_recorded(verified))
    return (_verdict(verified, found), *found)


def uncompared(verified: Verified) -> tuple[str, ...]:
    """Names of metrics and outputs that were seen and that no case stands for."""
    groups = _groups(_seen(verified)).items()
    return tuple(
        name for (_, name), group in groups if not any(item.counted or item.red for item in group)
    )


def aside(found: Verification) -> tuple[Case, ...]:
    """What concerns all of it: whether each self-test turned red, and that something is amiss with no single
    run. Where a verification is red, a case is: of a run, or here."""
    tests = tuple(_self_test(item) for item in found.self_tests)
    known = any(not item.passed for item in found.runs) or any(case.problem for case in tests)
    if not found.exit_code or (known and not found.stopped and not found.interrupted):
        return tests
    word = "interrupted" if found.interrupted else "incomplete"
    message = clean(found.stopped) or "there was no run to verify"
    text = clean(verification.summary(found))
    return (*tests, Case("verdict", "all was verified", Problem.ERROR, word, message, text))


def _self_test(item: SelfTest) -> Case:
    name = f"self-test of {clean(item.chosen.name) or item.chosen.run.short}"
    caught = [f"{each.change}: {each.verdict}" for each in item.caught]
    lines = [*caught, *(f"{change}: as green as before" for change in item.missed), item.error]
    text = _text(clean(line) for line in lines)
    if item.passed:
        return Case("self-test", name, text=text)
    message = clean(item.error) or "nothing that was changed turned it red"
    return Case("self-test", name, Problem.FAILURE, "not caught", message, text or message)


def label(verified: Verified) -> str:
    """What a pipeline knows the run by: its name, which outlives a new recording, else its id."""
    return clean(verified.chosen.name) or verified.chosen.run.short


# --- the verdict ----------------------------------------------------------------------------


def _verdict(item: Verified, others: list[Case]) -> Case:
    word, problem = _word(item), Problem.NONE
    if not item.passed:
        problem = Problem.FAILURE if item.verdict is Verdict.DIFFERENT else Problem.ERROR
    reasons = [clean(reason) for reason in item.reasons]
    parts = [f"{word}: {'; '.join(reasons)}"]
    if item.state is State.PARTLY:
        parts.append(f"only {len(item.replays)} of {item.asked} replays came to an end")
    lines = [*parts, clean(item.diagnosis), f"try: {clean(item.next_step)}" * bool(item.next_step)]
    amiss = [case for case in others if case.problem]
    lines += [f"{case.kind} {case.name}: {case.message}" for case in amiss[:OBSERVATIONS]]
    if len(amiss) > OBSERVATIONS:
        lines.append(f"and {len(amiss) - OBSERVATIONS} more")
    if worst := item.worst:
        lines += [
            f"around the run: {clean(each.name)}: {clean(each.a or 'not known')} -> "
            f"{clean(each.b or 'not known')}"
            for each in worst.circumstances
        ]
    return Case("verdict", "verdict", problem, word, "; ".join(parts), _text(lines))


def _word(item: Verified) -> str:
    """The verdict, but where it is green and not all was done."""
    if item.verdict is None:
        return State.NOT_REACHED.value
    return State.PARTLY.value if item.verdict.passed and not item.passed else item.verdict.value


# --- metrics and outputs --------------------------------------------------------------------


def _seen(verified: Verified) -> Iterator[_Seen]:
    for played in verified.replays:
        yield from _of_comparison(f"replay {played.number}", played.comparison)
    for pair in verified.pairs:
        yield from _of_comparison(f"replays {pair.a} and {pair.b}", pair.comparison)


def _of_comparison(where: str, comparison: Comparison) -> Iterator[_Seen]:
    heading = Heading.of(comparison)
    labels = clean(heading.a.label), clean(heading.b.label)
    for metric in comparison.metrics:
        yield _Seen(where, labels, metric, metric.status.red, rules.is_compared(metric))
    vouched = any(rules.is_compared(item) and rules.vouches(item) for item in comparison.metrics)
    for output in comparison.outputs:
        # bytes may differ where a metric vouches for them, as in the verdict
        red = output.status.red and not (output.status is Status.DIFFERENT and vouched)
        yield _Seen(where, labels, output, red, rules.is_matched(output))


def _groups(seen: Iterable[_Seen]) -> dict[tuple[str, str], list[_Seen]]:
    """By kind and name: metrics first, each kind in the order of its names."""
    found: dict[tuple[str, str], list[_Seen]] = {}
    for each in seen:
        found.setdefault(_key(each.item), []).append(each)
    return dict(sorted(found.items()))


def _key(item: MetricDifference | OutputDifference) -> tuple[str, str]:
    if isinstance(item, MetricDifference):
        return "metric", clean(f"{item.source}:{item.name}")
    return "output", clean(item.path)


def _grouped(seen: Iterable[_Seen]) -> Iterator[Case]:
    for (kind, name), group in _groups(seen).items():
        red = [each for each in group if each.red]
        if red:
            yield _amiss(kind, name, red)
        elif any(each.counted for each in group):
            yield Case(kind, name, text=_text(_remarks(group)))


def _amiss(kind: str, name: str, red: list[_Seen]) -> Case:
    lines: list[str] = []
    for each in red[:OBSERVATIONS]:
        lines += [f"{each.where}: {each.item.status.value}", *(f"  {row}" for row in _rows(each))]
    if len(red) > OBSERVATIONS:
        lines.append(f"and in {len(red) - OBSERVATIONS} more comparisons")
    first = red[0]
    message = f"{first.item.status.value} in {first.where}: {', '.join(_rows(first))}"
    return Case(kind, name, Problem.FAILURE, first.item.status.value, message, _text(lines))


def _rows(each: _Seen) -> list[str]:
    """What the two sides have, each on its line: ``recorded 0.5``."""
    a, b = each.labels
    item = each.item
    if isinstance(item, OutputDifference):
        rows = [f"{name} {_content(side)}" for name, side in ((a, item.a), (b, item.b))]
        return [*rows, *([clean(item.detail)] if item.detail else [])]
    values = map(_cut, words.metric_values(item))
    rows = [f"{name} {value}" for name, value in zip((a, b), values)]
    for name, distance in (("absolute", item.absolute), ("relative", item.relative)):
        if distance is not None:
            rows.append(f"{name} {words.distance_text(distance)}")
    rows.append(f"tolerance {words.tolerance_text(item.tolerance)}")
    return [*rows, *(clean(text) for text in words.metric_details(item))]


def _content(side: Descriptor | None) -> str:
    if side is None:
        return words.NOTHING
    return f"{side.digest.removeprefix('sha256:')[:12]} {side.size} bytes"


def _remarks(group: list[_Seen]) -> Iterator[str]:
    """What is not red and not equal either."""
    for each in group:
        if each.item.status is not Status.EQUAL:
            yield f"{each.where}: {each.item.status.value}: {', '.join(_rows(each))}"


def _cut(value: str) -> str:
    if len(value) <= LONGEST:
        return value
    return f"{value[:LONGEST]}... ({len(value)} characters)"


# --- what no comparison has -----------------------------------------------------------------


def _places(item: Verified) -> Iterator[Case]:
    """Places of metrics that make a verdict red, once each."""
    said = set()
    for played in item.replays:
        for source in played.comparison.sources:
            if source.status.red and source.path not in said:
                said.add(source.path)
                message = clean(f"{source.message} (replay {played.number})")
                text = _text([message, clean(source.remedy)])
                word = source.status.value
                yield Case("metrics file", clean(source.path), Problem.FAILURE, word, message, text)


def _recorded(item: Verified) -> Iterator[Case]:
    """What should have been compared, of a run that was not reached or could not be replayed."""
    result = item.chosen.run.manifest.result
    why = f"not compared: {'; '.join(clean(reason) for reason in item.reasons)}"
    names = {("metric", clean(f"{metric.source}:{metric.name}")) for metric in result.metrics}
    names |= {("output", clean(output.path)) for output in result.outputs}
    for kind, name in sorted(names):
        yield Case(kind, name, Problem.ERROR, _word(item), why, why)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)
