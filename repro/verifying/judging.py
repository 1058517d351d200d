"""From the replays of one run to one word: the worst that any comparison ends in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from repro.comparison import Comparison, Verdict, control
from repro.manifest import Policy, Result
from repro.verifying.nouns import Chosen, Pair, Played, Verified
from repro.yardstick import compared

ALL_PAIRS = 12
"""Up to so many replays each is compared with each; of more, each with the first and the one before it."""

_ORDER = list(Verdict)


def judged(
    chosen: Chosen,
    asked: int,
    played: Sequence[Played],
    results: Mapping[int, Result],
    policy: Policy,
    steps: int | None = None,
) -> Verified:
    """One verdict for one run. ``results`` are what the replays yielded, by number; one that could not be
    executed has none. ``steps``: as many of each series were replayed."""
    replays = tuple(
        item
        if steps
        else _explained(
            item, results, policy, chosen, [other.number for other in played if _same(other, item)]
        )
        for item in sorted(played, key=lambda item: item.number)
    )
    if not replays:
        return Verified(chosen, asked, None, ("no replay of it came to an end",))
    pairs = tuple(
        Pair(a, b, compared(results[a], results[b], policy, steps, sides=_sides(a, b)))
        for a, b in _pairs(sorted(results))
    )
    comparisons = [item.comparison for item in replays] + [item.comparison for item in pairs]
    verdict = max((item.verdict for item in comparisons), key=_ORDER.index)
    worst = [item for item in replays if item.comparison.verdict is verdict]
    between = [item for item in pairs if item.comparison.verdict is verdict]
    reasons = _reasons(replays, worst, between)
    said = _diagnosis(replays, pairs, results)
    step = (worst or between)[0].comparison.next_step
    return Verified(chosen, asked, verdict, reasons, replays, pairs, said, step)


def _explained(
    played: Played,
    results: Mapping[int, Result],
    policy: Policy,
    chosen: Chosen,
    beside: Sequence[int],
) -> Played:
    """With what the other replays on that machine, those numbered ``beside``, say of the cause."""
    own = results.get(played.number)
    if own is None:
        return played
    others = [results[item] for item in beside if item in results and item != played.number]
    again = f"repro verify {chosen.name or chosen.run.short} -n 2"
    said = control.explained(played.comparison, own, others, policy, again)
    return replace(played, comparison=said)


def _sides(a: int, b: int) -> tuple[str, str]:
    return f"replay {a}", f"replay {b}"


def _pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    if len(numbers) <= ALL_PAIRS:
        return list(combinations(numbers, 2))
    first = [(numbers[0], other) for other in numbers[1:]]
    return sorted({*first, *pairwise(numbers)})


def _reasons(
    replays: Sequence[Played], worst: Sequence[Played], between: Sequence[Pair]
) -> tuple[str, ...]:
    """Those of the first comparison that is as bad as the verdict, and how many are."""
    if worst:
        reasons = worst[0].comparison.reasons
        if len(replays) == 1 or (len(worst) == len(replays) and _same_reasons(worst)):
            return reasons
        which = ", ".join(str(item.number) for item in worst)
        several = "replays" if len(worst) > 1 else "replay"
        return (*reasons, f"so {several} {which} of {len(replays)}")
    pair = between[0]
    return (
        f"replays {pair.a} and {pair.b} agree with the record and not with each other",
        *pair.comparison.reasons,
    )


def _same_reasons(replays: Sequence[Played]) -> bool:
    return len({item.comparison.reasons for item in replays}) == 1


def _same(one: Played, other: Played) -> bool:
    """Made on one machine: two of the same build are still two."""
    return one.host == other.host


def _diagnosis(
    replays: Sequence[Played], pairs: Sequence[Pair], results: Mapping[int, Result]
) -> str:
    """What two executions under the same conditions tell of the cause; and under others, where they were."""
    at = {item.number: item for item in replays}
    differing = [item for item in pairs if control.can_explain(item.comparison)]
    alike = [
        item
        for item in differing
        if _same(at[item.a], at[item.b]) and control.comparable(results[item.a], results[item.b])
    ]
    if alike:
        first = alike[0]
        machine = at[first.a].host or "this machine"
        return (
            f"the training is not deterministic: replays {first.a} and {first.b} ran in the same "
            f"environment on {machine} and differ ({first.comparison.reasons[0]})"
        )
    if differing:
        return _elsewhere(differing[0], at)
    differs = any(control.can_explain(item.comparison) for item in replays)
    if differs and pairs and all(item.comparison.verdict.passed for item in pairs):
        return (
            f"the training repeats itself here: all {len(replays)} replays agree with each other, so the "
            "difference comes from what differs between the record and here"
        )
    return ""


def _elsewhere(pair: Pair, at: Mapping[int, Played]) -> str:
    """Of two that differ and did not run under the same conditions: what else differs."""
    around = "; ".join(
        f"{item.name}: {item.a or 'not known'} and {item.b or 'not known'}"
        for item in pair.comparison.circumstances
    )
    one, other = (at[number].host or "this machine" for number in (pair.a, pair.b))
    where = f"replays {pair.a} on {one} and {pair.b} on {other}"
    return (
        f"{where} differ ({pair.comparison.reasons[0]}), and did not run under the same conditions "
        f"({around or 'two machines'}): whether the training repeats itself, two replays on one "
        "machine would tell"
    )


def unplayed(reason: str, remedy: str) -> Comparison:
    """What stands for a replay that came to no result."""
    return Comparison(verdict=Verdict.UNREPLAYABLE, reasons=(reason,), next_step=remedy)
