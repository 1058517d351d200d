"""Verifications to render: one of each kind that there is, and one whose names were chosen by a stranger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from renderings import DEFINITION, EVIL, RECORDED, REPLAYED, TOLERANCES, hostile

from repro.comparison import compare_results
from repro.manifest import Manifest, Metric, MetricType, Outcome, Policy, Result
from repro.store import Run
from repro.verifying import Chosen, Played, Verification, Verified
from repro.verifying.judging import judged, unplayed
from repro.verifying.nouns import Caught, SelfTest

FAILED = replace(RECORDED, outcome=Outcome.FAILED, exit_code=1, metrics=(), outputs=())
SMALL = replace(
    RECORDED,
    metrics=(Metric("metrics.json", "accuracy", MetricType.NUMBER, 0.9736842105263158),),
    outputs=(),
)


def chosen(name: str, mark: str, recorded: Result = RECORDED, why: str = "") -> Chosen:
    return Chosen(Run(mark * 64, Manifest(DEFINITION, recorded, "2026-01-15")), name, why)


def verified(
    name: str, mark: str, *results: Result, recorded: Result = RECORDED, asked: int = 0, **more: Any
) -> Verified:
    """A run whose replays yielded these."""
    policy = Policy(tolerances=TOLERANCES, **more)
    played = [
        Played(at, compare_results(recorded, item, policy), f"{at:064x}", 12.5)
        for at, item in enumerate(results, 1)
    ]
    numbered = dict(enumerate(results, 1))
    return judged(
        chosen(name, mark, recorded), asked or len(results) or 1, played, numbered, policy
    )


IDENTICAL = verified("baseline", "1", RECORDED, RECORDED)
DIFFERENT = verified("candidate", "2", REPLAYED, REPLAYED)
UNSTABLE = verified("unseeded", "3", RECORDED, REPLAYED)
BROKEN = verified("broken", "4", FAILED)
NOT_REACHED = verified("later", "5", asked=2)
PARTLY = verified("halfway", "6", RECORDED, asked=3)
LOST = judged(
    chosen("lost", "7"),
    1,
    [Played(1, unplayed("the image is gone", "docker pull it"))],
    {},
    Policy(),
)
NOTHING = verified("empty", "8", replace(SMALL, metrics=()), recorded=replace(SMALL, metrics=()))


CAUGHT = (
    SelfTest(chosen("baseline", "1"), (Caught("params.json: rate 0.25 -> 0.375", "different"),)),
)
MISSED = (SelfTest(chosen("baseline", "1"), missed=("seed 7 -> 8",)),)


def verification(*runs: Verified, **more: Any) -> Verification:
    return Verification(runs, 61.5, **more)


ALL = verification(
    IDENTICAL, DIFFERENT, UNSTABLE, BROKEN, NOT_REACHED, PARTLY, LOST, NOTHING,
    stopped="the time was up (60 s)", notes=("a note",),
)  # fmt: skip
GREEN = verification(IDENTICAL)


def evil() -> Verification:
    comparison, _ = hostile()
    played = Played(1, comparison, "e" * 64, 1.0)
    who = chosen(EVIL, "e", why=EVIL)
    shown = Verified(who, 1, comparison.verdict, (EVIL,), (played,), (), EVIL, EVIL)
    return verification(shown, stopped=EVIL, notes=(EVIL,))
